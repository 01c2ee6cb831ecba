internal import Algebra

/// The near-duplicates stage: clusters the rows, compares inside each cluster, drops by ε or by fraction.
enum DedupStage {
  /// Rows in a cluster at the density of the SemDeDup paper (440 M rows in 50 000 clusters).
  static let rowsPerCluster = 8800

  /// The number of clusters when none is given.
  static func automaticClusters(_ n: Int) -> Int { max(1, n / rowsPerCluster) }

  /// Marks duplicates among the rows `survivors` (canonical order) and fills in their similarities.
  ///
  /// - Parameter found: similarities of an earlier pruning; nil compares.
  /// - Returns: the centroids used, `<f4 (m, d)`, and the cut: a row is a duplicate above it.
  static func run(
    _ dedup: PruneSettings.Dedup, _ survivors: [Int32], _ matrix: EmbeddingMatrix, origin: RowOrigin?,
    centroids given: EmbeddingMatrix?, found: DuplicateMatches?, verdicts: inout [Verdict],
    _ context: inout StageContext
  ) throws(PruneError) -> (centroids: EmbeddingMatrix, cut: Double) {
    let centroids: EmbeddingMatrix
    if let found {
      centroids = found.centroids
      for row in survivors {
        verdicts[Int(row)].duplicateSimilarity = found.similarity[Int(row)]
        verdicts[Int(row)].duplicateShard = found.shard[Int(row)]
        verdicts[Int(row)].duplicateRow = found.row[Int(row)]
      }
    } else {
      centroids = try compare(
        dedup, survivors, matrix, origin: origin, centroids: given, verdicts: &verdicts, &context)
    }
    let similarities = survivors.map { verdicts[Int($0)].duplicateSimilarity }
    let (dropped, cut) = dropped(similarities, dedup.limit)
    for position in dropped { verdicts[Int(survivors[Int(position)])].drop(.duplicate) }
    return (centroids, cut)
  }

  /// Clusters the rows, compares inside each cluster and fills in the similarities. Returns the centroids.
  private static func compare(
    _ dedup: PruneSettings.Dedup, _ survivors: [Int32], _ matrix: EmbeddingMatrix, origin: RowOrigin?,
    centroids given: EmbeddingMatrix?, verdicts: inout [Verdict], _ context: inout StageContext
  ) throws(PruneError) -> EmbeddingMatrix {
    let count = dedup.clusters ?? automaticClusters(survivors.count)
    context.progress(.dedupClustering)
    let centroids = try context.centroids(
      given, count, survivors, matrix, epoch: Ranking.dedupEpoch, stage: "dedup")
    let threads = context.settings.threads
    context.progress(.dedupAssigning)
    let assigned = NearestCentroid.assign(survivors, of: matrix, to: centroids, threads: threads)
    let orders = orders(
      dedup.rule, Buckets(assigned.centroid, count: centroids.rows), assigned.distances, survivors,
      verdicts, context
    ).map { $0.map { survivors[Int($0)] } }
    context.progress(.dedupComparing)
    let matches = NearDuplicates.matches(orders, of: matrix, hashes: context.rowHashes, threads: threads)
    for (order, found) in zip(orders, matches) {
      for (row, match) in zip(order, found) {
        verdicts[Int(row)].duplicateSimilarity = match.similarity
        guard match.row >= 0 else { continue }
        verdicts[Int(row)].duplicateShard = origin?.shard[Int(match.row)] ?? 0
        verdicts[Int(row)].duplicateRow = origin?.row[Int(match.row)] ?? match.row
      }
    }
    return centroids
  }

  /// The positions of each cluster in dedup order.
  private static func orders(
    _ rule: PruneSettings.Rule, _ members: Buckets, _ distances: [Float], _ survivors: [Int32],
    _ verdicts: [Verdict], _ context: StageContext
  ) -> [[Int32]] {
    (0..<members.count).map { cluster in
      Ranking.ordered(
        members[cluster], by: rule, distance: { distances[$0] },
        random: { context.randomValue(survivors[$0]) }, score: { verdicts[Int(survivors[$0])].score })
    }
  }

  /// The positions to drop: strictly above 1 − ε in Float64, or all beyond the smallest `Int(f·n)`.
  ///
  /// The cut is 1 − ε, or the largest similarity kept; −1 if none is, as no similarity is below 0.
  private static func dropped(
    _ similarities: [Float], _ limit: PruneSettings.Dedup.Limit
  ) -> (positions: [Int32], cut: Double) {
    switch limit {
    case .epsilon(let epsilon):
      let cut = 1 - epsilon
      return (similarities.indices.filter { Double(similarities[$0]) > cut }.map { Int32($0) }, cut)
    case .keep(let fraction):
      let order = TopK.ascending(similarities)
      let kept = Ranking.count(fraction, of: order.count)
      let cut = kept == 0 ? -1 : Double(similarities[Int(order[kept - 1])])
      return (Array(order.dropFirst(kept)), cut)
    }
  }
}
