/// The exact integer optimum of the quota programme (spec/pruning.md 1.4 and 7):
///
///     minimise Σ (x_j − t_j)²  subject to  Σ x_j = N,  l_j ≤ x_j ≤ u_j,  x_j integer.
///
/// The real optimum is x_j = clip(t_j − λ, l_j, u_j) for one λ. Targets are fixed-point numbers, λ is found as
/// a fraction of integers, and the units left over by rounding down go to the largest fractional parts, ties
/// to the lower cluster; the result is a pure function of the integers given.
public enum QuotaSolver {
  /// Fixed-point units in one row: targets are multiples of 2⁻²⁰.
  public static let unit: Int64 = 1 << 20

  /// No x satisfies the bounds: Σ l ≤ N ≤ Σ u and l_j ≤ u_j must hold.
  public struct Infeasible: Error, Equatable, Sendable {
    package init() {}
  }

  /// The optimal x, `(k,)`.
  ///
  /// - Parameters:
  ///   - targets: t in units of 2⁻²⁰, `(k,)`; their sum may differ from N.
  ///   - lower: l ≥ 0, `(k,)`.
  ///   - upper: u, `(k,)`.
  ///   - total: N.
  public static func solve(
    targets: [Int64], lower: [Int64], upper: [Int64], total: Int64
  ) throws(Infeasible) -> [Int64] {
    precondition(targets.count == lower.count && targets.count == upper.count)
    let boxes = targets.indices.map { j in
      Box(
        target: Int128(targets[j]), lower: Int128(lower[j]) * Int128(unit),
        upper: Int128(upper[j]) * Int128(unit))
    }
    let wanted = Int128(total) * Int128(unit)
    guard boxes.allSatisfy({ $0.lower <= $0.upper }), sum(boxes, \.lower) <= wanted,
      wanted <= sum(boxes, \.upper)
    else { throw Infeasible() }
    if boxes.isEmpty { return [] }
    return round(boxes, multiplier(boxes, wanted), total: total)
  }

  /// One cluster, all numbers in units of 2⁻²⁰.
  private struct Box {
    let target: Int128
    let lower: Int128
    let upper: Int128

    func clipped(_ multiplier: Int128) -> Int128 { max(lower, min(upper, target - multiplier)) }
  }

  /// λ = numerator / denominator, in units of 2⁻²⁰.
  private struct Fraction {
    let numerator: Int128
    let denominator: Int128
  }

  private static func sum(_ boxes: [Box], _ value: (Box) -> Int128) -> Int128 {
    boxes.reduce(0) { $0 + value($1) }
  }

  /// The λ at which the clipped targets sum to `wanted`: φ(λ) = Σ clip(t_j − λ) falls piecewise linearly
  /// between its breakpoints t_j − u_j and t_j − l_j.
  private static func multiplier(_ boxes: [Box], _ wanted: Int128) -> Fraction {
    let breaks = boxes.flatMap { [$0.target - $0.upper, $0.target - $0.lower] }.sorted()
    func phi(_ multiplier: Int128) -> Int128 { sum(boxes) { $0.clipped(multiplier) } }
    // The first breakpoint at which φ has fallen to `wanted`; φ(last) = Σ l ≤ wanted.
    var (low, high) = (0, breaks.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if phi(breaks[middle]) <= wanted { high = middle } else { low = middle + 1 }
    }
    let right = breaks[low]
    if low == 0 || phi(right) == wanted { return Fraction(numerator: right, denominator: 1) }
    // Strictly between two breakpoints: the clusters that are free there share the difference evenly.
    let left = breaks[low - 1]
    var (free, freeTargets, fixed): (Int128, Int128, Int128) = (0, 0, 0)
    for box in boxes {
      if box.target - box.upper >= right {
        fixed += box.upper
      } else if box.target - box.lower <= left {
        fixed += box.lower
      } else {
        free += 1
        freeTargets += box.target
      }
    }
    return Fraction(numerator: freeTargets - (wanted - fixed), denominator: free)
  }

  /// Rounds clip(t_j − λ) down and hands out what is left.
  private static func round(_ boxes: [Box], _ multiplier: Fraction, total: Int64) -> [Int64] {
    let scale = multiplier.denominator
    let step = scale * Int128(unit)
    var result: [Int64] = []
    var fractions: [(fraction: Int128, cluster: Int)] = []
    for (j, box) in boxes.enumerated() {
      let exact = max(
        box.lower * scale, min(box.upper * scale, box.target * scale - multiplier.numerator))
      // Bounds are not negative, so this division rounds down.
      result.append(Int64(exact / step))
      if exact % step > 0 { fractions.append((exact % step, j)) }
    }
    let left = Int(total - result.reduce(0, +))
    fractions.sort { ($1.fraction, $0.cluster) < ($0.fraction, $1.cluster) }
    for (_, cluster) in fractions.prefix(left) { result[cluster] += 1 }
    return result
  }
}
