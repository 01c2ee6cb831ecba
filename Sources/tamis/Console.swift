import Foundation
import Glibc

/// Lines to standard error and standard output.
enum Console {
  /// `tamis: text` on standard error.
  static func error(_ text: String) { raw("tamis: \(text)") }

  /// A line on standard error.
  static func raw(_ text: String) { partial(text + "\n") }

  /// Text on standard error without a line end. What cannot be written (a full disk, a reader that is gone) is lost: a
  /// daemon does not end for want of a log.
  static func partial(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// systemd's journal reads standard error: it names the stream's device and inode in `JOURNAL_STREAM`.
  static var isInJournal: Bool {
    guard let named = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else { return false }
    var status = stat()
    return unsafe fstat(STDERR_FILENO, &status) == 0 && named == "\(status.st_dev):\(status.st_ino)"
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
