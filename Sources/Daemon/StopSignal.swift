import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as a flag that can be waited for. The handlers live as long as the value.
struct StopSignal {
  /// The part that signal handlers share with the waiting thread.
  private final class Flag: Sendable {
    let requested = Atomic(false)
    let arrived = DispatchSemaphore(value: 0)
  }

  private let flag = Flag()
  private let sources: [any DispatchSourceSignal]

  /// - Parameters:
  ///   - drainSeconds: how long after the first signal `giveUp` is called.
  ///   - giveUp: ends the process; called at once on a second signal.
  init(drainSeconds: Int, giveUp: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "tamis.signals")
    sources = [SIGTERM, SIGINT].map { [flag] number in
      _ = signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { @Sendable in
        guard !flag.requested.exchange(true, ordering: .sequentiallyConsistent) else { return giveUp() }
        flag.arrived.signal()
        queue.asyncAfter(deadline: .now() + .seconds(drainSeconds), execute: giveUp)
      }
      source.activate()
      return source
    }
  }

  var isRequested: Bool { flag.requested.load(ordering: .sequentiallyConsistent) }

  /// Waits for a signal, at most `interval`.
  func wait(_ interval: DispatchTimeInterval) { _ = flag.arrived.wait(timeout: .now() + interval) }
}
