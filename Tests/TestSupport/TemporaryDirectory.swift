import Foundation

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

  /// Writes a file and returns its path. One of that name is removed first: emptying it costs a disk write on ext4.
  public func write(_ bytes: some Sequence<UInt8>, as name: String = "file") throws -> String {
    try? FileManager.default.removeItem(atPath: file(name))
    try Data(bytes).write(to: URL(filePath: file(name)))
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
