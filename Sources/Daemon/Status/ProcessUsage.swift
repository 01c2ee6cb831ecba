import Foundation
import Glibc

/// What this process uses of the machine, as the kernel counts it.
public struct ProcessUsage: Sendable, Equatable {
  /// Bytes.
  public var residentBytes = 0
  public var openFiles = 0
  /// The soft limit of open files.
  public var openFilesLimit = 0
  /// User and system time of all threads.
  public var cpuSeconds = 0.0

  public init() {}

  /// Reads `/proc/self`; what cannot be read stays 0.
  public static func now() -> ProcessUsage {
    var usage = ProcessUsage()
    if let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) {
      let fields = statm.split(separator: " ")
      if fields.count > 1, let pages = Int(fields[1]) {
        usage.residentBytes = pages * sysconf(Int32(_SC_PAGESIZE))
      }
    }
    if let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      // One of them is the directory being read.
      usage.openFiles = max(0, names.count - 1)
    }
    var limit = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      usage.openFilesLimit = Int(clamping: limit.rlim_cur)
    }
    var times = rusage()
    if unsafe getrusage(RUSAGE_SELF.rawValue, &times) == 0 {
      for time in [times.ru_utime, times.ru_stime] {
        usage.cpuSeconds += Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
      }
    }
    return usage
  }
}
