import Dispatch

/// A fit counts nothing while it works on matrices. This lets it live as long as it computes: a beat every few seconds in
/// which the process has used the processor. A fit that waits for ever gives none.
///
/// Unchecked, as Dispatch's timers are not marked: it is set up in `init` and cancelled in `deinit`, and what changes
/// between them is touched on its queue alone.
final class FitPulse: @unchecked Sendable {
  /// Seconds between two looks; and of the processor's time between them, what is a sign of life.
  private static let interval = 5.0
  private static let least = 1.0

  private let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tamis.fit-pulse"))
  /// Of the last look.
  private var lastSeconds = ProcessUsage.now().cpuSeconds

  /// - Parameters:
  ///   - isFitting: asked at each look.
  ///   - beat: called on a thread of its own.
  init(while isFitting: @escaping @Sendable () -> Bool, beat: @escaping @Sendable () -> Void) {
    timer.schedule(deadline: .now() + Self.interval, repeating: Self.interval)
    timer.setEventHandler { [weak self] in
      guard let self else { return }
      let seconds = ProcessUsage.now().cpuSeconds
      if isFitting(), seconds - lastSeconds >= Self.least { beat() }
      lastSeconds = seconds
    }
    timer.resume()
  }

  deinit { timer.cancel() }
}
