import Algebra
import Testing

/// `count` rows of `features` pseudo-random bytes.
private func randomRows(_ count: Int, features: Int, seed: UInt64) -> [UInt8] {
  var generator = Philox(seed: seed, keyHash: 0, epoch: 0)
  return (0..<(count * features)).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 13) }
}

private func state(
  of rows: [UInt8], features: Int, threads: Int = 1, blockRows: Int? = nil
) -> ExactGram.State {
  var gram = ExactGram(features: features, threads: threads, blockRows: blockRows)
  gram.add(rows.span)
  return gram.state()
}

/// The definition, in 64-bit integers.
private func exactState(of rows: [UInt8], features: Int) -> ExactGram.State {
  let count = rows.count / features
  func value(_ row: Int, _ j: Int) -> Int64 { Int64(rows[row * features + j]) - 128 }
  let sums = (0..<features).map { j in (0..<count).reduce(0) { $0 + value($1, j) } }
  var products: [Int64] = []
  for i in 0..<features {
    for j in i..<features { products.append((0..<count).reduce(0) { $0 + value($1, i) * value($1, j) }) }
  }
  return ExactGram.State(count: count, sums: sums, products: products)
}

@Suite("Exact Gram")
struct ExactGramTests {
  @Test("Sums and products are the exact integers, also across panel borders")
  func equalsDefinition() {
    let rows = randomRows(37, features: 300, seed: 1)
    #expect(state(of: rows, features: 300) == exactState(of: rows, features: 300))
  }

  @Test(
    "Blocks of any size give the same bits", arguments: [1, 2, 1023, 1024, 1025, 4096],
    [1, 2])
  func blockSizes(blockRows: Int, threads: Int) {
    let rows = randomRows(2100, features: 12, seed: 2)
    let expected = exactState(of: rows, features: 12)
    #expect(state(of: rows, features: 12, threads: threads, blockRows: blockRows) == expected)
  }

  @Test("Extreme images stay exact past the energy limit of a block", arguments: [0, 255, 128] as [UInt8])
  func constantImages(value: UInt8) {
    let features = 12
    for count in [1023, 1024, 1025, 5000] {
      let rows = [UInt8](repeating: value, count: count * features)
      let (n, v) = (Int64(count), Int64(value) - 128)
      let expected = ExactGram.State(
        count: count, sums: Array(repeating: n * v, count: features),
        products: Array(repeating: n * v * v, count: features * (features + 1) / 2))
      #expect(state(of: rows, features: features) == expected)
    }
  }

  @Test("Rows that are dark first and bright later stay exact")
  func mixedEnergies() {
    // Grey rows let the block grow to thousands, then full-energy rows arrive.
    let features = 9
    let grey = [UInt8](repeating: 127, count: 3000 * features)
    let rows = grey + [UInt8](repeating: 0, count: 1500 * features) + randomRows(700, features: 9, seed: 3)
    #expect(state(of: rows, features: features) == exactState(of: rows, features: features))
  }

  @Test("Merged partial statistics equal one pass for random partitions and orders", arguments: 0..<6)
  func mergeEqualsOnePass(seed: UInt64) {
    let features = 20
    let rows = randomRows(3000, features: features, seed: 10 + seed)
    let expected = state(of: rows, features: features)
    var generator = Philox(seed: seed, keyHash: 9, epoch: 0)
    var order = Array(0..<3000)
    for i in order.indices.reversed() { order.swapAt(i, Int(generator.next() % UInt64(i + 1))) }

    var merged = ExactGram(features: features, blockRows: 100)
    var first = 0
    while first < order.count {
      let last = min(order.count, first + 1 + Int(generator.next() % 1400))
      let shuffled = order[first..<last].flatMap { rows[($0 * features)..<(($0 + 1) * features)] }
      var part = ExactGram(features: features)
      part.add(shuffled.span)
      if generator.next() % 2 == 0 { _ = part.state() }  // with and without an open block
      merged.merge(part)
      first = last
    }
    #expect(merged.state() == expected)
  }

  @Test("A saved state goes on where it stopped")
  func stateRoundTrip() throws {
    let rows = randomRows(600, features: 15, seed: 4)
    let half = state(of: Array(rows[..<(301 * 15)]), features: 15)
    var resumed = try ExactGram(half)
    resumed.add(Array(rows[(301 * 15)...]).span)
    #expect(resumed.state() == state(of: rows, features: 15))
    #expect(throws: PCAError.inconsistentState) {
      _ = try ExactGram(ExactGram.State(count: 1, sums: [1, 2], products: [1]))
    }
  }

  @Test("Covariance has the same bits however the rows were split, and equals the two-pass value")
  func covariance() throws {
    let features = 10
    let rows = randomRows(500, features: features, seed: 5)
    var whole = ExactGram(features: features)
    whole.add(rows.span)
    var front = ExactGram(features: features)
    front.add(Array(rows[(77 * features)...]).span)
    var back = ExactGram(features: features)
    back.add(Array(rows[..<(77 * features)]).span)
    back.merge(front)
    let one = try whole.covariance()
    let two = try back.covariance()
    #expect(one.upper == two.upper)
    #expect(one.mean == two.mean && one.deviation == two.deviation)

    let wide = rows.map { Double($0) / 255 }
    var means = FeatureMeans(features: features)
    means.add(wide.span)
    var float = FloatGram(shift: means.means)
    try float.add(wide.span)
    let reference = try float.covariance()
    for (a, b) in zip(one.upper, reference.upper) { #expect(abs(a - b) < 1e-15) }
    for (a, b) in zip(one.deviation, reference.deviation) { #expect(abs(a - b) < 1e-14) }
    for (a, b) in zip(one.mean, reference.mean) { #expect(abs(a - b) < 1e-15) }
  }

  @Test("Fewer than two rows are an error")
  func tooFewRows() throws {
    func covariance(_ rows: [UInt8]) throws -> CovarianceMatrix {
      var gram = ExactGram(features: 3)
      gram.add(rows.span)
      return try gram.covariance()
    }
    #expect(throws: PCAError.tooFewRows(0)) { try covariance([]) }
    #expect(throws: PCAError.tooFewRows(1)) { try covariance([1, 2, 3]) }
    #expect(try covariance([1, 2, 3, 1, 2, 5]).count == 2)
  }
}

@Suite("Float Gram")
struct FloatGramTests {
  @Test("Thread count does not change the bits; blocks end anywhere")
  func threads() throws {
    var generator = Philox(seed: 1, keyHash: 1, epoch: 1)
    let features = 520  // three panels
    let rows = (0..<(700 * features)).map { _ in Double(generator.next() >> 11) * 0x1p-53 }
    var upper: [[Double]] = []
    for threads in [1, 2, 3] {
      var gram = FloatGram(shift: [Double](repeating: 0.5, count: features), threads: threads)
      try gram.add(Array(rows[..<(100 * features)]).span)
      try gram.add(Array(rows[(100 * features)...]).span)
      upper.append(try gram.covariance().upper)
    }
    #expect(upper[0] == upper[1] && upper[0] == upper[2])
  }

  @Test("A row that is not finite is named", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(value: Double) throws {
    var gram = FloatGram(shift: [0, 0])
    try gram.add([1, 2, 3, 4].span)
    do throws(PCAError) {
      try gram.add([5, 6, 7, value].span)
      Issue.record("\(value) was accepted")
    } catch {
      #expect(error == .notFinite(row: 3))
    }
  }
}
