import Glibc
import Shards

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

/// What the process takes of the machine.
struct ProcessUsage {
  var residentBytes = 0
  var openFiles = 0

  static func now() -> ProcessUsage {
    var usage = ProcessUsage()
    // `/proc/self/statm`: sizes in pages; the second is the resident set.
    if let file = try? File(path: "/proc/self/statm", .read), let bytes = try? file.read(at: 0, count: 256) {
      let fields = bytes.split(separator: UInt8(ascii: " "))
      let pages = fields.count > 1 ? Int(String(decoding: fields[1], as: UTF8.self)) ?? 0 : 0
      usage.residentBytes = pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
    usage.openFiles = (try? Directory.names(in: "/proc/self/fd"))??.count ?? 0
    return usage
  }
}
