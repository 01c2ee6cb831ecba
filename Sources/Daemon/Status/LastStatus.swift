import Foundation
import GRDB
import Shards

/// The status that the last daemon of a workspace left in the catalog.
public enum LastStatus {
  /// Opens `catalog.sqlite` for reading only.
  ///
  /// - Returns: nil where no daemon ever wrote one.
  /// - Throws: `DatabaseError`, or `DecodingError` if another version of Tamis wrote it.
  public static func read(workspace: String) throws -> DaemonStatus? {
    let path = workspace + "/catalog.sqlite"
    guard try FileStatus(path: path) != nil else { return nil }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    let database = try DatabaseQueue(path: path, configuration: configuration)
    let json = try database.read { database in
      guard try database.tableExists("status") else { return String?.none }
      return try String.fetchOne(database, sql: "SELECT json FROM status")
    }
    return try json.map { try StatusJSON.status(Array($0.utf8)) }
  }
}
