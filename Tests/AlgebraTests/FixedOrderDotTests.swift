import Algebra
import Testing

@Test("The dot is a plain Float64 sum in index order, in blocks as one by one")
func dotIsFixedOrder() {
  var source = Rows(seed: 3)
  let d = 37
  let a = source.values(11 * d)
  let b = source.values(5 * d)
  let choice: [Int32] = [0, 4, 2, 2, 1, 3, 0, 4, 4, 1, 2]
  let pairs = FixedOrderDot.pairs(a.span, with: b.span, choice: choice, dimension: d)
  for i in 0..<11 {
    var sum = 0.0
    for t in 0..<d { sum += Double(a[i * d + t]) * Double(b[Int(choice[i]) * d + t]) }
    #expect(pairs[i].bitPattern == sum.bitPattern)
    let row = Array(a[i * d..<(i + 1) * d])
    let other = Array(b[Int(choice[i]) * d..<(Int(choice[i]) + 1) * d])
    #expect(FixedOrderDot.dot(row, other).bitPattern == sum.bitPattern)
  }
}

@Test("The order of the sum is kept where it changes the result")
func dotKeepsOrder() {
  let a: [Float] = [1e20, 1, -1e20, 1]
  #expect(FixedOrderDot.dot(a, [1, 1, 1, 1]) == 1)
  #expect(FixedOrderDot.dot([1e20, -1e20, 1, 1], [1, 1, 1, 1]) == 2)
}

@Test("Every finite half-precision value is widened exactly")
func halfWidening() {
  let finite = (UInt16.min...UInt16.max).filter { $0 & 0x7c00 != 0x7c00 }
  let matrix = EmbeddingMatrix(finite.map { Float16(bitPattern: $0) }, dimension: finite.count)
  let wide = matrix.row(0)
  #expect(
    finite.indices.allSatisfy { wide[$0].bitPattern == Float(Float16(bitPattern: finite[$0])).bitPattern })
  #expect(matrix.isFinite(row: 0))
  let bad = EmbeddingMatrix([1, .infinity, 0, .nan, 2, 3] as [Float16], dimension: 2)
  #expect((0..<3).map { bad.isFinite(row: $0) } == [false, false, true])
}

@Test("Rankings are total: ties by position, NaN last, zeros of both signs equal")
func rankings() {
  let values: [Float] = [0, .nan, -0.0, 2, -.infinity, 2, .infinity]
  #expect(TopK.ascending(values) == [4, 0, 2, 3, 5, 6, 1])
  #expect(TopK.descending(values) == [6, 3, 5, 0, 2, 4, 1])
  #expect(TopK.smallest(2, of: [7, 1, 7, 1] as [UInt64]) == [1, 3])
}

/// Reproducible rows for tests.
struct Rows {
  private var generator: Philox

  init(seed: UInt64) { generator = Philox(seed: seed, keyHash: 0, epoch: 0) }

  /// A value that is roughly normal: the sum of four uniform ones.
  mutating func value() -> Float {
    let u = generator.next()
    return (0..<4).reduce(-2) { $0 + Float((u >> (16 * UInt64($1))) & 0xffff) / 65536 }
  }

  mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in value() } }

  /// `n` unit rows of dimension `d` around `centres` directions.
  mutating func clustered(_ n: Int, _ d: Int, centres: Int, spread: Float) -> [Float] {
    let middles = (0..<centres).map { _ in values(d) }
    return (0..<n).flatMap { i in
      let row = middles[(i * 7) % centres].map { $0 + spread * value() }
      let length = FixedOrderDot.dot(row, row).squareRoot()
      return row.map { Float(Double($0) / length) }
    }
  }
}
