/// Keeps a log short for weeks: of each kind of message the first few in an hour are shown, then every 1000th.
///
/// Memory is bounded: kinds beyond ``mostKinds`` make it forget all counts and start over.
public struct RepeatLimit: Sendable {
  /// What to do with a message.
  public enum Decision: Sendable, Equatable {
    case show
    /// Show it, and say that further ones are counted only.
    case showLast
    /// Show it as one of so many in this window.
    case showCounted(Int)
    case skip
  }

  /// Of each kind.
  public let shown: Int
  /// After those; nil: none.
  public let every: Int?
  /// Seconds after which counting starts over; nil: never.
  public let window: Double?
  private static let mostKinds = 256

  private var counts: [String: Int] = [:]
  private var begin = 0.0

  public init(shown: Int = 20, every: Int? = 1000, window: Double? = 3600) {
    (self.shown, self.every, self.window) = (shown, every, window)
  }

  /// Counts a message of a kind.
  ///
  /// - Parameter now: seconds on a clock that only goes forward.
  public mutating func decide(_ kind: String, now: Double) -> Decision {
    if counts.count >= Self.mostKinds, counts[kind] == nil { counts.removeAll() }
    counts[kind, default: 0] += 1
    let count = counts[kind]!
    if count < shown { return .show }
    if count == shown { return .showLast }
    return if let every, count % every == 0 { .showCounted(count) } else { .skip }
  }

  /// Starts a new window when the old one is over.
  ///
  /// - Returns: how many of each kind the old one kept back, sorted by kind.
  public mutating func turn(now: Double) -> [(kind: String, count: Int)] {
    guard let window, now - begin >= window else { return [] }
    defer { (counts, begin) = ([:], now) }
    return counts.sorted { $0.key < $1.key }.compactMap { kind, count in
      let kept = count - shown - (every.map { count / $0 } ?? 0)
      return kept > 0 ? (kind, kept) : nil
    }
  }

  /// The kind of a free text: what stays of it without numbers, so that counts and names of shards make no new kinds.
  public static func kind(ofText text: String) -> String {
    String(text.unicodeScalars.filter { !("0"..."9").contains($0) }.prefix(64).map(Character.init))
  }
}
