import Glibc
import Pipeline
import Shards

/// The contract's exit codes.
enum ExitStatus: Int32 {
  case ok = 0
  /// Done, but something was rejected and `--strict` was given.
  case rejected = 1
  case usage = 2
  case badData = 65
  case internalError = 70
  case inputOutput = 74
  case temporary = 75
  /// The reader of a pipe has gone; what a shell shows for SIGPIPE.
  case readerGone = 141

  init(_ kind: PipelineError.Kind) {
    self =
      switch kind {
      case .usage: .usage
      case .badData: .badData
      case .internalError: .internalError
      case .temporary: .temporary
      }
  }

  /// A path that the user gave and that is not there is a usage error; all else is input/output.
  init(_ error: FileError) { self = error.errno == ENOENT && error.call == "open" ? .usage : .inputOutput }
}
