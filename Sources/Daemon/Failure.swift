import GRDB
import Glibc
import Pipeline
import Shards

/// An error after which the daemon tries again, as what it needs may come back: the disk, the catalog, an input file.
struct Failure {
  let text: String

  /// nil for errors that another try cannot mend.
  ///
  /// - Parameter isFirst: nothing has worked yet: then only a full disk and a catalog that is held are waited for, and
  ///   whatever else is wrong ends the start.
  init?(_ error: any Error, isFirst: Bool) {
    switch error {
    case let error as FileError:
      guard !isFirst || Self.isFull(error.errno) else { return nil }
      text = error.description
    case let error as DatabaseError:
      let passing: [ResultCode] = [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL]
      let broken: [ResultCode] = [.SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY]
      guard (passing + (isFirst ? [] : broken)).contains(error.resultCode) else { return nil }
      text = "\(Catalog.file): \(error.message ?? "\(error.resultCode)")"
    case let error as PipelineError:
      guard error.kind == .temporary else { return nil }
      text = error.description
    default: return nil
    }
  }

  static func isFull(_ errno: Int32) -> Bool { [ENOSPC, EDQUOT].contains(errno) }
}
