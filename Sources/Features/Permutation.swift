internal import Algebra

/// The stable argsort of L uniform 64-bit values, sorted only as far as it is read.
///
/// One pass spreads the values over 2ᵏ ≥ L buckets by their top k bits. Within a bucket those bits are equal,
/// so value·2ᵏ + index (mod 2⁶⁴) sorts by the remaining bits and then by index: exactly the order of
/// `numpy.argsort(values, kind="stable")`. Buckets hold 0 to 4 values as a rule and are sorted when first
/// reached.
struct Permutation: Sendable {
  /// L.
  let count: Int

  private let bits: Int
  private var values: [UInt64]
  private var packed: [UInt64]
  /// Start of each bucket, then (after the spreading) its end.
  private var ends: [UInt32]
  private var order: [UInt32]

  init(count: Int) {
    precondition(count >= 1 && count <= 1 << 24, "a permutation of 1 to 2²⁴ elements")
    self.count = count
    bits = max(1, Int.bitWidth - (count - 1).leadingZeroBitCount)
    values = [UInt64](repeating: 0, count: count)
    packed = values
    ends = [UInt32](repeating: 0, count: 1 << bits)
    order = [UInt32](repeating: 0, count: count)
  }

  /// Takes the next L raw values.
  mutating func draw(_ generator: inout Philox) {
    var values = self.values.mutableSpan
    generator.fill(&values)
    spread()
  }

  /// Makes it 0, 1, 2…, or the reverse.
  mutating func setOrder(_ reversed: Bool) {
    let shift = UInt64(64 - bits)
    for i in 0..<count { values[reversed ? count - 1 - i : i] = UInt64(i) &<< shift }
    spread()
  }

  private mutating func spread() {
    Self.spread(values, into: &packed, ends: &ends, bits: UInt64(bits))
  }

  private static func spread(
    _ values: [UInt64], into packed: inout [UInt64], ends: inout [UInt32], bits: UInt64
  ) {
    var ends = ends.mutableSpan
    var packed = packed.mutableSpan
    let shift = 64 - bits
    for b in ends.indices { ends[b] = 0 }
    for value in values { ends[Int(value &>> shift)] &+= 1 }
    var start: UInt32 = 0
    for b in ends.indices {
      let size = ends[b]
      ends[b] = start
      start &+= size
    }
    for i in values.indices {
      let bucket = Int(values[i] &>> shift)
      packed[Int(ends[bucket])] = (values[i] &<< bits) | UInt64(i)
      ends[bucket] &+= 1
    }
  }

  /// The first m ≥ 1 for which the sum of the leading m weights is nearest `target`.
  ///
  /// Sums are Float64, in permutation order. Weights are ≥ 0, so sums never fall and the search ends at the
  /// first that reaches the target: from there on no distance is smaller. It equals 1 + `numpy.argmin(abs(c -
  /// target))`.
  ///
  /// - Parameter weights: L values ≥ 0.
  mutating func nearest(to target: Double, _ weights: [Double]) -> Int {
    Self.nearest(to: target, weights, &packed, ends, &order, mask: (1 << UInt64(bits)) - 1)
  }

  private static func nearest(
    to target: Double, _ weights: [Double], _ packed: inout [UInt64], _ ends: [UInt32],
    _ order: inout [UInt32], mask: UInt64
  ) -> Int {
    var packed = packed.mutableSpan
    var order = order.mutableSpan
    var (sum, best, bestCount) = (0.0, Double.infinity, 0)
    var start = 0
    for end in ends {
      let end = Int(end)
      sort(&packed, start, end)
      for i in start..<end {
        let element = packed[i] & mask
        order[i] = UInt32(truncatingIfNeeded: element)
        sum += weights[Int(element)]
        let distance = abs(sum - target)
        if distance < best {
          best = distance
          bestCount = i + 1
        }
        if sum >= target { return bestCount }
      }
      start = end
    }
    return bestCount
  }

  /// Insertion sort of a bucket.
  @inline(__always)
  private static func sort(_ packed: inout MutableSpan<UInt64>, _ start: Int, _ end: Int) {
    if end - start < 2 { return }
    for i in (start + 1)..<end {
      let value = packed[i]
      var hole = i
      while hole > start && packed[hole - 1] > value {
        packed[hole] = packed[hole - 1]
        hole -= 1
      }
      packed[hole] = value
    }
  }

  /// The first `count` elements of the permutation; at most as many as the last search read.
  func leading(_ count: Int) -> some Sequence<Int> {
    order[..<count].lazy.map { Int($0) }
  }
}
