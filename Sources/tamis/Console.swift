import Foundation
import Glibc

/// Lines to standard error and standard output.
enum Console {
  /// `tamis: text` on standard error.
  static func error(_ text: String) { raw("tamis: \(text)") }

  /// A line on standard error.
  static func raw(_ text: String) { partial(text + "\n") }

  /// Text on standard error without a line end, for the progress bar.
  static func partial(_ text: String) {
    // Its reader may have gone; that is no reason to stop.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// A value as one line of JSON on standard output, keys sorted.
  static func printJSON(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if let line = try? encoder.encode(value) { print(String(decoding: line, as: UTF8.self)) }
  }

  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Columns of the terminal, 80 if it does not say.
  static var width: Int {
    var size = winsize()
    return unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
      ? Int(size.ws_col) : 80
  }
}
