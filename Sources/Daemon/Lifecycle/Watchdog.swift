import Dispatch
public import Foundation
import Glibc
import Synchronization

/// What the daemon shows of its work; any thread may call it, as often as it likes.
public final class Heartbeat: Sendable {
  private let beats = Atomic<UInt64>(0)
  private let idle = Atomic(false)
  /// Milliseconds on the monotonic clock until which no beats are needed.
  private let allowedUntil = Atomic<Int64>(0)

  public init() {}

  /// Something was done: a sample read, a file written.
  public func beat() { beats.add(1, ordering: .relaxed) }

  /// Whether the daemon waits for work; then no beats are needed.
  public func setIdle(_ isIdle: Bool) { idle.store(isIdle, ordering: .relaxed) }

  /// One step without beats begins, which may take `seconds`: a fit. 0 ends it.
  public func allow(seconds: Double) {
    let until = Int64((monotonicSeconds() + seconds) * 1000)
    allowedUntil.store(seconds > 0 ? until : 0, ordering: .relaxed)
  }

  var count: UInt64 { beats.load(ordering: .relaxed) }

  func isExcused(at now: Double) -> Bool {
    idle.load(ordering: .relaxed) || Double(allowedUntil.load(ordering: .relaxed)) > now * 1000
  }
}

/// Pings the service manager at half of its interval, but only if something was done since the last ping or nothing
/// has to be done: a daemon that hangs is ended and started again.
public final class Watchdog: Sendable {
  /// Seconds between two pings: half of what the manager waits.
  public let interval: Double
  private let heartbeat: Heartbeat
  private let notifier: ServiceNotifier
  private let seen: Mutex<UInt64?>
  private let queue = DispatchQueue(label: "tamis.watchdog")
  private let isRunning = Atomic(false)

  /// nil if the manager does not ask for pings: `WATCHDOG_USEC` is not set, or `WATCHDOG_PID` is another process.
  public init?(
    _ heartbeat: Heartbeat, _ notifier: ServiceNotifier,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    guard let text = environment["WATCHDOG_USEC"], let microseconds = UInt64(text), microseconds > 0 else {
      return nil
    }
    if let owner = environment["WATCHDOG_PID"], owner != "\(getpid())" { return nil }
    interval = Double(microseconds) / 2e6
    self.heartbeat = heartbeat
    self.notifier = notifier
    seen = Mutex(nil)
  }

  /// Pings from now on, on a thread of its own, until the value goes or ``stop()``.
  public func start() {
    guard !isRunning.exchange(true, ordering: .sequentiallyConsistent) else { return }
    queue.async { [weak self] in self?.pingOn() }
  }

  private func pingOn() {
    guard isRunning.load(ordering: .sequentiallyConsistent) else { return }
    check()
    queue.asyncAfter(deadline: .now() + interval) { [weak self] in self?.pingOn() }
  }

  /// Pings if there was life since the last call. Returns whether it did.
  @discardableResult public func check() -> Bool {
    let count = heartbeat.count
    let isAlive = seen.withLock { seen in
      defer { seen = count }
      return seen != count
    }
    guard isAlive || heartbeat.isExcused(at: monotonicSeconds()) else { return false }
    return notifier.watchdog()
  }

  /// Ends the pings.
  public func stop() { isRunning.store(false, ordering: .sequentiallyConsistent) }
}
