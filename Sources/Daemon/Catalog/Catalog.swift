import Foundation
import GRDB
import Pipeline
import Shards

/// `catalog.sqlite`: the journal of a stream and the last status, in SQLite (WAL, `synchronous=FULL`: a transaction is
/// on the disk when its call returns).
///
/// Clock times are for people and stand here alone; nothing is decided by them.
public final class Catalog {
  /// Name of the file in the workspace.
  public static let file = "catalog.sqlite"

  let database: DatabaseQueue

  /// Seconds that a transaction waits for another process that holds the file.
  private static let patience = 5.0

  /// Opens or creates the catalog of a workspace and brings its tables up to date.
  ///
  /// - Throws: `DatabaseError`.
  public init(workspace: String) throws {
    try Directory.create(workspace)
    var configuration = Configuration()
    configuration.label = "catalog"
    configuration.busyMode = .timeout(Self.patience)
    configuration.journalMode = .wal
    database = try DatabaseQueue(path: workspace + "/" + Self.file, configuration: configuration)
    try database.inDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
      guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2,
        try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal"
      else { throw PipelineError(.internalError, "\(Self.file): SQLite does not write as it should") }
    }
    try CatalogSchema.migrator.migrate(database)
  }

  /// Closes the file; nothing is left in its log.
  public func close() throws { try database.close() }

  /// Keeps a status for when the daemon is down.
  public func save(_ status: DaemonStatus) throws {
    let json = StatusJSON.line(status)
    try database.write {
      try $0.execute(sql: "INSERT OR REPLACE INTO status (id, json) VALUES (1, ?)", arguments: [json])
    }
  }
}
