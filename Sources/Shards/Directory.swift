import CLinux
import Glibc

/// Directory operations, each one system call or a short loop of them.
public enum Directory {
  /// Creates `path` and its missing parents, mode 0755.
  public static func create(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o755) == 0 { return }
    switch errno {
    case EEXIST:
      guard try FileStatus(path: path)?.isDirectory == true else {
        throw FileError(call: "mkdir", path: path, errno: ENOTDIR)
      }
    case ENOENT:
      let parent = parent(of: path)
      guard parent != path else { throw FileError(call: "mkdir", path: path, errno: ENOENT) }
      try create(parent)
      if unsafe mkdir(path, 0o755) != 0, errno != EEXIST {
        throw FileError(call: "mkdir", path: path, errno: errno)
      }
    default: throw FileError(call: "mkdir", path: path, errno: errno)
    }
  }

  /// The names in a directory, sorted bytewise, without `.` and `..`; nil if there is no such directory.
  public static func names(in path: String) throws(FileError) -> [String]? {
    guard let directory = unsafe opendir(path) else {
      if errno == ENOENT { return nil }
      throw FileError(call: "opendir", path: path, errno: errno)
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        if errno != 0 { throw FileError(call: "readdir", path: path, errno: errno) }
        break
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Removes a file or a whole tree; nothing if it is not there. Links are removed, not followed.
  public static func remove(_ path: String) throws(FileError) {
    if unsafe unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw FileError(call: "unlink", path: path, errno: errno) }
    for name in try names(in: path) ?? [] { try remove(path + "/" + name) }
    if unsafe rmdir(path) != 0, errno != ENOENT { throw FileError(call: "rmdir", path: path, errno: errno) }
  }

  /// Makes renames and creations in the directory durable.
  public static func sync(_ path: String) throws(FileError) {
    let directory = try File(path: path, .read)
    try directory.sync()
  }

  /// Renames and then syncs the directory the new name is in.
  public static func rename(_ old: String, to new: String) throws(FileError) {
    try move(old, to: new)
    try sync(parent(of: new))
  }

  /// Renames without syncing: of many renames, the caller makes all durable at once (``sync(_:)``).
  public static func move(_ old: String, to new: String) throws(FileError) {
    guard unsafe Glibc.rename(old, new) == 0 else { throw FileError(call: "rename", path: new, errno: errno) }
  }

  /// Swaps two names in one step, then syncs. The corresponding C function is `renameat2(RENAME_EXCHANGE)`.
  public static func exchange(_ first: String, _ second: String) throws(FileError) {
    guard unsafe tamis_exchange(first, second) == 0 else {
      throw FileError(call: "renameat2", path: second, errno: errno)
    }
    try sync(parent(of: second))
  }

  /// A second name for a file on the same file system; false where the system cannot (another device).
  public static func link(_ path: String, as new: String) -> Bool { unsafe Glibc.link(path, new) == 0 }

  /// How many names a file has; 0 if there is no such file.
  public static func linkCount(_ path: String) throws(FileError) -> Int {
    var raw = stat()
    if unsafe lstat(path, &raw) == 0 { return Int(raw.st_nlink) }
    guard errno == ENOENT else { throw FileError(call: "lstat", path: path, errno: errno) }
    return 0
  }

  /// The path without links and `..`. The corresponding C function is `realpath`.
  public static func resolved(_ path: String) throws(FileError) -> String {
    guard let resolved = unsafe realpath(path, nil) else {
      throw FileError(call: "realpath", path: path, errno: errno)
    }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// `a/b/c` → `a/b`; `c` → `.`; `/c` → `/`.
  public static func parent(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// The last component of a path.
  public static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
