/// The dot product that decides (design rule 1): a Float64 sum of the products in index order, without FMA.
///
/// The product of two Float32 values is exact in Float64 (24 + 24 ≤ 53 bits), so only the additions round and
/// the result depends on nothing but the values and their order. Several rows are summed side by side, each in
/// its own order, to hide the latency of the additions.
public enum FixedOrderDot {
  /// Σ a[i]·b[i], i ascending. Shapes `(d,)` and `(d,)`.
  ///
  /// Precondition: `a.count == b.count`.
  public static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count)
    var sum = 0.0
    for i in a.indices { sum += Double(a[i]) * Double(b[i]) }
    return sum
  }

  /// Σ a[i]·b[i] of two arrays, i ascending.
  public static func dot(_ a: [Float], _ b: [Float]) -> Double { dot(a.span, b.span) }

  /// The dots of row `i` of `rows`, shape `(n, d)`, with row `choice[i]` of `others`, shape `(k, d)`.
  ///
  /// - Returns: `(n,)` Float64, bit for bit what ``dot(_:_:)-(Span<Float>,_)`` gives row by row.
  public static func pairs(
    _ rows: Span<Float>, with others: Span<Float>, choice: [Int32], dimension d: Int
  ) -> [Double] {
    let n = choice.count
    precondition(rows.count >= n * d)
    var result = [Double](repeating: 0, count: n)
    var i = 0
    while i + 4 <= n {
      let sums = four(
        rows, (i * d, (i + 1) * d, (i + 2) * d, (i + 3) * d),
        others, (Int(choice[i]) * d, Int(choice[i + 1]) * d, Int(choice[i + 2]) * d, Int(choice[i + 3]) * d),
        d)
      for lane in 0..<4 { result[i + lane] = sums[lane] }
      i += 4
    }
    while i < n {
      let other = Int(choice[i]) * d
      result[i] = dot(rows.extracting(i * d..<(i + 1) * d), others.extracting(other..<other + d))
      i += 1
    }
    return result
  }

  /// Four dots side by side, one in each lane; the starts are offsets into `a` and `b`.
  @inline(__always)
  private static func four(
    _ a: Span<Float>, _ i: (Int, Int, Int, Int), _ b: Span<Float>, _ j: (Int, Int, Int, Int), _ d: Int
  ) -> SIMD4<Double> {
    let a0 = a.extracting(i.0..<i.0 + d)
    let a1 = a.extracting(i.1..<i.1 + d)
    let a2 = a.extracting(i.2..<i.2 + d)
    let a3 = a.extracting(i.3..<i.3 + d)
    let b0 = b.extracting(j.0..<j.0 + d)
    let b1 = b.extracting(j.1..<j.1 + d)
    let b2 = b.extracting(j.2..<j.2 + d)
    let b3 = b.extracting(j.3..<j.3 + d)
    var sums = SIMD4<Double>.zero
    for t in 0..<d {
      let left = SIMD4<Double>(SIMD4<Float>(a0[t], a1[t], a2[t], a3[t]))
      let right = SIMD4<Double>(SIMD4<Float>(b0[t], b1[t], b2[t], b3[t]))
      sums += left * right
    }
    return sums
  }
}
