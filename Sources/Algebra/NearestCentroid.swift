/// For every row the row of another matrix with the largest dot product: the cluster of a sample, or the
/// reference image nearest to it.
///
/// BLAS proposes in Float32, ``FixedOrderDot`` decides (design rule 1), so the answer depends on the values
/// only: not on threads, tiles or the order of the rows.
public enum NearestCentroid {
  /// The answer, one entry for each row asked for.
  public struct Assignment: Sendable {
    /// The nearest centroid, the lower number on a tie of the Float32-rounded dots.
    public var centroid: [Int32]
    /// Its Float64 dot with the row, summed in index order.
    public var dot: [Double]

    /// Cosine distances `Float32(1 − dot)`.
    public var distances: [Float] { dot.map { Float(1 - $0) } }
  }

  /// Rows in a tile: large enough for BLAS to run at speed, small enough for the cache.
  package static let tileRows = 256
  /// Centroids in a tile.
  package static let tileColumns = 1024

  /// The nearest row of `centroids`, shape `(k, d)`, k ≥ 1, for the rows `indices` of `matrix`, shape `(n, d)`.
  ///
  /// - Precondition: the dimensions agree and `centroids` has at least one row.
  public static func assign(
    _ indices: [Int32], of matrix: EmbeddingMatrix, to centroids: EmbeddingMatrix, threads: Int
  ) -> Assignment {
    precondition(matrix.dimension == centroids.dimension && centroids.rows >= 1)
    let places = matrix.readingOrder(indices)
    let order = places.map { $0.map { indices[Int($0)] } } ?? indices
    let tiles = search(order, of: matrix, among: centroids, threads: threads) { best, rows in
      let choice = best.map(\.column)
      return Assignment(centroid: choice, dot: dots(rows.span, centroids, choice))
    }
    var result = Assignment(
      centroid: [Int32](repeating: 0, count: indices.count), dot: [Double](repeating: 0, count: indices.count)
    )
    var next = 0
    for tile in tiles {
      for (centroid, dot) in zip(tile.centroid, tile.dot) {
        let place = places.map { Int($0[next]) } ?? next
        result.centroid[place] = centroid
        result.dot[place] = dot
        next += 1
      }
    }
    return result
  }

  /// The nearest row of `centroids` for the rows `indices` of `matrix`, without the dots (where only one
  /// candidate was proposed nothing needs to be redone), and how far it leads (``RunningBest/lead``).
  package static func choose(
    _ indices: [Int32], of matrix: EmbeddingMatrix, to centroids: EmbeddingMatrix, threads: Int
  ) -> (centroid: [Int32], lead: [Float]) {
    let best = search(indices, of: matrix, among: centroids, threads: threads) { best, _ in best }
    return (best.flatMap { $0.map(\.column) }, best.flatMap { $0.map(\.lead) })
  }

  /// Buffers of one worker.
  private struct Scratch {
    var rows: [Float]
    var columns: [Float]
    var proposals: [Float]
  }

  /// Runs tiles of rows against all columns; `finish` turns the winners of a tile into its result.
  private static func search<Result: Sendable>(
    _ indices: [Int32], of matrix: EmbeddingMatrix, among columns: EmbeddingMatrix, threads: Int,
    finish: @Sendable ([RunningBest], [Float]) -> Result
  ) -> [Result] {
    OpenBLAS.setThreads(1)
    let d = matrix.dimension
    let height = min(tileRows, max(indices.count, 1))
    let width = min(tileColumns, columns.rows)
    return parallelMap((indices.count + height - 1) / height, threads: threads) {
      Scratch(
        rows: [Float](repeating: 0, count: height * d), columns: [Float](repeating: 0, count: width * d),
        proposals: [Float](repeating: 0, count: height * width))
    } _: { tile, scratch in
      let range = tile * height..<min(indices.count, (tile + 1) * height)
      matrix.gather(indices, range, into: &scratch.rows)
      var best = [RunningBest](repeating: RunningBest(), count: range.count)
      for start in stride(from: 0, to: columns.rows, by: width) {
        absorb(columns, start..<min(columns.rows, start + width), into: &best, &scratch)
      }
      return finish(best, scratch.rows)
    }
  }

  /// Takes the columns `range` into the winners of the tile of rows in `scratch`.
  private static func absorb(
    _ columns: EmbeddingMatrix, _ range: Range<Int>, into best: inout [RunningBest], _ scratch: inout Scratch
  ) {
    let d = columns.dimension
    let n = range.count
    for (slot, column) in range.enumerated() {
      columns.widen(row: column, into: &scratch.columns, at: slot * d)
    }
    propose(scratch.rows, best.count, scratch.columns, n, d, &scratch.proposals)
    let rows = scratch.rows.span
    let tile = scratch.columns.span
    let proposals = scratch.proposals.span
    for i in best.indices {
      let row = rows.extracting(i * d..<(i + 1) * d)
      let line = proposals.extracting(i * n..<(i + 1) * n)
      best[i].absorb(line, 0..<n, first: range.lowerBound, row: row, tile: tile) { leader in
        FixedOrderDot.dot(row, columns.row(Int(leader)).span)
      }
    }
  }

  /// `proposals[i·n + j]` = Float32 product of row i of m and column j of n, by BLAS; `proposals` gets
  /// the size m·n.
  ///
  /// - Parameters:
  ///   - row: the first row in `rows`.
  ///   - column: the first column in `columns`.
  package static func propose(
    _ rows: [Float], from row: Int = 0, _ m: Int, _ columns: [Float], from column: Int = 0, _ n: Int,
    _ d: Int,
    _ proposals: inout [Float]
  ) {
    if proposals.count != m * n { proposals = [Float](repeating: 0, count: m * n) }
    var target = proposals.mutableSpan
    OpenBLAS.sgemm(
      .no, .yes, m: m, n: n, k: d, rows.span.extracting(row * d..<(row + m) * d),
      columns.span.extracting(column * d..<(column + n) * d), &target)
  }

  /// The deciding dots of the tile's rows with their winners.
  private static func dots(_ rows: Span<Float>, _ columns: EmbeddingMatrix, _ choice: [Int32]) -> [Double] {
    if let values = columns.singles {
      return FixedOrderDot.pairs(rows, with: values.span, choice: choice, dimension: columns.dimension)
    }
    let d = columns.dimension
    var winners = [Float](repeating: 0, count: choice.count * d)
    columns.gather(choice, 0..<choice.count, into: &winners)
    let own = (0..<choice.count).map { Int32($0) }
    return FixedOrderDot.pairs(rows, with: winners.span, choice: own, dimension: d)
  }
}
