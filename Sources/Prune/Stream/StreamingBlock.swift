public import Algebra

extension StreamingPlan {
  /// Rows that are compared with what was kept before in one go: 4·d bytes each in memory, twice if all are kept.
  private static let chunkRows = 8192

  /// Decides rows, `(n, d)`, one after the other, and remembers those that are kept: the same verdicts as one call a
  /// row, at the speed of matrix products.
  ///
  /// A duplicate has the reason ``Reason/duplicate``; its score and concept are not computed. `duplicateSimilarity` is
  /// the largest dot with the kept rows of its dedup cluster, 0 with none.
  ///
  /// - Parameters:
  ///   - scores: see ``imageTextScore(joint:text:)``; `(n,)`, or nil where none is needed.
  ///   - keyHashes: `(n,)`.
  ///   - origins: what the verdicts of later duplicates name, `(n,)`.
  ///   - threads: they do not change the result.
  /// - Throws: ``PruneError/notFinite(_:row:)`` or ``PruneError/zeroRow(_:row:)`` with the row of the origin, and
  ///   ``PruneError/dimension(_:expected:found:)``, before anything is decided; ``PruneError/unreadable(_:_:)`` when the
  ///   kept rows fail.
  public mutating func decide(
    _ rows: EmbeddingMatrix, scores: [Float]? = nil, keyHashes: [UInt64], origins: [KeptOrigin],
    threads: Int = 1
  ) throws(PruneError) -> [Verdict] {
    precondition(keyHashes.count == rows.rows && origins.count == rows.rows)
    precondition(scores?.count ?? rows.rows == rows.rows)
    OpenBLAS.setThreads(1)
    if let dimension, dimension != rows.dimension {
      throw .dimension(.image, expected: dimension, found: rows.dimension)
    }
    for row in 0..<rows.rows {
      if !rows.isFinite(row: row) { throw .notFinite(.image, row: Int(origins[row].row)) }
      if rows.row(row).allSatisfy({ $0 == 0 }) { throw .zeroRow(.image, row: Int(origins[row].row)) }
    }
    var verdicts: [Verdict] = []
    verdicts.reserveCapacity(rows.rows)
    for start in stride(from: 0, to: rows.rows, by: Self.chunkRows) {
      let range = start..<min(rows.rows, start + Self.chunkRows)
      let chunk = StreamingChunk(
        rows, range, scores: scores, keyHashes: keyHashes, origins: origins, threads: threads)
      verdicts += try chunk.decide(self)
    }
    return verdicts
  }
}

/// Some thousand rows on their way to their verdicts.
private struct StreamingChunk {
  private let count: Int
  private let dimension: Int
  /// `(n, d)`.
  private let values: [Float]
  private let rows: EmbeddingMatrix
  private let scores: [Float]
  private let keyHashes: [UInt64]
  private let origins: [KeptOrigin]
  private let threads: Int

  init(
    _ matrix: EmbeddingMatrix, _ range: Range<Int>, scores: [Float]?, keyHashes: [UInt64],
    origins: [KeptOrigin], threads: Int
  ) {
    let d = matrix.dimension
    var values = [Float](repeating: 0, count: range.count * d)
    for (slot, row) in range.enumerated() { matrix.widen(row: row, into: &values, at: slot * d) }
    count = range.count
    dimension = d
    self.values = values
    rows = EmbeddingMatrix(values, dimension: d)
    self.scores = scores.map { Array($0[range]) } ?? [Float](repeating: .nan, count: range.count)
    self.keyHashes = Array(keyHashes[range])
    self.origins = Array(origins[range])
    self.threads = threads
  }

  private var all: [Int32] { (0..<Int32(count)).map { $0 } }

  /// What every stage but the comparison with rows of this chunk says.
  func decide(_ plan: StreamingPlan) throws(PruneError) -> [Verdict] {
    guard let centroids = plan.dedupCentroids else {
      return judged(plan, [Bool](repeating: true, count: count))
    }
    let clusters = NearestCentroid.assign(all, of: rows, to: centroids, threads: threads).centroid
    let nearest = try KeptSearch.nearest(
      values, dimension: dimension, Buckets(clusters, count: centroids.rows), plan.kept, threads: threads)
    // Only more similar rows can still come: what is a duplicate now stays one.
    let open = nearest.map { !(Double($0.similarity) > plan.duplicateAbove) }
    return try compared(plan, clusters, nearest, judged(plan, open))
  }

  /// The verdicts of the rows `open` by score, reference and concept; those of the others are empty.
  private func judged(_ plan: StreamingPlan, _ open: [Bool]) -> [Verdict] {
    var verdicts = [Verdict](repeating: Verdict(), count: count)
    var rest = all.filter { open[Int($0)] }
    if let scoreCut = plan.scoreCut {
      for row in rest {
        verdicts[Int(row)].score = scores[Int(row)]
        if !(Double(scores[Int(row)]) >= scoreCut) { verdicts[Int(row)].drop(.score) }
      }
      rest = rest.filter { verdicts[Int($0)].kept }
    }
    if let reference = plan.reference, !rest.isEmpty {
      for (row, keeps) in zip(rest, reference.keeps(rest, of: rows, threads: threads)) where !keeps {
        verdicts[Int(row)].drop(.reference)
      }
      rest = rest.filter { verdicts[Int($0)].kept }
    }
    if let concepts = plan.concepts, !rest.isEmpty {
      let assigned = NearestCentroid.assign(rest, of: rows, to: concepts.centroids, threads: threads)
      let distances = assigned.distances
      for (place, row) in rest.enumerated() {
        let row = Int(row)
        verdicts[row].cluster = assigned.centroid[place]
        verdicts[row].distance = distances[place]
        if !plan.passes(distances[place], keyHashes[row], cluster: Int(assigned.centroid[place])) {
          verdicts[row].drop(.quota)
        }
      }
    }
    return verdicts
  }

  /// Rows of one cluster that this chunk kept.
  private struct Fresh {
    /// The number of the first in its cluster.
    var first: Int
    var values: [Float] = []
    var origins: [KeptOrigin] = []
  }

  /// Rows of one cluster in a stretch, and their products with each other.
  private struct Stretch {
    var members: [Int] = []
    var products: [Float] = []
    /// Places in `members` of those kept so far.
    var kept: [Int] = []
    /// Rows that the chunk had kept before.
    var before = 0
  }

  /// Goes through the rows in their order: each is compared with those of its cluster that were kept since the chunk
  /// began, in stretches whose products are computed at once.
  private func compared(
    _ plan: StreamingPlan, _ clusters: [Int32], _ nearest: [NearestKept], _ judged: [Verdict]
  ) throws(PruneError) -> [Verdict] {
    var nearest = nearest
    var verdicts: [Verdict] = []
    verdicts.reserveCapacity(count)
    var fresh: [Int32: Fresh] = [:]
    for start in stride(from: 0, to: count, by: NearestCentroid.tileRows) {
      let range = start..<min(count, start + NearestCentroid.tileRows)
      var stretches: [Int32: Stretch] = [:]
      for row in range { stretches[clusters[row], default: Stretch()].members.append(row) }
      for cluster in stretches.keys {
        prepare(&stretches[cluster]!, fresh[cluster], &nearest)
      }
      for row in range {
        let cluster = clusters[row]
        if fresh[cluster] == nil { fresh[cluster] = Fresh(first: plan.kept.count(of: Int(cluster))) }
        absorb(row, stretches[cluster]!, fresh[cluster]!, &nearest[row])
        let verdict = verdict(nearest[row], judged[row], plan.duplicateAbove)
        if verdict.kept {
          let own = values[row * dimension..<(row + 1) * dimension]
          try plan.append(own, origins[row], to: Int(cluster))
          fresh[cluster]!.values += own
          fresh[cluster]!.origins.append(origins[row])
          stretches[cluster]!.kept.append(stretches[cluster]!.members.firstIndex(of: row)!)
        }
        verdicts.append(verdict)
      }
    }
    return verdicts
  }

  /// Compares the rows of a stretch with what the chunk kept before it, and computes their products with each other.
  private func prepare(_ stretch: inout Stretch, _ fresh: Fresh?, _ nearest: inout [NearestKept]) {
    let d = dimension
    let m = stretch.members.count
    var tile: [Float] = []
    tile.reserveCapacity(m * d)
    for row in stretch.members { tile += values[row * d..<(row + 1) * d] }
    if let fresh {
      stretch.before = fresh.origins.count
      var proposals: [Float] = []
      for start in stride(from: 0, to: fresh.origins.count, by: NearestCentroid.tileColumns) {
        let n = min(NearestCentroid.tileColumns, fresh.origins.count - start)
        NearestCentroid.propose(tile, from: 0, m, fresh.values, from: start, n, d, &proposals)
        for (i, row) in stretch.members.enumerated() {
          nearest[row].absorb(
            proposals.span.extracting(i * n..<(i + 1) * n), first: fresh.first + start,
            row: tile.span.extracting(i * d..<(i + 1) * d),
            tile: fresh.values.span.extracting(start * d..<(start + n) * d), origins: fresh.origins,
            from: start)
        }
      }
    }
    if m > 1 { NearestCentroid.propose(tile, from: 0, m, tile, m, d, &stretch.products) }
  }

  /// Compares a row with those kept before it in its stretch.
  private func absorb(_ row: Int, _ stretch: Stretch, _ fresh: Fresh, _ nearest: inout NearestKept) {
    guard !stretch.kept.isEmpty else { return }
    let d = dimension
    let m = stretch.members.count
    let place = stretch.members.firstIndex(of: row)!
    let line = stretch.kept.map { stretch.products[place * m + $0] }
    nearest.absorb(
      line.span, first: fresh.first + stretch.before, row: values.span.extracting(row * d..<(row + 1) * d),
      tile: fresh.values.span.extracting(stretch.before * d..<fresh.values.count), origins: fresh.origins,
      from: stretch.before)
  }

  private func verdict(_ match: NearestKept, _ judged: Verdict, _ duplicateAbove: Double) -> Verdict {
    let isDuplicate = Double(match.similarity) > duplicateAbove
    var verdict = isDuplicate ? Verdict() : judged
    verdict.duplicateSimilarity = match.similarity
    verdict.duplicateShard = match.origin.shard
    verdict.duplicateRow = match.origin.row
    if isDuplicate { verdict.drop(.duplicate) }
    return verdict
  }
}
