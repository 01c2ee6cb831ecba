import Glibc

/// Room on a disk.
enum DiskSpace {
  /// Bytes that an ordinary process may still write below `path`; nil if that cannot be told. The corresponding C
  /// function is `statvfs`.
  static func free(_ path: String) -> UInt64? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }
}
