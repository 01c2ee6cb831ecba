internal import Algebra

/// The buffers of one worker that compares a tile of distinct rows with all distinct rows before them.
struct DedupTile {
  private let dimension: Int
  private var rows: [Float]
  private var columns: [Float]
  private var proposals: [Float] = []

  init(dimension: Int) {
    self.dimension = dimension
    rows = [Float](repeating: 0, count: NearestCentroid.tileRows * dimension)
    columns = [Float](repeating: 0, count: NearestCentroid.tileColumns * dimension)
  }

  /// One distinct row on its way through the columns.
  private struct Walk {
    var best = RunningBest(floor: 0)
    /// Places at which the row occurs and is not yet answered.
    var places: ArraySlice<Int32>
    /// Columns taken in.
    var done = 0
  }

  /// The matches of all occurrences of the distinct rows `first ..< first + tileRows` of `cluster`.
  mutating func matches(
    of cluster: DedupCluster, from first: Int, _ matrix: EmbeddingMatrix
  ) -> [NearDuplicates.Match] {
    let range = first..<min(cluster.distinct.count, first + NearestCentroid.tileRows)
    matrix.gather(cluster.distinct, range, into: &rows)
    var walks = range.map { Walk(places: cluster.occurrences[$0]) }
    // The last occurrence of a row is compared with everything before it.
    let end = walks.map { Int(cluster.before[Int($0.places.last!)]) }.max() ?? 0
    var found: [NearDuplicates.Match] = []
    for start in stride(from: 0, to: end, by: NearestCentroid.tileColumns) {
      let tile = start..<min(end, start + NearestCentroid.tileColumns)
      matrix.gather(cluster.distinct, tile, into: &columns)
      NearestCentroid.propose(rows, range.count, columns, tile.count, dimension, &proposals)
      for i in walks.indices { advance(&walks[i], i, through: tile, cluster, matrix, &found) }
    }
    for i in walks.indices { answer(&walks[i], i, upTo: end, cluster, matrix, &found) }
    return found
  }

  /// Takes the columns `tile` into walk `i`, stopping at each place of the row to answer it.
  private func advance(
    _ walk: inout Walk, _ i: Int, through tile: Range<Int>, _ cluster: DedupCluster,
    _ matrix: EmbeddingMatrix, _ found: inout [NearDuplicates.Match]
  ) {
    while let place = walk.places.first {
      let stop = min(Int(cluster.before[Int(place)]), tile.upperBound)
      absorb(&walk, i, upTo: stop, tile, cluster, matrix)
      if Int(cluster.before[Int(place)]) > tile.upperBound { return }
      answer(&walk, i, upTo: stop, cluster, matrix, &found)
    }
  }

  private func absorb(
    _ walk: inout Walk, _ i: Int, upTo stop: Int, _ tile: Range<Int>, _ cluster: DedupCluster,
    _ matrix: EmbeddingMatrix
  ) {
    guard walk.done < stop else { return }
    let row = rows.span.extracting(i * dimension..<(i + 1) * dimension)
    let line = proposals.span.extracting(i * tile.count..<(i + 1) * tile.count)
    let segment = walk.done - tile.lowerBound..<stop - tile.lowerBound
    walk.best.absorb(line, segment, first: tile.lowerBound, row: row, tile: columns.span) { leader in
      FixedOrderDot.dot(row, matrix.row(Int(cluster.distinct[Int(leader)])).span)
    }
    walk.done = stop
  }

  /// Answers the places of walk `i` with at most `end` distinct rows before them.
  private func answer(
    _ walk: inout Walk, _ i: Int, upTo end: Int, _ cluster: DedupCluster, _ matrix: EmbeddingMatrix,
    _ found: inout [NearDuplicates.Match]
  ) {
    while let place = walk.places.first, cluster.before[Int(place)] <= end {
      walk.places = walk.places.dropFirst()
      let best = walk.best
      var match = NearDuplicates.Match(place: place, similarity: 0, row: -1)
      if best.column >= 0 {
        match.row = cluster.distinct[Int(best.column)]
        let row = rows.span.extracting(i * dimension..<(i + 1) * dimension)
        match.similarity = Float(best.exact ?? FixedOrderDot.dot(row, matrix.row(Int(match.row)).span))
      }
      found.append(match)
    }
  }
}
