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
  /// How far the row's centroid is at least ahead of all others.
  private var leads: [Float]
  /// Length of each training row.
  private let lengths: [Float]
  /// How far each centroid moved in the last update.
  private var drifts: [Float] = []
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
    leads = [Float](repeating: -.infinity, count: sample.count)
    lengths = sample.map { row in
      let values = matrix.row(Int(row))
      return Float(FixedOrderDot.dot(values, values).squareRoot())
    }
  }

  /// One round: assign, refill empty clusters, update the centroids.
  mutating func round() {
    var assigned = assign()
    if assigned == clusters {
      settled = true
      return
    }
    rounds += 1
    refill(&assigned)
    clusters = assigned
    update()
  }

  /// The cluster of each training row; rows whose lead is larger than all that can have changed stay.
  ///
  /// When centroid j moves by δ_j, a dot with row x changes by at most |x|·δ_j, so a lead shrinks by at most
  /// |x|·(δ_own + max δ_other) (Hamerly, "Making k-means even faster", 2010, for dot products). What is left
  /// must exceed the error of the proposals many times over, hence the answer is the one a full search gives.
  private mutating func assign() -> [Int32] {
    var assigned = clusters
    var open: [Int32] = []
    if clusters.isEmpty {
      assigned = [Int32](repeating: 0, count: sample.count)
      open = sample.indices.map { Int32($0) }
    } else {
      let largest = drifts.indices.max { drifts[$0] < drifts[$1] } ?? 0
      let second = drifts.indices.filter { $0 != largest }.map { drifts[$0] }.max() ?? 0
      for i in sample.indices {
        let own = Int(clusters[i])
        let other = own == largest ? second : drifts[largest]
        leads[i] -= lengths[i] * (drifts[own] + other) * 1.0001
        if !(leads[i] > 8 * RunningBest.margin) { open.append(Int32(i)) }
      }
    }
    let found = NearestCentroid.choose(
      open.map { sample[Int($0)] }, of: matrix, to: centroids, threads: threads)
    for (place, position) in open.enumerated() {
      assigned[Int(position)] = found.centroid[place]
      leads[Int(position)] = found.lead[place]
    }
    return assigned
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
        leads[Int(position)] = -.infinity
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
    drifts = rows.indices.map { cluster in
      let square = zip(rows[cluster], old.row(cluster)).reduce(0.0) { sum, pair in
        let step = Double(pair.0) - Double(pair.1)
        return sum + step * step
      }
      return Float(square.squareRoot())
    }
  }
}
