import Glibc

/// A file that appears under its name only when complete: temporary file → fsync → rename → fsync(dir).
///
/// Dropped without ``commit()``, it leaves a dot file behind that the next attempt overwrites.
public struct AtomicFile: ~Copyable {
  public let file: File
  private let path: String
  private let temporary: String

  /// - Throws: ``FileError``, also if something else than a regular file has the name: it would be replaced.
  public init(path: String) throws(FileError) {
    let temporary = Directory.parent(of: path) + "/." + Directory.name(of: path) + ".tmp"
    let file = try Self.create(temporary, for: path)
    self.path = path
    self.temporary = temporary
    self.file = file
  }

  private static func create(_ temporary: String, for path: String) throws(FileError) -> File {
    if let status = try FileStatus(path: path), !status.isRegular {
      throw FileError(call: "not a regular file", path: path, errno: status.isDirectory ? EISDIR : EINVAL)
    }
    return try File(path: temporary, .create)
  }

  /// Makes the file durable and gives it its name.
  public consuming func commit() throws(FileError) {
    try file.sync()
    try Directory.rename(temporary, to: path)
  }

  /// Copies what is left to read of a file, whatever its size.
  public static func copy(_ input: borrowing File, to path: String) throws(FileError) {
    let output = try AtomicFile(path: path)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try input.read(into: &buffer)
      if count == 0 { break }
      try unsafe output.file.write(buffer.span.extracting(0..<count).bytes)
    }
    try output.commit()
  }

  /// Writes and commits a small file in one go.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    let output = try AtomicFile(path: path)
    try output.file.write(bytes)
    try output.commit()
  }
}

/// A directory that appears under its name only when complete, by one rename.
///
/// Files are put below ``temporary``; each must be synced by whoever writes it.
public struct AtomicDirectory: ~Copyable {
  private let path: String
  /// Where to write until the commit.
  public let temporary: String

  /// Starts afresh: what an interrupted attempt left is removed.
  public init(path: String) throws(FileError) {
    self.path = path
    temporary = Directory.parent(of: path) + "/." + Directory.name(of: path) + ".tmp"
    try Directory.remove(temporary)
    try Directory.create(temporary)
  }

  /// Writes and syncs a small file of the directory.
  public func write(_ bytes: [UInt8], as name: String) throws(FileError) {
    let file = try File(path: temporary + "/" + name, .create)
    try file.write(bytes)
    try file.sync()
  }

  /// Makes the directory durable and gives it its name; an older one of that name is swapped out and removed.
  public consuming func commit() throws(FileError) {
    try Directory.sync(temporary)
    if try FileStatus(path: path) != nil {
      try Directory.exchange(temporary, path)
      try Directory.remove(temporary)
    } else {
      try Directory.rename(temporary, to: path)
    }
  }

  /// Gives up: removes what was written.
  public consuming func discard() throws(FileError) { try Directory.remove(temporary) }
}
