internal import Algebra

/// What the rule `random` orders rows by, ascending (design rule 9), and what a mixture of domains draws by.
public func randomRank(seed: UInt64, keyHash: UInt64) -> UInt64 {
  Ranking.randomValue(seed: seed, keyHash: keyHash)
}

/// Orders of rows inside a cluster, and the keyed hash behind `random`.
enum Ranking {
  /// The epoch of rule 5's generator whose first value ranks rows at random.
  static let randomEpoch = UInt64.max
  /// The epochs whose first values choose the training rows of k-means.
  static let conceptEpoch = UInt64.max - 1
  static let dedupEpoch = UInt64.max - 2

  /// The first value of rule 5's generator at (seed, key hash, 2⁶⁴ − 1).
  static func randomValue(seed: UInt64, keyHash: UInt64) -> UInt64 {
    var generator = Philox(seed: seed, keyHash: keyHash, epoch: randomEpoch)
    return generator.next()
  }

  /// A random value as the Float32 in 0...1 that thresholds are stored as.
  static func unitInterval(_ value: UInt64) -> Float { Float(Double(value) * 0x1p-64) }

  /// The positions `members`, ascending, in the order of `rule`; ties stay ascending.
  ///
  /// The closures give the number behind a position; only the one that the rule needs is called.
  static func ordered(
    _ members: ArraySlice<Int32>, by rule: PruneSettings.Rule, distance: (Int) -> Float,
    random: (Int) -> UInt64, score: (Int) -> Float
  ) -> [Int32] {
    let order =
      switch rule {
      case .hard: TopK.descending(members.map { distance(Int($0)) })
      case .easy: TopK.ascending(members.map { distance(Int($0)) })
      case .random: TopK.ascending(members.map { random(Int($0)) })
      case .score: TopK.descending(members.map { score(Int($0)) })
      }
    return order.map { members[members.startIndex + Int($0)] }
  }

  /// A fraction f of n rows (design rule 9).
  static func count(_ fraction: Double, of n: Int) -> Int { Int(fraction * Double(n)) }
}
