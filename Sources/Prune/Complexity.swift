internal import Algebra
internal import Glibc

/// Complexity of concepts (density-based pruning, Abbas et al. 2024; spec/pruning.md 1.3): C_j = d_inter_j · d_intra_j.
///
/// Clusters without members take no part; their numbers are NaN. Under `official` their centroids still count as
/// neighbours of others, as in the published script.
struct Complexity: Sendable {
  /// Mean distance of the members to their centroid, `(k,)`.
  var dIntra: [Double]
  /// Mean distance of the centroid to its l nearest other non-empty centroids, `(k,)`; 0 if there is none.
  var dInter: [Double]
  /// `(k,)`.
  var complexity: [Double]
  /// l after clamping to the number of other non-empty clusters.
  var neighbours: Int
  /// Non-empty clusters whose nearest other centroid is closer than ``together``.
  var coinciding: Int

  /// Complexities below this are an error: rows within rule 10's tolerance of 10⁻³ give distances of at least
  /// −2·10⁻³, and distances between centroids are at most about 2.
  static let lowest = -4e-3
  /// Centroids closer than this count as one direction.
  static let together = 1e-3

  /// - Parameters:
  ///   - distances: stored Float32 distance of each row to its centroid, in canonical order.
  ///   - members: the positions of each cluster's rows, ascending.
  init(
    centroids: EmbeddingMatrix, distances: [Float], members: Buckets, neighbours wanted: Int,
    official: Bool = false
  ) throws(PruneError) {
    let k = centroids.rows
    let live = (0..<k).filter { !members[$0].isEmpty }
    let others = official ? Array(0..<k) : live
    neighbours = max(0, min(wanted, others.count - 1))
    dIntra = [Double](repeating: .nan, count: k)
    dInter = dIntra
    complexity = dIntra
    coinciding = 0
    let values = (0..<k).map { centroids.row($0) }
    for cluster in live {
      var sum = 0.0
      for position in members[cluster] { sum += Double(distances[Int(position)]) }
      dIntra[cluster] = sum / Double(members[cluster].count)
      let nearest = Self.nearest(cluster, others, values, neighbours)
      dInter[cluster] = neighbours == 0 ? 0 : nearest.reduce(0, +) / Double(neighbours)
      if let first = nearest.first, first < Self.together { coinciding += 1 }
      let value = dIntra[cluster] * dInter[cluster]
      guard value >= Self.lowest else { throw .complexity(cluster: cluster, value: value) }
      complexity[cluster] = max(0, value)
    }
  }

  /// `1 − <c_i, c_m>` of the `count` nearest of `others`, the nearest first.
  private static func nearest(
    _ i: Int, _ others: [Int], _ centroids: [[Float]], _ count: Int
  ) -> ArraySlice<Double> {
    others.filter { $0 != i }
      .map { 1 - FixedOrderDot.dot(centroids[i], centroids[$0]) }
      .sorted().prefix(count)
  }
}

/// The part P of the total that each concept is to keep before bounds; sums to 1 up to rounding.
enum ConceptShare {
  /// - Parameters:
  ///   - complexity: `(k,)`, NaN for empty clusters.
  ///   - sizes: rows in each cluster, `(k,)`.
  static func of(_ concepts: PruneSettings.Concepts, complexity: [Double], sizes: [Int]) -> [Double] {
    let live = sizes.indices.filter { sizes[$0] > 0 }
    var share = [Double](repeating: 0, count: sizes.count)
    switch concepts.quotas {
    case .uniform:
      for cluster in live { share[cluster] = 1 / Double(live.count) }
    case .size:
      let rows = Double(sizes.reduce(0, +))
      for cluster in live { share[cluster] = Double(sizes[cluster]) / rows }
    case .complexity:
      share =
        concepts.official
        ? officialSoftmax(complexity, live, concepts.temperature)
        : softmax(complexity, live, concepts.temperature)
    }
    return share
  }

  /// exp(C_j/τ) / Σ exp(C_m/τ) over the clusters `live`, 0 for the others.
  private static func softmax(_ values: [Double], _ live: [Int], _ temperature: Double) -> [Double] {
    var share = [Double](repeating: 0, count: values.count)
    guard let top = live.map({ values[$0] }).max() else { return share }
    for cluster in live { share[cluster] = exp((values[cluster] - top) / temperature) }
    var total = 0.0
    for cluster in live { total += share[cluster] }
    for cluster in live { share[cluster] /= total }
    return share
  }

  /// The same in Float32, an empty cluster taking part with the mean complexity of the others.
  private static func officialSoftmax(_ values: [Double], _ live: [Int], _ temperature: Double) -> [Double] {
    guard !live.isEmpty else { return values.map { _ in 0 } }
    var sum = 0.0
    for cluster in live { sum += values[cluster] }
    let mean = sum / Double(live.count)
    let tau = Float(temperature)
    let logits = values.map { Float($0.isNaN ? mean : $0) / tau }
    let top = logits.max()!
    let weights = logits.map { Float(exp(Double($0 - top))) }
    var total: Float = 0
    for weight in weights { total += weight }
    return weights.map { Double($0 / total) }
  }
}
