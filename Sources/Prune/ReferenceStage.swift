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
  ) -> ReferenceMatches {
    var matches = ReferenceMatches(rows: matrix.rows)
    func note(_ row: Int32, _ reference: Int32, _ similarity: Float) {
      matches.reference[Int(row)] = reference
      matches.similarity[Int(row)] = similarity
    }
    if rule == .gap {
      for violation in beyondGap(survivors, matrix, references, gaps, threads: threads) {
        let row = survivors[Int(violation.position)]
        note(row, violation.reference, violation.similarity)
        verdicts[Int(row)].drop(.reference)
      }
      return matches
    }
    let nearest = NearestCentroid.assign(survivors, of: matrix, to: references, threads: threads)
    let similarities = nearest.dot.map { Float($0) }
    for (place, row) in survivors.enumerated() { note(row, nearest.centroid[place], similarities[place]) }
    let (order, kept, none) =
      switch rule {
      case .near(let keep): (TopK.ascending(similarities), Ranking.count(keep, of: survivors.count), -2.0)
      case .far(let keep): (TopK.descending(similarities), Ranking.count(keep, of: survivors.count), 2.0)
      case .gap: preconditionFailure("handled above")
      }
    matches.cut = kept == 0 ? none : Double(similarities[Int(order[kept - 1])])
    for place in order.dropFirst(kept) { verdicts[Int(survivors[Int(place)])].drop(.reference) }
    return matches
  }

  /// A row that is more similar to a reference than that reference allows.
  struct Violation: Sendable {
    /// Place of the row in the rows asked for.
    var position: Int32
    /// The first such reference.
    var reference: Int32
    /// Rounded once to Float32.
    var similarity: Float
  }

  /// The rows whose similarity with some reference i is above gap i, in their order.
  ///
  /// A proposal within the margin of its gap is redone in Float64.
  static func beyondGap(
    _ given: [Int32], _ matrix: EmbeddingMatrix, _ references: EmbeddingMatrix, _ gaps: [Float], threads: Int
  ) -> [Violation] {
    OpenBLAS.setThreads(1)
    let (height, width, d) = (NearestCentroid.tileRows, NearestCentroid.tileColumns, matrix.dimension)
    let columnNumbers = (0..<Int32(references.rows)).map { $0 }
    let places = matrix.readingOrder(given)
    let indices = places.map { $0.map { given[Int($0)] } } ?? given
    let tiles = parallelMap((indices.count + height - 1) / height, threads: threads) {
      (
        rows: [Float](repeating: 0, count: height * d), columns: [Float](repeating: 0, count: width * d),
        proposals: [Float]()
      )
    } _: { index, scratch in
      let range = index * height..<min(indices.count, (index + 1) * height)
      matrix.gather(indices, range, into: &scratch.rows)
      var found = [Violation?](repeating: nil, count: range.count)
      for start in stride(from: 0, to: references.rows, by: width) {
        let columns = start..<min(references.rows, start + width)
        let n = columns.count
        references.gather(columnNumbers, columns, into: &scratch.columns)
        NearestCentroid.propose(scratch.rows, range.count, scratch.columns, n, d, &scratch.proposals)
        let (rows, columnValues, proposals) = (
          scratch.rows.span, scratch.columns.span, scratch.proposals.span
        )
        for i in found.indices where found[i] == nil {
          for j in 0..<n {
            let gap = gaps[start + j]
            if proposals[i * n + j] - gap < -RunningBest.margin { continue }
            let dot = Float(
              FixedOrderDot.dot(
                rows.extracting(i * d..<(i + 1) * d), columnValues.extracting(j * d..<(j + 1) * d)))
            if dot > gap {
              let place = places.map { $0[range.lowerBound + i] } ?? Int32(range.lowerBound + i)
              found[i] = Violation(position: place, reference: Int32(start + j), similarity: dot)
              break
            }
          }
        }
      }
      return found.compactMap { $0 }
    }
    return tiles.flatMap { $0 }.sorted { $0.position < $1.position }
  }
}
