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
      (.origin, origin?.row.count), (.drops, drops?.count), (.duplicates, duplicates?.count),
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

  /// The input with rows that are finite and of unit length (design rule 10), each read once.
  func checkedRows(_ context: inout StageContext) throws(PruneError) -> PruneInput {
    var checked = self
    let image = try context.checked(
      image, .image, hashing: context.settings.dedup != nil && duplicates == nil)
    (checked.image, context.rowHashes) = (image.matrix, image.hashes)
    if let text { checked.text = try context.checked(text, .text, allowsZero: true).matrix }
    if let joint { checked.joint = try context.checked(joint, .joint).matrix }
    checked.reference = try context.columns(reference, .reference)
    checked.conceptCentroids = try context.columns(conceptCentroids, .conceptCentroids)
    checked.dedupCentroids = try context.columns(dedupCentroids, .dedupCentroids)
    return checked
  }

  /// That all rows used so far could be read.
  func checkReading() throws(PruneError) {
    for (array, matrix) in [(PruneArray.image, image), (.text, text ?? image), (.joint, joint ?? image)] {
      if let failure = matrix.failure { throw .unreadable(array, "\(failure)") }
    }
  }

  /// Writes the scores of `rows` into their verdicts.
  func fillScores(_ rows: [Int32], _ verdicts: inout [Verdict], _ context: inout StageContext) {
    context.progress(.scoring)
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
  /// Rows that are compared with others.
  fileprivate mutating func checked(
    _ matrix: EmbeddingMatrix, _ array: PruneArray, allowsZero: Bool = false, hashing: Bool = false
  ) throws(PruneError) -> RowCheck.Checked {
    try RowCheck.usable(
      matrix, array, allowsZero: allowsZero, hashing: hashing, strict: settings.strictNorms,
      threads: settings.threads, notices: &notices)
  }

  /// Rows that all others are compared with; they are kept in memory.
  fileprivate mutating func columns(
    _ matrix: EmbeddingMatrix?, _ array: PruneArray
  ) throws(PruneError) -> EmbeddingMatrix? {
    guard let matrix else { return nil }
    let usable = try checked(matrix, array).matrix
    return usable.isPlain ? usable : usable.loaded((0..<Int32(usable.rows)).map { $0 })
  }
}
