import Foundation
import Glibc

/// A directory of its own for one test, removed when the value ends.
public struct TemporaryDirectory: ~Copyable {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "tamis-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path(percentEncoded: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of an entry, there or not.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path. (`Data.write` would sync it, which takes most of the time of a loop.)
  public func write(_ bytes: some Sequence<UInt8>, as name: String = "file") throws -> String {
    unsafe unlink(file(name))
    let handle = FileHandle(
      fileDescriptor: unsafe open(file(name), O_WRONLY | O_CREAT | O_EXCL, 0o644), closeOnDealloc: true)
    try handle.write(contentsOf: Data(bytes))
    return file(name)
  }

  /// The names in the directory, sorted.
  public func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

/// All bytes of a file.
public func contents(of path: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(filePath: path)))
}
