public import Algebra

/// A frozen plan applied to one new sample at a time: the sample is assigned to its concept and kept iff its
/// distance passes the concept's threshold and it duplicates no row kept before.
///
/// Decisions depend on the order of the calls and on nothing else. Filter and domain are the caller's, before
/// this.
public struct StreamingPlan: Sendable {
  private let concepts: ConceptModel?
  private let rule: PruneSettings.Rule
  private let seed: UInt64
  private let duplicateAbove: Double
  private let scoreCut: Double?
  private let reference: StreamingReference?
  private var kept: KeptRows?

  /// - Parameters:
  ///   - concepts: quotas and thresholds; nil keeps whatever is no duplicate.
  ///   - rule: the rule the thresholds belong to.
  ///   - seed: the seed behind `random`.
  ///   - dedupCentroids: `(m, d)`; nil compares with no kept row.
  ///   - duplicateAbove: ``PruneResult/dedupCut``.
  ///   - scoreCut: ``PruneResult/scoreCut``; nil drops nothing by its score.
  ///   - reference: nil drops nothing by its similarity to references.
  public init(
    concepts: ConceptModel?, rule: PruneSettings.Rule, seed: UInt64, dedupCentroids: EmbeddingMatrix?,
    duplicateAbove: Double, scoreCut: Double? = nil, reference: StreamingReference? = nil
  ) {
    self.concepts = concepts
    self.rule = rule
    self.seed = seed
    self.duplicateAbove = duplicateAbove
    self.scoreCut = scoreCut
    self.reference = reference
    kept = dedupCentroids.map(KeptRows.init)
  }

  /// Adds a row that was kept before this plan, without deciding it.
  public mutating func remember(_ values: [Float], shard: Int32, row: Int32) {
    kept?.append(values, shard: shard, row: row)
  }

  /// Decides one row, `(d,)`, and remembers it if it is kept.
  ///
  /// A duplicate has the reason ``Reason/duplicate``; its score and concept are not computed. `duplicateSimilarity` is
  /// the largest dot with the kept rows of its dedup cluster, 0 with none.
  ///
  /// - Parameter score: see ``imageTextScore(joint:text:)``.
  ///
  /// - Throws: ``PruneError/notFinite(_:row:)`` or ``PruneError/zeroRow(_:row:)``;
  ///   ``PruneError/dimension(_:expected:found:)``.
  public mutating func decide(
    _ values: [Float], score: Float = .nan, keyHash: UInt64, shard: Int32, row: Int32
  ) throws(PruneError) -> Verdict {
    try check(values, row)
    OpenBLAS.setThreads(1)
    var verdict = Verdict()
    if let kept {
      let match = kept.nearest(values)
      verdict.duplicateSimilarity = match.similarity
      verdict.duplicateShard = match.shard
      verdict.duplicateRow = match.row
      if Double(match.similarity) > duplicateAbove { verdict.drop(.duplicate) }
    }
    if let scoreCut, verdict.kept {
      verdict.score = score
      if !(Double(score) >= scoreCut) { verdict.drop(.score) }
    }
    if let reference, verdict.kept, !reference.keeps(values) { verdict.drop(.reference) }
    if let concepts, verdict.kept {
      let own = EmbeddingMatrix(values, dimension: values.count)
      let nearest = NearestCentroid.assign([0], of: own, to: concepts.centroids, threads: 1)
      let cluster = Int(nearest.centroid[0])
      verdict.cluster = nearest.centroid[0]
      verdict.distance = nearest.distances[0]
      if !passes(verdict.distance, keyHash, concepts.threshold[cluster], quota: concepts.quota[cluster]) {
        verdict.drop(.quota)
      }
    }
    if verdict.kept { kept?.append(values, shard: shard, row: row) }
    return verdict
  }

  /// `hard` keeps distances from the threshold upwards, `easy` up to it, `random` values up to it; a concept
  /// with quota 0 keeps nothing.
  private func passes(_ distance: Float, _ keyHash: UInt64, _ threshold: Float, quota: Int) -> Bool {
    if quota == 0 { return false }
    switch rule {
    case .hard: return distance >= threshold
    case .easy: return distance <= threshold
    case .random, .score:
      return Ranking.unitInterval(Ranking.randomValue(seed: seed, keyHash: keyHash)) <= threshold
    }
  }

  private func check(_ values: [Float], _ row: Int32) throws(PruneError) {
    let expected = concepts?.centroids.dimension ?? kept?.dimension ?? reference?.dimension ?? values.count
    if values.count != expected || expected == 0 {
      throw .dimension(.image, expected: expected, found: values.count)
    }
    if !values.allSatisfy(\.isFinite) { throw .notFinite(.image, row: Int(row)) }
    if values.allSatisfy({ $0 == 0 }) { throw .zeroRow(.image, row: Int(row)) }
  }
}
