import CLinux
import Glibc
public import Shards

/// What an event loop waits on: another thread's or a signal handler's ``ring()``, a file descriptor, or the time.
///
/// A ring is never lost: one that comes before the wait ends the next wait at once.
public final class Wakeup: Sendable {
  /// An eventfd.
  private let bell: Int32

  /// Why a wait ended.
  public struct Cause: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Someone rang, or a signal came.
    public static let rung = Cause(rawValue: 1)
    /// The descriptor has something to read.
    public static let readable = Cause(rawValue: 2)
    /// Neither: the time is over.
    public static let elapsed: Cause = []
  }

  /// - Throws: ``FileError`` when the process has no file descriptor left.
  public init() throws(FileError) {
    bell = tamis_event_descriptor()
    guard bell >= 0 else { throw FileError(call: "eventfd", path: "wake-up", errno: errno) }
  }

  deinit { Glibc.close(bell) }

  /// Ends the wait that is going on, or the next one.
  public func ring() { Self.ring(bell) }

  /// For signal handlers, which may touch no object: they keep the number.
  var descriptor: Int32 { bell }

  /// Async-signal-safe; leaves `errno` as it was.
  static func ring(_ bell: Int32) {
    let saved = errno
    var one: UInt64 = 1
    _ = unsafe write(bell, &one, 8)
    errno = saved
  }

  /// Waits for a ring, for `descriptor` to have something to read, or until `seconds` are over. The corresponding
  /// C function is `poll`.
  ///
  /// - Parameters:
  ///   - seconds: by the monotonic clock; at most an hour is waited at once.
  ///   - descriptor: for example ``DirectoryWatcher/descriptor``; a negative one is none.
  public func wait(seconds: Double, descriptor: Int32 = -1) -> Cause {
    let milliseconds = Int32(max(0, min(seconds, 3600)) * 1000 + 0.999)
    var entries = [
      pollfd(fd: bell, events: Int16(POLLIN), revents: 0),
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
    ]
    var ready = unsafe poll(&entries, 2, milliseconds)
    // A signal interrupts the wait; if it is one of ours, it has rung before.
    if ready < 0 { ready = unsafe poll(&entries, 2, 0) }
    guard ready > 0 else { return .elapsed }
    var cause = Cause.elapsed
    if entries[0].revents != 0 {
      var count: UInt64 = 0
      _ = unsafe read(bell, &count, 8)
      cause.insert(.rung)
    }
    if entries[1].revents != 0 { cause.insert(.readable) }
    return cause
  }
}

/// Seconds on the clock that is never set: for waits and deadlines.
public func monotonicSeconds() -> Double { seconds(of: CLOCK_MONOTONIC) }

/// Seconds since 1970 as the machine believes.
public func wallSeconds() -> Double { seconds(of: CLOCK_REALTIME) }

private func seconds(of clock: clockid_t) -> Double {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
