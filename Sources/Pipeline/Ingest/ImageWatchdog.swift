import Decode
import Synchronization

/// Guards against an image whose cost the header did not show: what took longer than the limit is decoded once
/// more alone, so that a busy machine does not reject samples (rule 4's one exception to rule 1).
final class ImageWatchdog: Sendable {
  private let limit: Duration
  private let alone = Mutex(())

  init(seconds: Int) { limit = .seconds(seconds) }

  /// Runs a decode; nil if it was too slow both times.
  func run<Value>(_ decode: () throws(DecodeError) -> Value) throws(DecodeError) -> Value? {
    let clock = ContinuousClock()
    let start = clock.now
    let value = try decode()
    if clock.now - start <= limit { return value }
    return try alone.withLock { (_: inout ()) throws(DecodeError) -> Value? in
      let start = clock.now
      let value = try decode()
      return clock.now - start <= limit ? value : nil
    }
  }
}
