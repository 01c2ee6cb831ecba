/// How many rows each concept keeps (spec/pruning.md 1.4 and the rulings of section 7).
struct Quotas: Sendable {
  /// t_j = P_j · N, rounded to a multiple of 2⁻²⁰, `(k,)`.
  var target: [Double]
  /// Rows kept, `(k,)`; sums to N.
  var quota: [Int]

  /// - Parameters:
  ///   - share: P, `(k,)`, 0 for empty clusters.
  ///   - sizes: rows in each cluster, `(k,)`.
  ///   - wanted: N.
  ///   - balance: r in 0...1; each cluster keeps at least m = max(1, ⌊N/k'·r⌋) rows, k' the number of
  ///     non-empty clusters, or all its rows if it has fewer. m is lowered to ⌊N/k'⌋ where N is too small.
  ///   - clamps: N above the number of rows keeps all instead of failing.
  init(
    share: [Double], sizes: [Int], total wanted: Int, balance: Double, clamps: Bool,
    notices: inout [PruneNotice]
  ) throws(PruneError) {
    let available = sizes.reduce(0, +)
    var total = wanted
    if wanted > available {
      guard clamps else { throw .total(wanted: wanted, available: available) }
      notices.append(.totalClamped(wanted: wanted, available: available))
      total = available
    }
    let unit = Double(QuotaSolver.unit)
    let fixed = share.map { Int64(($0 * Double(total) * unit).rounded()) }
    target = fixed.map { Double($0) / unit }
    if total == 0 || total == available {
      quota = total == 0 ? sizes.map { _ in 0 } : sizes
      return
    }
    let live = sizes.count { $0 > 0 }
    var floor = max(1, Int(Double(total) / Double(live) * balance))
    if sizes.reduce(0, { $0 + min(floor, $1) }) > total {
      notices.append(.floorLowered(from: floor, to: total / live))
      floor = total / live
    }
    do {
      quota = try QuotaSolver.solve(
        targets: fixed, lower: sizes.map { Int64(min(floor, $0)) }, upper: sizes.map(Int64.init),
        total: Int64(total)
      ).map(Int.init)
    } catch {
      throw .total(wanted: total, available: available)
    }
  }
}
