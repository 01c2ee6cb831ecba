internal import Algebra

/// The reference stage: similarity of every row with a set of reference images, exact, over all of them
/// (Mayilvahanan et al., "Does CLIP's generalization performance mainly stem from high train-test
/// similarity?", 2023; spec/pruning.md 3.1).
enum ReferenceStage {
  /// Marks the rows of `survivors` (canonical order) that are too near or too far.
  ///
  /// - Parameters:
  ///   - references: `(q, d)`, q ≥ 1.
  ///   - gaps: `(q,)` Float32, read by the `gap` rule.
  static func run(
    _ rule: PruneSettings.Reference, _ survivors: [Int32], _ matrix: EmbeddingMatrix,
    references: EmbeddingMatrix, gaps: [Float], verdicts: inout [Verdict], threads: Int
  ) {
    let dropped: [Int32]
    switch rule {
    case .near(let keep):
      let nearest = similarities(survivors, matrix, references, threads)
      dropped = Array(TopK.ascending(nearest).dropFirst(Ranking.count(keep, of: survivors.count)))
    case .far(let keep):
      let nearest = similarities(survivors, matrix, references, threads)
      dropped = Array(TopK.descending(nearest).dropFirst(Ranking.count(keep, of: survivors.count)))
    case .gap:
      dropped = beyondGap(survivors, matrix, references, gaps, threads)
    }
    for position in dropped { verdicts[Int(survivors[Int(position)])].drop(.reference) }
  }

  /// The largest dot product of each row with any reference, rounded once to Float32.
  private static func similarities(
    _ rows: [Int32], _ matrix: EmbeddingMatrix, _ references: EmbeddingMatrix, _ threads: Int
  ) -> [Float] {
    NearestCentroid.assign(rows, of: matrix, to: references, threads: threads).dot.map { Float($0) }
  }

  /// The positions of rows whose similarity with some reference i is above gap i.
  ///
  /// A proposal within the margin of its gap is redone in Float64.
  private static func beyondGap(
    _ indices: [Int32], _ matrix: EmbeddingMatrix, _ references: EmbeddingMatrix, _ gaps: [Float],
    _ threads: Int
  ) -> [Int32] {
    OpenBLAS.setThreads(1)
    let (height, width, d) = (NearestCentroid.tileRows, NearestCentroid.tileColumns, matrix.dimension)
    let columnNumbers = (0..<Int32(references.rows)).map { $0 }
    let tiles = parallelMap((indices.count + height - 1) / height, threads: threads) {
      (
        rows: [Float](repeating: 0, count: height * d), columns: [Float](repeating: 0, count: width * d),
        proposals: [Float]()
      )
    } _: { index, scratch in
      let range = index * height..<min(indices.count, (index + 1) * height)
      matrix.gather(indices, range, into: &scratch.rows)
      var beyond = [Bool](repeating: false, count: range.count)
      for start in stride(from: 0, to: references.rows, by: width) {
        let columns = start..<min(references.rows, start + width)
        let n = columns.count
        references.gather(columnNumbers, columns, into: &scratch.columns)
        NearestCentroid.propose(scratch.rows, range.count, scratch.columns, n, d, &scratch.proposals)
        let (rowValues, columnValues) = (scratch.rows, scratch.columns)
        let proposals = scratch.proposals
        for i in beyond.indices where !beyond[i] {
          beyond[i] = (0..<n).contains { j in
            let excess = proposals[i * n + j] - gaps[start + j]
            if abs(excess) > RunningBest.margin { return excess > 0 }
            let dot = FixedOrderDot.dot(
              rowValues.span.extracting(i * d..<(i + 1) * d),
              columnValues.span.extracting(j * d..<(j + 1) * d))
            return Float(dot) > gaps[start + j]
          }
        }
      }
      return beyond
    }
    let flags = tiles.flatMap { $0 }
    return flags.indices.filter { flags[$0] }.map { Int32($0) }
  }
}
