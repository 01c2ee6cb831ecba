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
  /// Positions of the training rows by their place in memory, which is the order to read them in.
  private let byPlace: [Int32]
  /// The clusters that gained or lost a row in the last round.
  private var changed: [Bool]
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
    changed = [Bool](repeating: true, count: centroids.rows)
    let places = sample.indices.map { UInt64(UInt32(bitPattern: sample[$0])) << 32 | UInt64($0) }.sorted()
      .map { Int32(truncatingIfNeeded: $0) }
    byPlace = places
    lengths = Self.lengths(sample, places, matrix, threads: threads)
  }

  /// The length of each row of `sample`, by position.
  private static func lengths(
    _ sample: [Int32], _ places: [Int32], _ matrix: EmbeddingMatrix, threads: Int
  ) -> [Float] {
    let height = NearestCentroid.tileRows
    let rows = places.map { sample[Int($0)] }
    let tiles = parallelMap((rows.count + height - 1) / height, threads: threads) {
      [Float](repeating: 0, count: height * matrix.dimension)
    } _: { tile, values in
      let range = tile * height..<min(rows.count, (tile + 1) * height)
      matrix.gather(rows, range, into: &values)
      return FixedOrderDot.pairs(
        values.span, with: values.span, choice: range.indices.map { Int32($0 - range.lowerBound) },
        dimension: matrix.dimension)
    }
    var lengths = [Float](repeating: 0, count: sample.count)
    var next = 0
    for square in tiles.joined() {
      lengths[Int(places[next])] = Float(square.squareRoot())
      next += 1
    }
    return lengths
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
    note(assigned)
    clusters = assigned
    update()
  }

  /// Which clusters have other rows than before.
  private mutating func note(_ assigned: [Int32]) {
    guard !clusters.isEmpty else { return }
    for cluster in changed.indices { changed[cluster] = false }
    for (old, new) in zip(clusters, assigned) where old != new {
      changed[Int(old)] = true
      changed[Int(new)] = true
    }
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
      open = byPlace
    } else {
      let largest = drifts.indices.max { drifts[$0] < drifts[$1] } ?? 0
      let second = drifts.indices.filter { $0 != largest }.map { drifts[$0] }.max() ?? 0
      for place in byPlace {
        let i = Int(place)
        let own = Int(clusters[i])
        let other = own == largest ? second : drifts[largest]
        leads[i] -= lengths[i] * (drifts[own] + other) * 1.0001
        if !(leads[i] > 8 * RunningBest.margin) { open.append(place) }
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
  /// keeps its centroid; so does one with the same members as before, whose sum is the same.
  private mutating func update() {
    let members = Buckets(clusters, count: centroids.rows)
    let d = matrix.dimension
    let sample = sample
    let matrix = matrix
    let old = centroids
    let changed = changed
    let rows = parallelMap(old.rows, threads: threads) {
      RowSum(dimension: d)
    } _: { cluster, sum in
      guard changed[cluster] else { return old.row(cluster) }
      return KMeans.unit(sum.of(members[cluster].map { sample[Int($0)] }, matrix)) ?? old.row(cluster)
    }
    centroids = EmbeddingMatrix(rows.flatMap { $0 }, dimension: d)
    drifts = rows.indices.map { cluster in
      guard changed[cluster] else { return 0 }
      let square = zip(rows[cluster], old.row(cluster)).reduce(0.0) { sum, pair in
        let step = Double(pair.0) - Double(pair.1)
        return sum + step * step
      }
      return Float(square.squareRoot())
    }
  }
}

/// Sums of rows in Float64, row after row in the order given. Four rows are read side by side, as they lie far apart in
/// memory; each value is still added by itself.
struct RowSum {
  private let dimension: Int
  private var rows: [Float]

  init(dimension: Int) {
    self.dimension = dimension
    rows = [Float](repeating: 0, count: 4 * dimension)
  }

  /// The sum of the rows `indices` of `matrix`, `(d,)`.
  mutating func of(_ indices: [Int32], _ matrix: EmbeddingMatrix) -> [Double] {
    let d = dimension
    var sums = [Double](repeating: 0, count: d)
    var next = 0
    while next < indices.count {
      let count = min(4, indices.count - next)
      if count == 4, case .float32(let values) = matrix.storage {
        let starts = (next..<next + 4).map { Int(indices[$0]) * d }
        Self.add(values.span, (starts[0], starts[1], starts[2], starts[3]), to: &sums)
      } else {
        matrix.gather(indices, next..<next + count, into: &rows)
        if count == 4 {
          Self.add(rows.span, (0, d, 2 * d, 3 * d), to: &sums)
        } else {
          for row in 0..<count { for i in 0..<d { sums[i] += Double(rows[row * d + i]) } }
        }
      }
      next += count
    }
    return sums
  }

  /// Adds the four rows of `values` that begin at these offsets, the first one first.
  @inline(__always)
  private static func add(_ values: Span<Float>, _ starts: (Int, Int, Int, Int), to sums: inout [Double]) {
    var target = sums.mutableSpan
    let d = target.count
    let a = values.extracting(starts.0..<starts.0 + d)
    let b = values.extracting(starts.1..<starts.1 + d)
    let c = values.extracting(starts.2..<starts.2 + d)
    let e = values.extracting(starts.3..<starts.3 + d)
    for i in 0..<d {
      target[i] = target[i] + Double(a[i]) + Double(b[i]) + Double(c[i]) + Double(e[i])
    }
  }
}
