public import Shards

/// Decides which files of the input are complete.
///
/// - A file that was *renamed* into the directory is complete at once: its producer says so by the rename.
/// - Any other is complete when it did not change (size, time, identity) for `quietSeconds`. Closing it proves nothing:
///   many writers open a file more than once. Its age counts by the time of its last change, and by how long it was
///   seen unchanged, so that a clock that was set does not hold files back.
/// - Where events are not to be had (polling), the clock of the file's time may be another machine's: there only what
///   was seen counts, in two looks at least `quietSeconds` apart.
public struct SettledFiles: Sendable {
  private struct Sight: Sendable {
    var status: FileStatus
    /// Monotonic seconds of the first look that saw this status.
    var since: Double
  }

  /// As in `daemon.quiet_seconds`; a change counts from the next look on.
  public var quietSeconds: Double
  /// False: file times may come from another clock.
  public var trustsTimes: Bool
  private var seen: [String: Sight] = [:]
  /// Files as they were when they were renamed in, by inode: a path may be spelled in several ways.
  private var renamed: [UInt64: FileStatus] = [:]
  /// Monotonic seconds at which the next of those that wait may be complete.
  public private(set) var nextChange: Double?

  public init(quietSeconds: Double, trustsTimes: Bool = true) {
    (self.quietSeconds, self.trustsTimes) = (quietSeconds, trustsTimes)
  }

  /// A file was renamed into the input.
  public mutating func noteRenamed(_ status: FileStatus) { renamed[status.inode] = status }

  /// A file was written in place: it has to be quiet, whatever came before.
  public mutating func noteWritten(_ status: FileStatus) { renamed[status.inode] = nil }

  /// True, once, when it is time to ask again.
  mutating func takeChange(at now: Double) -> Bool {
    guard let change = nextChange, now >= change else { return false }
    nextChange = nil
    return true
  }

  /// Which of `files` are complete. What is no longer among them is forgotten.
  ///
  /// - Parameters:
  ///   - files: all that are there and not taken yet: path and status.
  ///   - now: monotonic seconds.
  ///   - wall: seconds since 1970.
  /// - Returns: indices into `files`.
  public mutating func settled(
    _ files: [(path: String, status: FileStatus)], now: Double = monotonicSeconds(),
    wall: Double = wallSeconds()
  ) -> [Int] {
    var next: [String: Sight] = [:]
    var marks: [UInt64: FileStatus] = [:]
    var settled: [Int] = []
    nextChange = nil
    for (index, file) in files.enumerated() {
      var sight = Sight(status: file.status, since: now)
      if let before = seen[file.path], before.status == file.status { sight.since = before.since }
      next[file.path] = sight
      if renamed[file.status.inode] == file.status {
        marks[file.status.inode] = file.status
        settled.append(index)
        continue
      }
      let watched = now - sight.since
      let age = trustsTimes ? max(watched, wall - Double(file.status.modified) / 1e9) : watched
      if age >= quietSeconds {
        settled.append(index)
      } else {
        nextChange = min(nextChange ?? .infinity, now + min(quietSeconds - age, quietSeconds))
      }
    }
    (seen, renamed) = (next, marks)
    return settled
  }
}
