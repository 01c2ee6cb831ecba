import Synchronization

/// What operators ask of the running daemon, over HTTP or by a signal; the loop takes it between two shards.
public final class OperatorRequests: Sendable {
  public enum Request: Sendable, Equatable {
    /// A new generation of the plan.
    case fit
    case pause
    case resume
  }

  private let waiting = Mutex<[Request]>([])
  /// Wakes the loop.
  private let ring: @Sendable () -> Void

  public init(ring: @escaping @Sendable () -> Void) { self.ring = ring }

  /// Adds a request; one that waits already is not added again.
  public func ask(_ request: Request) {
    waiting.withLock { if !$0.contains(request) { $0.append(request) } }
    ring()
  }

  /// All that waits, in order.
  public func take() -> [Request] {
    waiting.withLock { requests in
      defer { requests.removeAll() }
      return requests
    }
  }
}
