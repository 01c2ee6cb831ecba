/// Spherical k-means: Lloyd's iteration on unit rows with unit centroids and the dot product as similarity
/// (Dhillon and Modha, "Concept decompositions for large sparse text data using clustering", 2001), made a
/// pure function of the set of (key, row).
///
/// Training uses at most 256·k rows, as faiss does: those with the smallest keyed hash. The first k distinct
/// ones of them seed the centroids. Sums run in Float64 over members in hash order; centroids are normalised
/// and rounded to Float32. An empty cluster takes the row that fits its own cluster worst.
public enum KMeans {
  /// What to fit.
  public struct Settings: Sendable {
    /// Number of clusters, k ≥ 1.
    public var clusters: Int
    /// Most rounds of assignment and update; training stops earlier when no row changes its cluster.
    public var iterations = 100
    /// Seed of the keyed hash.
    public var seed: UInt64 = 0
    /// Epoch of the keyed hash; different uses of one seed take different epochs.
    public var epoch: UInt64 = .max - 1
    /// Most training rows for each centroid.
    public var rowsPerCentroid = 256
    /// Threads; they do not change the result.
    public var threads = 1

    public init(clusters: Int) { self.clusters = clusters }
  }

  /// A fitted clustering.
  public struct Fit: Sendable {
    /// `<f4 (k, d)`, unit rows.
    public var centroids: EmbeddingMatrix
    /// Rounds done.
    public var iterations: Int
    /// Rows trained on.
    public var trainingRows: Int
    /// Distinct rows among them; with no more than k, the centroids are those rows and copies of rows.
    public var distinctRows: Int
    /// Empty clusters refilled, over all rounds.
    public var repairs: Int
  }

  /// Why a fit is impossible.
  public enum Failure: Error, Equatable, Sendable {
    /// More clusters were asked for than there are rows, or none.
    case clusterCount(clusters: Int, rows: Int)
  }

  /// Fits on the rows `indices` of `matrix`, shape `(n, d)`.
  ///
  /// - Parameters:
  ///   - indices: rows in canonical order (by key bytes); their order decides ties of the hash.
  ///   - keyHashes: the key hash of row i of `matrix`, `(n,)`.
  /// - Throws: ``Failure/clusterCount(clusters:rows:)`` unless 1 ≤ k ≤ `indices.count`.
  public static func fit(
    _ indices: [Int32], of matrix: EmbeddingMatrix, keyHashes: [UInt64], _ settings: Settings
  ) throws(Failure) -> Fit {
    let k = settings.clusters
    guard k >= 1, k <= indices.count else {
      throw .clusterCount(clusters: k, rows: indices.count)
    }
    var sample = trainingSample(indices, keyHashes: keyHashes, settings)
    var matrix = matrix
    if !matrix.isPlain {
      matrix = matrix.loaded(sample)
      sample = sample.indices.map { Int32($0) }
    }
    let seeds = firstDistinct(k, sample, of: matrix)
    var training = KMeansTraining(
      matrix: matrix, sample: sample, centroids: unitRows(seeds.rows, of: matrix), threads: settings.threads)
    if seeds.distinct >= k && !seeds.all {
      for _ in 0..<settings.iterations where !training.settled { training.round() }
    }
    return Fit(
      centroids: training.centroids, iterations: training.rounds, trainingRows: sample.count,
      distinctRows: seeds.distinct, repairs: training.repairs)
  }

  /// The rows with the smallest first values of rule 5's generator at (seed, key hash, epoch), in that order.
  package static func trainingSample(
    _ indices: [Int32], keyHashes: [UInt64], _ settings: Settings
  ) -> [Int32] {
    let values = indices.map { row in
      var generator = Philox(
        seed: settings.seed, keyHash: keyHashes[Int(row)], epoch: settings.epoch)
      return generator.next()
    }
    let (limit, overflow) = settings.rowsPerCentroid.multipliedReportingOverflow(by: settings.clusters)
    return TopK.smallest(overflow ? Int.max : limit, of: values).map { indices[Int($0)] }
  }

  /// The first k rows of `sample` with distinct bits, filled up with copies in sample order.
  ///
  /// `distinct` counts no further than k; `all` says that the sample holds nothing beyond them.
  private static func firstDistinct(
    _ k: Int, _ sample: [Int32], of matrix: EmbeddingMatrix
  ) -> (rows: [Int32], distinct: Int, all: Bool) {
    var groups: [UInt64: [Int32]] = [:]
    var distinct: [Int32] = []
    var copies: [Int32] = []
    for row in sample {
      let hash = matrix.bitHash(row: Int(row))
      if groups[hash, default: []].contains(where: { matrix.equalBits(Int($0), Int(row)) }) {
        if copies.count < k { copies.append(row) }
      } else if distinct.count == k {
        return (distinct, k, false)
      } else {
        groups[hash, default: []].append(row)
        distinct.append(row)
      }
    }
    return (distinct + copies.prefix(k - distinct.count), distinct.count, true)
  }

  /// The rows `indices`, normalised.
  private static func unitRows(_ indices: [Int32], of matrix: EmbeddingMatrix) -> EmbeddingMatrix {
    var values: [Float] = []
    values.reserveCapacity(indices.count * matrix.dimension)
    for row in indices {
      let source = matrix.row(Int(row))
      values += unit(source.map(Double.init)) ?? source
    }
    return EmbeddingMatrix(values, dimension: matrix.dimension)
  }

  /// `sums / |sums|` rounded to Float32, the square norm summed in index order; nil for a zero vector.
  package static func unit(_ sums: [Double]) -> [Float]? {
    var square = 0.0
    for value in sums { square += value * value }
    guard square > 0 else { return nil }
    let norm = square.squareRoot()
    return sums.map { Float($0 / norm) }
  }
}
