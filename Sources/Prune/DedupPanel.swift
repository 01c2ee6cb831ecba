internal import Algebra

/// The buffers of one worker that compares a panel of distinct rows with all distinct rows before them.
///
/// A panel is read once and held widened while the panels before it pass by, so that rows on disk are read
/// m / (2 · ``panelRows``) times for a cluster of m rows and memory does not depend on m.
struct DedupPanel {
  /// Rows in a panel.
  static let panelRows = 2048

  /// Float32 values that a worker holds, for rows of `dimension` values.
  static func scratchValues(dimension: Int) -> Int {
    (2 * panelRows + NearestCentroid.tileRows) * dimension
      + NearestCentroid.tileRows * NearestCentroid.tileColumns
  }

  private let dimension: Int
  private var rows: [Float]
  private var columns: [Float]
  /// The rows of a tile that still have an open place, where those are few.
  private var open: [Float]
  private var proposals: [Float] = []

  init(dimension: Int) {
    self.dimension = dimension
    rows = [Float](repeating: 0, count: Self.panelRows * dimension)
    columns = [Float](repeating: 0, count: Self.panelRows * dimension)
    open = [Float](repeating: 0, count: NearestCentroid.tileRows * dimension)
  }

  /// One distinct row on its way through the columns.
  private struct Walk {
    var best = RunningBest(floor: 0)
    /// Places at which the row occurs and is not yet answered.
    var places: ArraySlice<Int32>
    /// Columns taken in.
    var done = 0
  }

  /// The matches of all occurrences of the distinct rows `first ..< first + panelRows` of `cluster`.
  mutating func matches(
    of cluster: DedupCluster, from first: Int, _ matrix: EmbeddingMatrix
  ) -> [NearDuplicates.Match] {
    let range = first..<min(cluster.distinct.count, first + Self.panelRows)
    matrix.gather(cluster.distinct, range, into: &rows)
    var walks = range.map { Walk(places: cluster.occurrences[$0]) }
    // The last occurrence of a row is compared with everything before it.
    let end = walks.map { Int(cluster.before[Int($0.places.last!)]) }.max() ?? 0
    var found: [NearDuplicates.Match] = []
    for start in stride(from: 0, to: end, by: Self.panelRows) {
      let panel = start..<min(cluster.distinct.count, start + Self.panelRows)
      if panel == range {
        columns = rows
      } else {
        matrix.gather(cluster.distinct, panel, into: &columns)
      }
      for tile in stride(
        from: panel.lowerBound, to: min(panel.upperBound, end), by: NearestCentroid.tileColumns)
      {
        let tile = tile..<min(panel.upperBound, tile + NearestCentroid.tileColumns)
        for rowTile in stride(from: 0, to: walks.count, by: NearestCentroid.tileRows) {
          let rowTile = rowTile..<min(walks.count, rowTile + NearestCentroid.tileRows)
          take(tile, panel.lowerBound, rowTile, &walks, cluster, matrix, &found)
        }
      }
    }
    for i in walks.indices { answer(&walks[i], i, upTo: end, cluster, matrix, &found) }
    return found
  }

  /// Takes the columns `tile` into the walks `rowTile` that still have a place behind its start.
  private mutating func take(
    _ tile: Range<Int>, _ panelStart: Int, _ rowTile: Range<Int>, _ walks: inout [Walk],
    _ cluster: DedupCluster, _ matrix: EmbeddingMatrix, _ found: inout [NearDuplicates.Match]
  ) {
    let active = rowTile.filter { i in
      walks[i].places.last.map { Int(cluster.before[Int($0)]) > tile.lowerBound } ?? false
    }
    if active.isEmpty { return }
    // On the diagonal a row needs no columns beyond itself.
    let needed = active.reduce(0) { max($0, Int(cluster.before[Int(walks[$1].places.last!)])) }
    let tile = tile.lowerBound..<min(tile.upperBound, needed)
    let d = dimension
    // Rows that are through come first in a tile, and gaps are rare: one stretch, or a copy of the few.
    let stretch = active[0]..<active[active.count - 1] + 1
    let isDense = active.count * 4 >= stretch.count * 3
    if !isDense {
      for (slot, i) in active.enumerated() {
        for t in 0..<d { open[slot * d + t] = rows[i * d + t] }
      }
    }
    let column = tile.lowerBound - panelStart
    if isDense {
      NearestCentroid.propose(
        rows, from: stretch.lowerBound, stretch.count, columns, from: column, tile.count, d, &proposals)
    } else {
      NearestCentroid.propose(open, from: 0, active.count, columns, from: column, tile.count, d, &proposals)
    }
    for (slot, i) in active.enumerated() {
      let line = isDense ? i - stretch.lowerBound : slot
      advance(&walks[i], i, line: line, through: tile, panelStart, cluster, matrix, &found)
    }
  }

  /// Takes the columns `tile` into walk `i`, stopping at each place of the row to answer it.
  private func advance(
    _ walk: inout Walk, _ i: Int, line: Int, through tile: Range<Int>, _ panelStart: Int,
    _ cluster: DedupCluster, _ matrix: EmbeddingMatrix, _ found: inout [NearDuplicates.Match]
  ) {
    let d = dimension
    let row = rows.span.extracting(i * d..<(i + 1) * d)
    let offset = (tile.lowerBound - panelStart) * d
    let values = columns.span.extracting(offset..<offset + tile.count * d)
    let line = proposals.span.extracting(line * tile.count..<(line + 1) * tile.count)
    while let place = walk.places.first {
      let before = Int(cluster.before[Int(place)])
      let stop = min(before, tile.upperBound)
      if walk.done < stop {
        let segment = walk.done - tile.lowerBound..<stop - tile.lowerBound
        walk.best.absorb(line, segment, first: tile.lowerBound, row: row, tile: values) { leader in
          FixedOrderDot.dot(row, matrix.row(Int(cluster.distinct[Int(leader)])).span)
        }
        walk.done = stop
      }
      if before > tile.upperBound { return }
      answer(&walk, i, upTo: stop, cluster, matrix, &found)
    }
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
