/// How many rows each concept keeps (spec/pruning.md 1.4 and the rulings of section 7).
struct Quotas: Sendable {
  /// t_j = P_j · N, rounded to a multiple of 2⁻²⁰, `(k,)`.
  var target: [Double]
  /// Rows kept, `(k,)`; sums to N.
  var quota: [Int]
  /// The least number of rows that each cluster keeps, `(k,)`.
  var lower: [Int]

  /// - Parameters:
  ///   - share: P, `(k,)`.
  ///   - sizes: rows in each cluster, `(k,)`.
  ///   - wanted: N.
  ///   - balance: r in 0...1; each cluster keeps at least m = max(1, ⌊N/k'·r⌋) rows, k' the number of
  ///     non-empty clusters, or all its rows if it has fewer. m is lowered to ⌊N/k'⌋ where N is too small.
  ///   - official: the published script's bound: m = ⌊N/k·r⌋, 1 when r = 0, k counting empty clusters, and at most
  ///     one row less than the cluster has.
  ///   - clamps: N above the number of rows keeps all instead of failing.
  init(
    share: [Double], sizes: [Int], total wanted: Int, balance: Double, official: Bool = false, clamps: Bool,
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
    lower = sizes.map { _ in 0 }
    if total == 0 || total == available {
      quota = total == 0 ? sizes.map { _ in 0 } : sizes
      return
    }
    let live = sizes.count { $0 > 0 }
    var floor = max(1, Int(Double(total) / Double(live) * balance))
    if official { floor = balance == 0 ? 1 : Int(Double(total) / Double(sizes.count) * balance) }
    func bound(_ size: Int) -> Int { min(floor, official ? max(0, size - 1) : size) }
    if sizes.reduce(0, { $0 + bound($1) }) > total {
      notices.append(.floorLowered(from: floor, to: total / live))
      floor = total / live
    }
    lower = sizes.map(bound)
    do {
      quota = try QuotaSolver.solve(
        targets: fixed, lower: lower.map(Int64.init), upper: sizes.map(Int64.init), total: Int64(total)
      ).map(Int.init)
    } catch {
      throw .total(wanted: total, available: available)
    }
  }
}
