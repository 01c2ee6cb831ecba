import Glibc
import Shards

/// Keeps standard input in the workspace (`input.path: "-"`): publishing reads shards a second time.
enum StandardInputSpool {
  static func path(in workspace: String) -> String { workspace + "/stdin.tar" }

  /// Copies standard input to the spool, which appears only when complete; an earlier one is replaced.
  ///
  /// - Throws: ``PipelineError`` when standard input is a terminal.
  static func fill(in workspace: String) throws {
    guard isatty(STDIN_FILENO) == 0 else {
      throw PipelineError(.usage, "input.path is '-': give a shard on standard input")
    }
    try AtomicFile.copy(File.standardInput(), to: path(in: workspace))
  }
}
