internal import Algebra
internal import Glibc

/// Complexity of concepts and the share of the total that each may keep (density-based pruning, Abbas et al.
/// 2024; spec/pruning.md 1.3): C_j = d_inter_j · d_intra_j, P_j = exp(C_j/τ) / Σ exp(C_m/τ).
///
/// Clusters without members take no part; their numbers are NaN and their share is 0.
struct Complexity: Sendable {
  /// Mean distance of the members to their centroid, `(k,)`.
  var dIntra: [Double]
  /// Mean distance of the centroid to its l nearest other non-empty centroids, `(k,)`; 0 if there is none.
  var dInter: [Double]
  /// `(k,)`.
  var complexity: [Double]
  /// P, `(k,)`; sums to 1 up to rounding.
  var share: [Double]
  /// l after clamping to the number of other non-empty clusters.
  var neighbours: Int

  /// Complexities below this are an error: rows within rule 10's tolerance of 10⁻³ give distances of at least
  /// −2·10⁻³, and distances between centroids are at most about 2.
  static let lowest = -4e-3

  /// - Parameters:
  ///   - distances: stored Float32 distance of each row to its centroid, in canonical order.
  ///   - members: the positions of each cluster's rows, ascending.
  init(
    centroids: EmbeddingMatrix, distances: [Float], members: Buckets, neighbours wanted: Int,
    temperature: Double
  ) throws(PruneError) {
    let k = centroids.rows
    let live = (0..<k).filter { !members[$0].isEmpty }
    neighbours = max(0, min(wanted, live.count - 1))
    dIntra = [Double](repeating: .nan, count: k)
    dInter = dIntra
    complexity = dIntra
    let values = live.map { centroids.row($0) }
    for (i, cluster) in live.enumerated() {
      var sum = 0.0
      for position in members[cluster] { sum += Double(distances[Int(position)]) }
      dIntra[cluster] = sum / Double(members[cluster].count)
      dInter[cluster] = Self.meanNearest(i, values, neighbours)
      let value = dIntra[cluster] * dInter[cluster]
      guard value >= Self.lowest else { throw .complexity(cluster: cluster, value: value) }
      complexity[cluster] = max(0, value)
    }
    share = Self.softmax(complexity, over: live, temperature: temperature)
  }

  /// The mean of `1 − <c_i, c_m>` over the `count` nearest others, summed from the nearest outwards.
  private static func meanNearest(_ i: Int, _ centroids: [[Float]], _ count: Int) -> Double {
    if count == 0 { return 0 }
    let nearest = centroids.indices.filter { $0 != i }
      .map { 1 - FixedOrderDot.dot(centroids[i], centroids[$0]) }
      .sorted().prefix(count)
    return nearest.reduce(0, +) / Double(count)
  }

  private static func softmax(_ values: [Double], over live: [Int], temperature: Double) -> [Double] {
    var share = [Double](repeating: 0, count: values.count)
    guard let top = live.map({ values[$0] }).max() else { return share }
    for cluster in live { share[cluster] = exp((values[cluster] - top) / temperature) }
    var total = 0.0
    for cluster in live { total += share[cluster] }
    for cluster in live { share[cluster] /= total }
    return share
  }
}
