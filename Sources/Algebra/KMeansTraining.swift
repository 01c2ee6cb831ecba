/// The state of one training run of ``KMeans``.
struct KMeansTraining {
  let matrix: EmbeddingMatrix
  /// Training rows in hash order: the order of every sum.
  let sample: [Int32]
  /// `<f4 (k, d)`.
  private(set) var centroids: EmbeddingMatrix
  let threads: Int
  /// The cluster of each training row in the last round.
  private var clusters: [Int32] = []
  /// Rounds done.
  private(set) var rounds = 0
  /// Empty clusters refilled.
  private(set) var repairs = 0
  /// Whether the last round moved nothing.
  private(set) var settled = false

  init(matrix: EmbeddingMatrix, sample: [Int32], centroids: EmbeddingMatrix, threads: Int) {
    self.matrix = matrix
    self.sample = sample
    self.centroids = centroids
    self.threads = threads
  }

  /// One round: assign, refill empty clusters, update the centroids.
  mutating func round() {
    var assigned = NearestCentroid.choose(sample, of: matrix, to: centroids, threads: threads)
    if assigned == clusters {
      settled = true
      return
    }
    rounds += 1
    refill(&assigned)
    clusters = assigned
    update()
  }

  /// Gives each empty cluster, in order of number, the training row with the smallest dot with its own
  /// centroid, ties by hash order, among clusters of at least two rows. A row moves once.
  private mutating func refill(_ assigned: inout [Int32]) {
    var sizes = [Int](repeating: 0, count: centroids.rows)
    for cluster in assigned { sizes[Int(cluster)] += 1 }
    let empty = sizes.indices.filter { sizes[$0] == 0 }
    if empty.isEmpty { return }
    let fits = NearestCentroid.assign(sample, of: matrix, to: centroids, threads: threads)
    var worst = TopK.ascending(fits.dot.map { Float($0) }).makeIterator()
    for cluster in empty {
      while let position = worst.next() {
        let owner = Int(assigned[Int(position)])
        if sizes[owner] < 2 { continue }
        sizes[owner] -= 1
        sizes[cluster] = 1
        assigned[Int(position)] = Int32(cluster)
        repairs += 1
        break
      }
    }
  }

  /// Centroids become the normalised sums of their members. A cluster whose sum is zero, or that stayed empty,
  /// keeps its centroid.
  private mutating func update() {
    let members = Buckets(clusters, count: centroids.rows)
    let d = matrix.dimension
    let sample = sample
    let matrix = matrix
    let old = centroids
    let rows = parallelMap(old.rows, threads: threads) {
      [Float](repeating: 0, count: d)
    } _: { cluster, row in
      var sums = [Double](repeating: 0, count: d)
      for position in members[cluster] {
        matrix.widen(row: Int(sample[Int(position)]), into: &row, at: 0)
        for i in sums.indices { sums[i] += Double(row[i]) }
      }
      return KMeans.unit(sums) ?? old.row(cluster)
    }
    centroids = EmbeddingMatrix(rows.flatMap { $0 }, dimension: d)
  }
}

/// Positions grouped by a label, ascending inside each group (a stable counting sort).
package struct Buckets: Sendable {
  private let starts: [Int]
  private let positions: [Int32]

  /// Groups the positions of `labels`; labels lie in `0 ..< count`, negative ones belong to no group.
  package init(_ labels: [Int32], count: Int) {
    var starts = [Int](repeating: 0, count: count + 1)
    for label in labels where label >= 0 { starts[Int(label) + 1] += 1 }
    for i in 0..<count { starts[i + 1] += starts[i] }
    var next = starts
    var positions = [Int32](repeating: 0, count: starts[count])
    for (position, label) in labels.enumerated() where label >= 0 {
      positions[next[Int(label)]] = Int32(position)
      next[Int(label)] += 1
    }
    self.starts = starts
    self.positions = positions
  }

  /// Number of groups.
  package var count: Int { starts.count - 1 }

  /// The positions of group `label`, ascending.
  package subscript(label: Int) -> ArraySlice<Int32> { positions[starts[label]..<starts[label + 1]] }
}
