public import Algebra

/// A frozen plan applied to samples as they come: each is assigned to its concept and kept iff its distance passes the
/// concept's threshold and it duplicates no row kept before.
///
/// Decisions depend on the order of the rows and on nothing else, not on how they are split into calls. Filter and
/// domain are the caller's, before this. Copies of a plan share the kept rows.
public struct StreamingPlan: Sendable {
  let concepts: ConceptModel?
  private let rule: PruneSettings.Rule
  private let seed: UInt64
  let duplicateAbove: Double
  let scoreCut: Double?
  let reference: StreamingReference?
  let dedupCentroids: EmbeddingMatrix?
  let kept: any KeptRowStore

  /// - Parameters:
  ///   - concepts: quotas and thresholds; nil keeps whatever is no duplicate.
  ///   - rule: the rule the thresholds belong to.
  ///   - seed: the seed behind `random`.
  ///   - dedupCentroids: `(m, d)`; nil compares with no kept row.
  ///   - duplicateAbove: ``PruneResult/dedupCut``.
  ///   - scoreCut: ``PruneResult/scoreCut``; nil drops nothing by its score.
  ///   - reference: nil drops nothing by its similarity to references.
  ///   - kept: the rows kept before, in the clusters of `dedupCentroids`; nil starts without any, in memory.
  public init(
    concepts: ConceptModel?, rule: PruneSettings.Rule, seed: UInt64, dedupCentroids: EmbeddingMatrix?,
    duplicateAbove: Double, scoreCut: Double? = nil, reference: StreamingReference? = nil,
    kept: (any KeptRowStore)? = nil
  ) {
    self.concepts = concepts
    self.rule = rule
    self.seed = seed
    self.dedupCentroids = dedupCentroids
    self.duplicateAbove = duplicateAbove
    self.scoreCut = scoreCut
    self.reference = reference
    self.kept =
      kept
      ?? KeptRowsInMemory(
        clusters: dedupCentroids?.rows ?? 0, dimension: dedupCentroids?.dimension ?? 1)
  }

  /// Values in a row; nil for a plan that looks at no row.
  var dimension: Int? { concepts?.centroids.dimension ?? dedupCentroids?.dimension ?? reference?.dimension }

  /// Adds rows, `(n, d)`, that were kept before this plan, without deciding them.
  ///
  /// - Parameters:
  ///   - origins: `(n,)`.
  ///   - threads: for finding their clusters; they do not change the result.
  /// - Throws: ``PruneError/unreadable(_:_:)`` when the store fails.
  public mutating func remember(
    _ rows: EmbeddingMatrix, _ origins: [KeptOrigin], threads: Int = 1
  ) throws(PruneError) {
    guard let dedupCentroids, rows.rows > 0 else { return }
    if rows.dimension != dedupCentroids.dimension {
      throw .dimension(.image, expected: dedupCentroids.dimension, found: rows.dimension)
    }
    let clusters = NearestCentroid.assign(
      (0..<Int32(rows.rows)).map { $0 }, of: rows, to: dedupCentroids, threads: threads
    ).centroid
    for (row, origin) in origins.enumerated() {
      try append(rows.row(row)[...], origin, to: Int(clusters[row]))
    }
  }

  func append(_ values: ArraySlice<Float>, _ origin: KeptOrigin, to cluster: Int) throws(PruneError) {
    do { try kept.append(values, origin, to: cluster) } catch { throw .unreadable(.image, "\(error)") }
  }

  /// Decides one row, `(d,)`, and remembers it if it is kept.
  ///
  /// - Parameter score: see ``imageTextScore(joint:text:)``.
  /// - Throws: as ``decide(_:scores:keyHashes:origins:threads:)``.
  public mutating func decide(
    _ values: [Float], score: Float = .nan, keyHash: UInt64, shard: Int32, row: Int32
  ) throws(PruneError) -> Verdict {
    let expected = dimension ?? values.count
    if values.count != expected || expected == 0 {
      throw .dimension(.image, expected: expected, found: values.count)
    }
    return try decide(
      EmbeddingMatrix(values, dimension: values.count), scores: [score], keyHashes: [keyHash],
      origins: [KeptOrigin(shard: shard, row: row)])[0]
  }

  /// `hard` keeps distances from the threshold upwards, `easy` up to it, `random` values up to it; a concept
  /// with quota 0 keeps nothing.
  func passes(_ distance: Float, _ keyHash: UInt64, cluster: Int) -> Bool {
    guard let concepts else { return true }
    let threshold = concepts.threshold[cluster]
    if concepts.quota[cluster] == 0 { return false }
    switch rule {
    case .hard: return distance >= threshold
    case .easy: return distance <= threshold
    case .random, .score:
      return Ranking.unitInterval(Ranking.randomValue(seed: seed, keyHash: keyHash)) <= threshold
    }
  }
}
