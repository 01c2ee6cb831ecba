import Algebra
import Prune
import Testing

private let unit = QuotaSolver.unit

/// The least Σ (x − t)² over all integer x within the bounds that sum to `total`, by enumeration.
private func bestCost(_ t: [Int64], _ l: [Int64], _ u: [Int64], _ total: Int64) -> Int128? {
  if t.isEmpty { return total == 0 ? 0 : nil }
  if l[0] > u[0] { return nil }
  return (l[0]...u[0]).compactMap { x in
    bestCost(Array(t.dropFirst()), Array(l.dropFirst()), Array(u.dropFirst()), total - x).map {
      $0 + square(x, t[0])
    }
  }.min()
}

private func square(_ x: Int64, _ t: Int64) -> Int128 {
  let difference = Int128(x) * Int128(unit) - Int128(t)
  return difference * difference
}

@Test("The excess of a full cluster is spread evenly, not in proportion")
func excessIsSpreadEvenly() throws {
  let x = try QuotaSolver.solve(
    targets: [50 * unit, 30 * unit, 20 * unit], lower: [0, 0, 0], upper: [20, 100, 100], total: 100)
  #expect(x == [20, 45, 35])
}

@Test("Quotas are an optimum of the integer programme (brute force, k up to 5)")
func quotasAreOptimal() throws {
  var generator = Philox(seed: 1, keyHash: 2, epoch: 3)
  var checked = 0
  while checked < 1500 {
    let k = Int(generator.next() % 5) + 1
    let upper = (0..<k).map { _ in Int64(generator.next() % 6) }
    let lower = upper.map { Int64(generator.next() % UInt64($0 + 1)) }
    // Coarse targets give many ties, fine ones none.
    let grain = checked % 2 == 0 ? unit / 4 : 1
    let targets = (0..<k).map { _ in Int64(generator.next() % UInt64(7 * unit / grain)) * grain }
    let (low, high) = (lower.reduce(0, +), upper.reduce(0, +))
    let total = low + Int64(generator.next() % UInt64(high - low + 1))
    let x = try QuotaSolver.solve(targets: targets, lower: lower, upper: upper, total: total)
    #expect(x.reduce(0, +) == total)
    #expect(x.indices.allSatisfy { lower[$0] <= x[$0] && x[$0] <= upper[$0] })
    let cost = x.indices.reduce(Int128(0)) { $0 + square(x[$1], targets[$1]) }
    #expect(cost == bestCost(targets, lower, upper, total))
    checked += 1
  }
}

@Test("Equal fractions: the lower cluster gets the unit")
func fractionTies() throws {
  let x = try QuotaSolver.solve(
    targets: [unit / 2, unit / 2, unit / 2, unit / 2], lower: [0, 0, 0, 0], upper: [9, 9, 9, 9], total: 2)
  #expect(x == [1, 1, 0, 0])
}

@Test("All or nothing, empty clusters, and bounds that cannot be met")
func quotaBounds() throws {
  let t = [3 * unit, 5 * unit, 0]
  #expect(try QuotaSolver.solve(targets: t, lower: [0, 0, 0], upper: [4, 6, 0], total: 10) == [4, 6, 0])
  #expect(try QuotaSolver.solve(targets: t, lower: [0, 0, 0], upper: [4, 6, 0], total: 0) == [0, 0, 0])
  #expect(try QuotaSolver.solve(targets: [], lower: [], upper: [], total: 0) == [])
  for total: Int64 in [-1, 1, 11] {
    #expect(throws: QuotaSolver.Infeasible()) {
      try QuotaSolver.solve(targets: t, lower: [1, 1, 0], upper: [4, 6, 0], total: total)
    }
  }
}

@Test("At paper scale the total is met exactly and shifting all targets changes nothing")
func paperScale() throws {
  var generator = Philox(seed: 4, keyHash: 5, epoch: 6)
  let k = 500
  let total: Int64 = 166_000_000
  let upper = (0..<k).map { _ in Int64(generator.next() % 1_100_000) + 200_000 }
  let targets = (0..<k).map { _ in Int64(generator.next() % UInt64(2 * total / Int64(k) * unit)) }
  let lower = upper.map { min(1, $0) }
  let x = try QuotaSolver.solve(targets: targets, lower: lower, upper: upper, total: total)
  #expect(x.reduce(0, +) == total)
  let shifted = targets.map { $0 + 12_345 }
  #expect(try QuotaSolver.solve(targets: shifted, lower: lower, upper: upper, total: total) == x)
}
