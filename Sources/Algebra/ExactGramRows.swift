/// The numbers of an `ExactGram` one row at a time: how partial statistics go to a file and come back, without a
/// second copy of the triangle in memory.
extension ExactGram {
  /// Most rows whose products all stay exact in Float64: 2³⁹ · 128² = 2⁵³.
  public static let largestCount = 1 << 39

  /// S_j = Σ(x_j − 128), D values.
  public mutating func shiftedSums() -> [Int64] {
    flush()
    return totals
  }

  /// Calls `body` with G_ij = Σ(x_i − 128)(x_j − 128), j = i…D−1, for i = 0…D−1 in order.
  public mutating func forEachProductRow<Failure: Error>(
    _ body: (_ row: Int, _ products: [Int64]) throws(Failure) -> Void
  ) throws(Failure) {
    flush()
    try triangle.forEachRow { (row, entries) throws(Failure) in
      try body(row, entries.map { Int64($0) })
    }
  }

  /// Adds the statistics of `count` other rows.
  ///
  /// - Parameters:
  ///   - count: their number.
  ///   - sums: their S, D values.
  ///   - productRow: G_ij of their row i, j = i…D−1, asked for i = 0…D−1 in order. If it throws, the accumulator
  ///     has part of the numbers and is of no more use.
  /// - Precondition: the arrays have these sizes; at most `largestCount` rows in all.
  public mutating func merge<Failure: Error>(
    count: Int, sums: [Int64], productRow: (_ row: Int) throws(Failure) -> [Int64]
  ) throws(Failure) {
    precondition(count >= 0 && sums.count == features, "statistics of another width")
    precondition(count <= Self.largestCount - self.count, "too many rows")
    try triangle.addRows(productRow)
    for j in totals.indices { totals[j] += sums[j] }
    self.count += count
  }
}
