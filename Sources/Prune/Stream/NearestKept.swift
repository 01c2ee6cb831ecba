internal import Algebra

/// The most similar kept row of one row: none where no dot is positive, the earliest kept on a tie.
///
/// The leader's Float64 dot and origin are noted when it takes the lead, so that it need not be looked up again.
struct NearestKept: Sendable {
  private var best = RunningBest(floor: 0)
  private var dot = 0.0
  private(set) var origin = KeptOrigin(shard: -1, row: -1)

  /// The largest dot product, at least 0, rounded once to Float32.
  var similarity: Float { best.column < 0 ? 0 : Float(dot) }

  /// Takes in kept rows in the order in which they were kept.
  ///
  /// - Parameters:
  ///   - proposals: Float32 similarities with them, by BLAS.
  ///   - first: the number of the first of them in its cluster.
  ///   - row: the row, `(d,)`.
  ///   - tile: their values, one after the other.
  ///   - origins: where they are from; the first that is meant has the index `offset`.
  mutating func absorb(
    _ proposals: Span<Float>, first: Int, row: Span<Float>, tile: Span<Float>, origins: [KeptOrigin],
    from offset: Int = 0
  ) {
    let (leader, known) = (best.column, dot)
    best.absorb(proposals, 0..<proposals.count, first: first, row: row, tile: tile) { _ in known }
    guard best.column != leader else { return }
    let index = Int(best.column) - first
    let d = row.count
    dot = best.exact ?? FixedOrderDot.dot(row, tile.extracting(index * d..<(index + 1) * d))
    origin = origins[offset + index]
  }
}

/// What of the rows of a block is nearest among the rows kept before.
enum KeptSearch {
  /// Rows of the block that share a pass over the kept rows of their cluster.
  private static let groupRows = 2048

  /// Buffers of one worker.
  private struct Scratch {
    var rows: [Float] = []
    var columns: [Float]
    var proposals: [Float] = []
  }

  /// One pass: rows of one cluster.
  private struct Pass {
    var cluster: Int
    /// Places of the rows in the block.
    var places: ArraySlice<Int32>
  }

  /// The nearest kept row of each row of a block, `(n, d)`, inside its cluster. Each kept row of the clusters at hand
  /// is read once for every ``groupRows`` rows of the block.
  ///
  /// - Throws: ``PruneError/unreadable(_:_:)``.
  static func nearest(
    _ rows: [Float], dimension d: Int, _ members: Buckets, _ store: some KeptRowStore, threads: Int
  ) throws(PruneError) -> [NearestKept] {
    var passes: [Pass] = []
    for cluster in 0..<members.count where store.count(of: cluster) > 0 {
      let places = members[cluster]
      for start in stride(from: places.startIndex, to: places.endIndex, by: groupRows) {
        passes.append(
          Pass(cluster: cluster, places: places[start..<min(places.endIndex, start + groupRows)]))
      }
    }
    let work = passes
    let found = parallelMap(work.count, threads: threads) {
      Scratch(columns: [])
    } _: { index, scratch in
      Result { try search(work[index], rows, d, store, &scratch) }
    }
    var nearest = [NearestKept](repeating: NearestKept(), count: rows.count / d)
    for (pass, result) in zip(passes, found) {
      switch result {
      case .success(let answers):
        for (place, answer) in zip(pass.places, answers) { nearest[Int(place)] = answer }
      case .failure(let error): throw .unreadable(.image, "\(error)")
      }
    }
    return nearest
  }

  private static func search(
    _ pass: Pass, _ rows: [Float], _ d: Int, _ store: some KeptRowStore, _ scratch: inout Scratch
  ) throws -> [NearestKept] {
    var answers = [NearestKept](repeating: NearestKept(), count: pass.places.count)
    scratch.rows.removeAll(keepingCapacity: true)
    for place in pass.places { scratch.rows += rows[Int(place) * d..<(Int(place) + 1) * d] }
    let blockRows = KeptRowsInMemory.blockRows
    for number in 0..<(store.count(of: pass.cluster) + blockRows - 1) / blockRows {
      let block = try store.block(number, of: pass.cluster)
      let n = block.rows.rows
      let columns = widened(block.rows, &scratch.columns)
      for start in stride(from: 0, to: answers.count, by: NearestCentroid.tileRows) {
        let tile = start..<min(answers.count, start + NearestCentroid.tileRows)
        NearestCentroid.propose(
          scratch.rows, from: tile.lowerBound, tile.count, columns, n, d, &scratch.proposals)
        let values = scratch.rows.span
        let proposals = scratch.proposals.span
        let held = columns.span.extracting(0..<n * d)
        for i in tile {
          let line = (i - tile.lowerBound) * n
          let own = proposals.extracting(line..<line + n)
          let row = values.extracting(i * d..<(i + 1) * d)
          answers[i].absorb(own, first: number * blockRows, row: row, tile: held, origins: block.origins)
        }
      }
    }
    return answers
  }

  /// The values of a block as Float32, in `buffer` if they are not stored so.
  private static func widened(_ rows: EmbeddingMatrix, _ buffer: inout [Float]) -> [Float] {
    if let plain = rows.singles { return plain }
    let count = rows.rows * rows.dimension
    if buffer.count < count { buffer = [Float](repeating: 0, count: count) }
    for row in 0..<rows.rows { rows.widen(row: row, into: &buffer, at: row * rows.dimension) }
    return buffer
  }
}
