/// Keeps a place for one process: a lock file that others find locked. (A directory cannot be locked on every network
/// file system.) It goes with the value.
///
/// Killed processes leave the file behind, unlocked.
public struct NameLock: ~Copyable {
  private let file: File
  private let path: String

  /// Takes the lock file at `path`.
  ///
  /// - Returns: nil if another process holds it.
  public static func take(_ path: String) throws(FileError) -> NameLock? {
    while true {
      let file = try File(path: path, .create)
      guard try file.tryLock() else { return nil }
      // Its holder may have removed it meanwhile: the name is then another file's, or nobody's.
      if try FileStatus(path: path)?.inode == file.status().inode { return NameLock(file, path) }
    }
  }

  private init(_ file: consuming File, _ path: String) {
    self.file = file
    self.path = path
  }

  // The lock goes with the file, which is closed after this.
  deinit { try? Directory.remove(path) }
}
