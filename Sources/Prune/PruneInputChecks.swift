internal import Algebra

extension PruneInput {
  /// Whether a stage needs scores.
  private static func needsScores(_ settings: PruneSettings) -> Bool {
    settings.score != nil || settings.dedup?.rule == .score
  }

  /// Numbers of rows and dimensions, and that the stages have what they read.
  func checkShapes(_ settings: PruneSettings) throws(PruneError) {
    let n = image.rows
    let lengths: [(PruneArray, Int?)] = [
      (.keys, keys.count), (.text, text?.rows), (.joint, joint?.rows), (.scores, scores?.count),
      (.origin, origin?.row.count), (.drops, drops?.count),
    ]
    for (array, count) in lengths {
      if let count, count != n { throw .rows(array, expected: n, found: count) }
    }
    let matrices: [(PruneArray, EmbeddingMatrix?)] = [
      (.reference, reference), (.conceptCentroids, conceptCentroids), (.dedupCentroids, dedupCentroids),
    ]
    for (array, matrix) in matrices {
      guard let matrix else { continue }
      if matrix.rows == 0 { throw .rows(array, expected: 1, found: 0) }
      if matrix.dimension != image.dimension {
        throw .dimension(array, expected: image.dimension, found: matrix.dimension)
      }
    }
    if Self.needsScores(settings) && scores == nil {
      guard let text else { throw .missing(.text, stage: "score") }
      let used = joint ?? image
      if used.dimension != text.dimension {
        if joint == nil { throw .missing(.joint, stage: "score") }
        throw .dimension(.joint, expected: text.dimension, found: used.dimension)
      }
    }
    if let rule = settings.reference {
      guard let reference else { throw .missing(.reference, stage: "reference") }
      if rule == .gap {
        guard let gap else { throw .missing(.gap, stage: "reference") }
        if gap.count != reference.rows {
          throw .rows(.gap, expected: reference.rows, found: gap.count)
        }
      }
    }
  }

  /// The input with rows that are finite and of unit length (design rule 10).
  func checkedRows(_ context: inout StageContext) throws(PruneError) -> PruneInput {
    var checked = self
    checked.image = try context.usable(image, .image)
    if let text { checked.text = try context.usable(text, .text, allowsZero: true) }
    if let joint { checked.joint = try context.usable(joint, .joint) }
    if let reference { checked.reference = try context.usable(reference, .reference) }
    if let conceptCentroids {
      checked.conceptCentroids = try context.usable(conceptCentroids, .conceptCentroids)
    }
    if let dedupCentroids { checked.dedupCentroids = try context.usable(dedupCentroids, .dedupCentroids) }
    return checked
  }

  /// Writes the scores of `rows` into their verdicts.
  func fillScores(_ rows: [Int32], _ verdicts: inout [Verdict], _ context: inout StageContext) {
    let values: [Float]
    if let scores {
      values = rows.map { scores[Int($0)] }
    } else if let text {
      values = ScoreStage.scores(rows, joint: joint ?? image, text: text, threads: context.settings.threads)
    } else {
      return
    }
    for (row, score) in zip(rows, values) { verdicts[Int(row)].score = score }
    let missing = values.count(where: \.isNaN)
    if missing > 0 { context.notices.append(.scoresNotANumber(missing)) }
  }
}

extension StageContext {
  mutating func usable(
    _ matrix: EmbeddingMatrix, _ array: PruneArray, allowsZero: Bool = false
  ) throws(PruneError) -> EmbeddingMatrix {
    try RowCheck.usable(
      matrix, array, allowsZero: allowsZero, strict: settings.strictNorms, threads: settings.threads,
      notices: &notices)
  }
}
