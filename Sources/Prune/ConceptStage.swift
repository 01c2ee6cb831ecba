internal import Algebra

/// The concepts stage: clusters the rows, gives each cluster a quota by its complexity, and keeps that many.
enum ConceptStage {
  /// The number of clusters when none is given: min(⌊√n⌋, 100), 500 from 150 million rows.
  static func automaticClusters(_ n: Int) -> Int {
    n >= 150_000_000 ? 500 : min(100, Int(Double(n).squareRoot()))
  }

  /// Marks the rows of `survivors` (canonical order) beyond their cluster's quota and fills in clusters and
  /// distances.
  static func run(
    _ concepts: PruneSettings.Concepts, _ survivors: [Int32], _ matrix: EmbeddingMatrix,
    centroids given: EmbeddingMatrix?, verdicts: inout [Verdict], _ context: inout StageContext
  ) throws(PruneError) -> ConceptModel {
    context.progress(.conceptClustering)
    let centroids = try context.centroids(
      given, concepts.clusters ?? automaticClusters(survivors.count), survivors, matrix,
      epoch: Ranking.conceptEpoch, stage: "concepts")
    let threads = context.settings.threads
    context.progress(.conceptAssigning)
    let assigned = NearestCentroid.assign(survivors, of: matrix, to: centroids, threads: threads)
    let distances = assigned.distances
    for (position, row) in survivors.enumerated() {
      verdicts[Int(row)].cluster = assigned.centroid[position]
      verdicts[Int(row)].distance = distances[position]
    }
    let members = Buckets(assigned.centroid, count: centroids.rows)
    var model = try plan(concepts, centroids, distances, members, &context)
    for cluster in 0..<members.count {
      let order = Ranking.ordered(
        members[cluster], by: concepts.rule, distance: { distances[$0] },
        random: { context.randomValue(survivors[$0]) }, score: { _ in .nan })
      let quota = model.quota[cluster]
      for position in order.dropFirst(quota) { verdicts[Int(survivors[Int(position)])].drop(.quota) }
      guard quota > 0 else { continue }
      let last = Int(order[quota - 1])
      model.threshold[cluster] =
        concepts.rule == .random
        ? Ranking.unitInterval(context.randomValue(survivors[last])) : distances[last]
    }
    model.drift = DriftReference(
      rows: survivors, of: matrix, centroids: centroids, assigned: assigned,
      trained: given == nil
        ? context.trained(survivors, clusters: centroids.rows, epoch: Ranking.conceptEpoch)
        : survivors.map { _ in false },
      threads: threads)
    return model
  }

  /// Complexities, targets and quotas; thresholds are those of quota 0.
  private static func plan(
    _ concepts: PruneSettings.Concepts, _ centroids: EmbeddingMatrix, _ distances: [Float],
    _ members: Buckets, _ context: inout StageContext
  ) throws(PruneError) -> ConceptModel {
    let sizes = (0..<members.count).map { members[$0].count }
    let empty = sizes.count { $0 == 0 }
    if empty > 0 { context.notices.append(.clustersEmpty(stage: "concepts", count: empty)) }
    let complexity = try Complexity(
      centroids: centroids, distances: distances, members: members, neighbours: concepts.neighbours,
      official: concepts.official)
    if complexity.neighbours < concepts.neighbours {
      context.notices.append(.neighboursClamped(from: concepts.neighbours, to: complexity.neighbours))
    }
    let total =
      switch concepts.limit {
      case .keep(let fraction): Ranking.count(fraction, of: distances.count)
      case .count(let count): count
      }
    let share = ConceptShare.of(concepts, complexity: complexity.complexity, sizes: sizes)
    let quotas = try Quotas(
      share: share, sizes: sizes, total: total, balance: concepts.balance, official: concepts.official,
      clamps: concepts.clampsTotal, notices: &context.notices)
    let diagnostics = ConceptDiagnostics(
      share: share, sizes: sizes, quotas, coinciding: complexity.coinciding)
    context.notices += diagnostics.notices(sizes: sizes)
    return ConceptModel(
      centroids: centroids, size: sizes, dIntra: complexity.dIntra, dInter: complexity.dInter,
      complexity: complexity.complexity, target: quotas.target, quota: quotas.quota,
      threshold: [Float](repeating: concepts.rule == .easy ? -.infinity : .infinity, count: sizes.count),
      diagnostics: diagnostics)
  }
}
