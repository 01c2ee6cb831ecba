/// A `.npy` file, or an array in an `.npz`, that cannot be used as it is, in one line.
public struct NpyError: Error, Sendable, Equatable, CustomStringConvertible {
  public let path: String
  public let message: String

  public init(path: String, _ message: String) {
    self.path = path
    self.message = message
  }

  public var description: String { "\(path): \(message)" }
}

extension NpyError {
  /// A failed system call on the array's file.
  init(path: String, _ error: FileError) { self.init(path: path, "\(error.call): \(error.reason)") }
}
