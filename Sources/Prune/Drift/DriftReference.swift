internal import Algebra

/// What new samples are compared with to see drift: distances to centroids and shares of the clusters, as rows that the
/// plan was *not* fitted on would show them.
///
/// A row that was trained on is part of its centroid, so its distance is too small: with few rows a cluster, by far
/// (2000 rows of 512 values in 20 clusters are 0.11 off in KS distance). Such a row is judged without itself. With
/// a = ⟨x, c⟩ and s = Σ a over the training rows of its cluster, which is the length of their sum, the centroid without
/// the row has the dot product (s·a − 1) / √(s² − 2·s·a + 1) with it; where another centroid is nearer then, the row
/// counts there.
public struct DriftReference: Sendable, Equatable {
  /// Distances after that correction, ascending, `(r,)`.
  public var distances: [Float]
  /// Distances of the same rows as they were fitted, ascending, `(r,)`.
  public var fitted: [Float]
  /// Rows in each cluster after the correction, `(k,)`.
  public var counts: [Int]
  /// Rows in each cluster as they were fitted, `(k,)`.
  public var sizes: [Int]

  /// Precondition: `distances` and `fitted` have the same length, `counts` and `sizes` too.
  public init(distances: [Float], fitted: [Float], counts: [Int], sizes: [Int]) {
    precondition(distances.count == fitted.count && counts.count == sizes.count)
    self.distances = distances
    self.fitted = fitted
    self.counts = counts
    self.sizes = sizes
  }

  /// Most rows whose distances are held.
  static let mostRows = 32_768

  /// - Parameters:
  ///   - rows: that reached the stage, in canonical order.
  ///   - assigned: their clusters.
  ///   - trained: for each of `rows` whether it was trained on.
  init(
    rows: [Int32], of matrix: EmbeddingMatrix, centroids: EmbeddingMatrix,
    assigned: NearestCentroid.Assignment, trained: [Bool], threads: Int
  ) {
    let k = centroids.rows
    var lengths = [Double](repeating: 0, count: k)
    var sizes = [Int](repeating: 0, count: k)
    for position in rows.indices {
      let cluster = Int(assigned.centroid[position])
      sizes[cluster] += 1
      if trained[position] { lengths[cluster] += assigned.dot[position] }
    }
    let stride = max(1, (rows.count + Self.mostRows - 1) / Self.mostRows)
    let sample = Swift.stride(from: 0, to: rows.count, by: stride).map { Int32($0) }
    let distances = assigned.distances
    fitted = sample.map { distances[Int($0)] }.sorted()
    self.sizes = sizes
    var corrected = sample.map { distances[Int($0)] }
    var moved = [Int](repeating: 0, count: k)
    let members = Buckets(
      sample.map { trained[Int($0)] ? assigned.centroid[Int($0)] : -1 }, count: k)
    for cluster in 0..<k where !members[cluster].isEmpty && k > 1 {
      let others = (0..<Int32(k)).filter { $0 != cluster }
      let positions = members[cluster].map { Int(sample[Int($0)]) }
      let second = NearestCentroid.assign(
        positions.map { rows[$0] }, of: matrix, to: centroids.loaded(others), threads: threads)
      for (slot, place) in members[cluster].enumerated() {
        let own = Self.without(assigned.dot[positions[slot]], length: lengths[cluster])
        corrected[Int(place)] = Float(1 - max(own, second.dot[slot]))
        if second.dot[slot] > own {
          moved[cluster] -= 1
          moved[Int(others[Int(second.centroid[slot])])] += 1
        }
      }
    }
    self.distances = corrected.sorted()
    counts = sizes.indices.map { max(0, sizes[$0] + moved[$0] * stride) }
  }

  /// The dot product of a unit row with the direction of a sum of length `length` that it is part of, without it.
  private static func without(_ dot: Double, length: Double) -> Double {
    let square = length * length - 2 * length * dot + 1
    // The row is all there is.
    guard square > 1e-6 else { return -1 }
    return (length * dot - 1) / square.squareRoot()
  }

  /// The KS distance between the distances before and after the correction.
  var correction: Double { KolmogorovSmirnov.distance(distances, fitted) }
}

/// The largest difference between two empirical distribution functions.
enum KolmogorovSmirnov {
  /// - Parameters:
  ///   - a: ascending.
  ///   - b: ascending.
  static func distance(_ a: [Float], _ b: [Float]) -> Double {
    guard !a.isEmpty, !b.isEmpty else { return 0 }
    var (i, j) = (0, 0)
    var largest = 0.0
    while i < a.count, j < b.count {
      let value = min(a[i], b[j])
      while i < a.count, a[i] <= value { i += 1 }
      while j < b.count, b[j] <= value { j += 1 }
      largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
    }
    return largest
  }
}
