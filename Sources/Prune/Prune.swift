public import Algebra

/// The columns that `prune` reads. Row i is the same sample in all of them.
public struct PruneInput: Sendable {
  /// Image rows, `(n, d)`: near-duplicates, reference and concepts.
  public var image: EmbeddingMatrix
  /// Caption rows, `(n, t)`; a zero row is a sample without caption.
  public var text: EmbeddingMatrix?
  /// Image rows in the captions' space, `(n, t)`; nil takes `image` where the dimensions agree.
  public var joint: EmbeddingMatrix?
  /// Scores given, `(n,)`, used instead of the dot product of `joint` and `text`.
  public var scores: [Float]?
  public var keys: KeyColumn
  /// Shard and row of each sample; nil is shard 0, row i.
  public var origin: RowOrigin?
  /// Drops decided before (``Reason/filter``, ``Reason/domain``), `(n,)`, ``Reason/kept`` for the others.
  public var drops: [Reason]?
  /// Reference rows, `(q, d)`.
  public var reference: EmbeddingMatrix?
  /// Largest similarity allowed with each reference, `(q,)`.
  public var gap: [Float]?
  /// `(k, d)`; given, the concepts stage fits no clusters.
  public var conceptCentroids: EmbeddingMatrix?
  /// `(m, d)`; given, the dedup stage fits no clusters.
  public var dedupCentroids: EmbeddingMatrix?
  /// Of the same rows, in the same order, by the same settings but for the limit; given, nothing is compared again.
  public var duplicates: DuplicateMatches?

  public init(image: EmbeddingMatrix, keys: KeyColumn) {
    self.image = image
    self.keys = keys
  }
}

/// What pruning decided and fitted.
public struct PruneResult: Sendable {
  /// One for each row of the input, in its order.
  public var verdicts: [Verdict]
  /// nil where the stage did not run or no row reached it.
  public var concepts: ConceptModel?
  /// `<f4 (m, d)`, nil where the stage did not run or no row reached it.
  public var dedupCentroids: EmbeddingMatrix?
  /// A row is a duplicate iff its similarity is above this: 1 − ε, or the largest one kept under a fraction.
  /// nil with `dedupCentroids`.
  public var dedupCut: Double?
  /// A row is dropped iff its score is below this or NaN; nil where the stage did not run.
  public var scoreCut: Double?
  /// nil where the stage did not run.
  public var references: ReferenceMatches?
  public var notices: [PruneNotice]
}

/// Decides every row: filter and domain (given), near-duplicates, score, reference, concepts, each stage on
/// the survivors of the one before; the first drop is the reason (design rule 9).
///
/// The result is a function of the set of (key, row) and the settings: the order of the rows and the number of
/// threads do not change a bit of any verdict or model (design rule 1). A stage that no row reaches does not
/// run. OpenBLAS is set to one thread; the threads of the settings are ours.
///
/// - Parameter progress: called as each step begins.
/// - Throws: ``PruneError`` before any work for settings and shapes that do not fit; for the first zero or NaN
///   row (design rule 10); for quotas and cluster counts that the survivors cannot meet.
public func prune(
  _ input: PruneInput, _ settings: PruneSettings, progress: @escaping (PruneStep) -> Void = { _ in }
) throws(PruneError) -> PruneResult {
  let problems = settings.problems()
  guard problems.isEmpty else { throw .settings(problems) }
  try input.checkShapes(settings)
  var context = StageContext(settings: settings, keyHashes: input.keys.hashes, progress: progress)
  progress(.checking)
  let input = try input.checkedRows(&context)
  let image = input.image
  let order = input.keys.canonicalOrder(input.origin)
  var verdicts = [Verdict](repeating: Verdict(), count: image.rows)
  for (row, reason) in (input.drops ?? []).enumerated() where reason != .kept { verdicts[row].drop(reason) }
  func survivors(_ verdicts: [Verdict]) -> [Int32] { order.filter { verdicts[Int($0)].kept } }

  var rows = survivors(verdicts)
  if settings.dedup?.rule == .score { input.fillScores(rows, &verdicts, &context) }
  var deduplicated: (centroids: EmbeddingMatrix, cut: Double)?
  if let dedup = settings.dedup, !rows.isEmpty {
    deduplicated = try DedupStage.run(
      dedup, rows, image, origin: input.origin, centroids: input.dedupCentroids, found: input.duplicates,
      verdicts: &verdicts, &context
    )
    rows = survivors(verdicts)
  }
  var scoreCut: Double?
  if let score = settings.score {
    if settings.dedup?.rule != .score { input.fillScores(rows, &verdicts, &context) }
    scoreCut = ScoreStage.run(score, rows, verdicts: &verdicts)
    rows = survivors(verdicts)
  }
  var references: ReferenceMatches?
  if let rule = settings.reference, let held = input.reference {
    progress(.referring)
    references = ReferenceStage.run(
      rule, rows, image, references: held, gaps: input.gap ?? [], verdicts: &verdicts,
      threads: settings.threads)
    rows = survivors(verdicts)
  }
  var concepts: ConceptModel?
  if let stage = settings.concepts, !rows.isEmpty {
    concepts = try ConceptStage.run(
      stage, rows, image, centroids: input.conceptCentroids, verdicts: &verdicts, &context)
  }
  try input.checkReading()
  return PruneResult(
    verdicts: verdicts, concepts: concepts, dedupCentroids: deduplicated?.centroids,
    dedupCut: deduplicated?.cut, scoreCut: scoreCut, references: references,
    notices: context.notices)
}
