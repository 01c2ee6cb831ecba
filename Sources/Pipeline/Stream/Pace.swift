/// For work that takes the longer the more shards a stream has had, and may be put off: it is done so seldom that it takes
/// at most a twentieth of the time.
struct Pace {
  private static let share = 20.0

  private let clock = ContinuousClock()
  private var next: ContinuousClock.Instant?

  var isDue: Bool { next.map { clock.now >= $0 } ?? true }

  mutating func run(_ body: () throws -> Void) rethrows {
    let start = clock.now
    try body()
    next = clock.now + (clock.now - start) * Self.share
  }
}
