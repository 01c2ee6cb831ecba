import Foundation
import Synchronization

/// Where the loop writes what it does, and every other thread reads it.
public final class StatusBoard: Sendable {
  /// Something that happened, for those who listen (`/events`).
  public struct Event: Sendable, Equatable {
    /// `shard`, `published`, `fit`, `rejected`, `notice`, `status`.
    public var name: String
    /// One JSON object on one line.
    public var data: String

    public init(name: String, data: String) { (self.name, self.data) = (name, data) }
  }

  private struct State {
    var status = DaemonStatus()
    var listeners: [UInt64: @Sendable (Event) -> Void] = [:]
    var nextListener: UInt64 = 0
    var beat = SuspendingClock.now
  }

  private let state: Mutex<State>

  public init(_ status: DaemonStatus = DaemonStatus()) { state = Mutex(State(status: status)) }

  /// The loop is alive: it calls this in every turn and whenever a sample or a step of work is done, never from a timer.
  public func beat() { state.withLock { $0.beat = .now } }

  /// Seconds since the last ``beat()``, or since the board was made; time that the machine slept does not count.
  public var secondsSinceBeat: Double { (SuspendingClock.now - state.withLock { $0.beat }) / .seconds(1) }

  public var status: DaemonStatus { state.withLock { $0.status } }

  public func update(_ change: (inout DaemonStatus) -> Void) {
    state.withLock {
      change(&$0.status)
      $0.status.updatedAt = Date().timeIntervalSince1970
    }
  }

  /// Tells all listeners.
  public func tell(_ event: Event) {
    for listener in state.withLock({ Array($0.listeners.values) }) { listener(event) }
  }

  /// Calls `body` for each event, on the thread that tells it: it must not block. Ends with ``remove(listener:)``.
  public func listen(_ body: @escaping @Sendable (Event) -> Void) -> UInt64 {
    state.withLock {
      $0.nextListener += 1
      $0.listeners[$0.nextListener] = body
      return $0.nextListener
    }
  }

  public func remove(listener: UInt64) { state.withLock { $0.listeners[listener] = nil } }
}
