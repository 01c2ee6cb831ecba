internal import Algebra

/// The largest similarity of each row with the rows before it in an order (SemDeDup, Abbas et al. 2023,
/// `M_j = max over i < j of <x_i, x_j>`), exact and in tiles.
///
/// A row that is removed still removes later rows, so M does not depend on a threshold. The first row has 0,
/// and 0 is the floor of all. BLAS proposes and ``FixedOrderDot`` decides; between rows of equal similarity
/// (as Float32) the earlier in the order is the one recorded.
enum NearDuplicates {
  /// What was found about one row of an order.
  struct Match: Sendable {
    /// Place in the order.
    var place: Int32
    /// M, rounded once to Float32.
    var similarity: Float
    /// The row of the matrix it was found with, −1 when no earlier row has a positive dot product.
    var row: Int32
  }

  /// The matches of every row of every order, one array for each order, by place.
  ///
  /// - Parameters:
  ///   - orders: rows of `matrix` in dedup order, one array for each cluster.
  ///   - hashes: of the stored bits of every row of `matrix`, `(n,)`.
  static func matches(
    _ orders: [[Int32]], of matrix: EmbeddingMatrix, hashes: [UInt64], threads: Int
  ) -> [[Match]] {
    OpenBLAS.setThreads(1)
    let clusters = parallelMap(orders.count, threads: threads) {
      ()
    } _: { index, _ in
      DedupCluster(orders[index], of: matrix, hashes: hashes)
    }
    // Late panels are compared with most rows; they go first, so that no worker is left alone with one.
    let panels = clusters.indices.flatMap { cluster in
      stride(from: 0, to: clusters[cluster].distinct.count, by: DedupPanel.panelRows).reversed().map {
        (cluster: cluster, first: $0)
      }
    }
    let found = parallelMap(panels.count, threads: threads) {
      DedupPanel(dimension: matrix.dimension)
    } _: { index, panel in
      panel.matches(of: clusters[panels[index].cluster], from: panels[index].first, matrix)
    }
    var result = orders.map { [Match](repeating: Match(place: 0, similarity: 0, row: -1), count: $0.count) }
    for (panel, matches) in zip(panels, found) {
      for match in matches { result[panel.cluster][Int(match.place)] = match }
    }
    return result
  }
}

/// A dedup order with its equal rows folded: only the first of them is ever compared against, so that any
/// number of copies of one image costs no more than one.
struct DedupCluster: Sendable {
  /// The first row with each content, in order: rows of the matrix.
  let distinct: [Int32]
  /// The places in the order at which each of them occurs, ascending.
  let occurrences: Buckets
  /// For each place, how many entries of `distinct` come before it.
  let before: [Int32]

  init(_ order: [Int32], of matrix: EmbeddingMatrix, hashes: [UInt64]) {
    var groups: [UInt64: [Int32]] = [:]
    groups.reserveCapacity(order.count)
    var distinct: [Int32] = []
    var before: [Int32] = []
    var labels: [Int32] = []
    for row in order {
      before.append(Int32(distinct.count))
      let hash = hashes[Int(row)]
      let same = groups[hash]?.first { matrix.equalBits(Int(distinct[Int($0)]), Int(row)) }
      if let same {
        labels.append(same)
      } else {
        groups[hash, default: []].append(Int32(distinct.count))
        labels.append(Int32(distinct.count))
        distinct.append(row)
      }
    }
    self.distinct = distinct
    self.before = before
    occurrences = Buckets(labels, count: distinct.count)
  }
}
