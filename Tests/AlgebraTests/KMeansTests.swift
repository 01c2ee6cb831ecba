import Algebra
import Testing

/// Hashes for row numbers; any well mixed function will do.
private func hashes(_ n: Int) -> [UInt64] { (0..<n).map { (UInt64($0) &+ 1) &* 0x9E37_79B9_7F4A_7C15 } }
private func all(_ n: Int) -> [Int32] { (0..<Int32(n)).map { $0 } }

/// The argmax of Float32-rounded fixed-order dots, by brute force.
private func bruteForce(_ rows: EmbeddingMatrix, _ centroids: EmbeddingMatrix) -> [Int32] {
  let wide = (0..<centroids.rows).map { centroids.row($0) }
  return (0..<rows.rows).map { i in
    let row = rows.row(i)
    let dots = wide.map { Float(FixedOrderDot.dot(row, $0)) }
    return Int32(dots.firstIndex(of: dots.max()!)!)
  }
}

@Test(
  "The nearest centroid is the brute-force one, also beyond one tile of columns", arguments: [1, 40, 2500])
func nearestIsExact(k: Int) {
  var source = Rows(seed: 11)
  let d = 19
  let rows = EmbeddingMatrix(
    source.clustered(700, d, centres: 30, spread: 0.5).map { Float16($0) }, dimension: d)
  let centroids = EmbeddingMatrix(source.clustered(k, d, centres: 30, spread: 0.5), dimension: d)
  let found = NearestCentroid.assign(all(700), of: rows, to: centroids, threads: 2)
  #expect(found.centroid == bruteForce(rows, centroids))
  for i in [0, 1, 255, 256, 699] {
    let dot = FixedOrderDot.dot(rows.row(i), centroids.row(Int(found.centroid[i])))
    #expect(found.dot[i].bitPattern == dot.bitPattern)
    #expect(found.distances[i] == Float(1 - dot))
  }
}

@Test("Equal and nearly equal centroids: Float64 decides, ties go to the lower number")
func tiesAreExact() {
  var source = Rows(seed: 12)
  let d = 64
  let base = source.clustered(1, d, centres: 1, spread: 1)
  // 40 centroids within a few units in the last place of each other, then all of them again.
  let near = (0..<40).flatMap { i in base.enumerated().map { $0.offset == i ? $0.element.nextUp : $0.element }
  }
  let centroids = EmbeddingMatrix(near + near, dimension: d)
  let rows = EmbeddingMatrix(base + source.clustered(99, d, centres: 3, spread: 1), dimension: d)
  let found = NearestCentroid.assign(all(100), of: rows, to: centroids, threads: 1).centroid
  #expect(found == bruteForce(rows, centroids))
  #expect(found.allSatisfy { $0 < 40 })
}

@Test("Training on 1 and 2 threads, and on permuted rows, gives the same bits")
func trainingIsOrderFree() throws {
  var source = Rows(seed: 13)
  let (n, d) = (3000, 16)
  let values = source.clustered(n, d, centres: 25, spread: 0.6)
  let keys = hashes(n)
  var settings = KMeans.Settings(clusters: 9)
  let one = try KMeans.fit(all(n), of: EmbeddingMatrix(values, dimension: d), keyHashes: keys, settings)
  #expect(one.trainingRows == 9 * 256)
  #expect(one.iterations > 1)
  settings.threads = 2
  // Row p of the permuted matrix is row (p·1009) mod n; canonical order visits it where the key stands.
  let permuted = (0..<n).map { ($0 * 1009) % n }
  var order = [Int32](repeating: 0, count: n)
  for (place, row) in permuted.enumerated() { order[row] = Int32(place) }
  let two = try KMeans.fit(
    order, of: EmbeddingMatrix(permuted.flatMap { values[$0 * d..<($0 + 1) * d] }, dimension: d),
    keyHashes: permuted.map { keys[$0] }, settings)
  #expect(one.iterations == two.iterations)
  for i in 0..<9 { #expect(one.centroids.row(i) == two.centroids.row(i)) }
}

@Test("A settled clustering is a fixed point: each centroid is the normalised mean of its rows")
func settledIsFixedPoint() throws {
  var source = Rows(seed: 14)
  let (n, d, k) = (600, 12, 7)
  let matrix = EmbeddingMatrix(source.clustered(n, d, centres: 7, spread: 0.3), dimension: d)
  let fit = try KMeans.fit(all(n), of: matrix, keyHashes: hashes(n), .init(clusters: k))
  #expect(fit.iterations < 100)
  let assigned = NearestCentroid.assign(all(n), of: matrix, to: fit.centroids, threads: 1).centroid
  for cluster in 0..<k {
    var sums = [Double](repeating: 0, count: d)
    for i in 0..<n where assigned[i] == Int32(cluster) {
      for (t, value) in matrix.row(i).enumerated() { sums[t] += Double(value) }
    }
    let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let centroid = fit.centroids.row(cluster)
    #expect(zip(sums, centroid).allSatisfy { abs($0 / length - Double($1)) < 1e-6 })
  }
}

@Test("k = n copies the rows; with fewer distinct rows than clusters, copies of rows fill up")
func asManyClustersAsRows() throws {
  var source = Rows(seed: 15)
  let values = source.clustered(5, 8, centres: 5, spread: 0.1)
  let distinct = EmbeddingMatrix(values, dimension: 8)
  let fit = try KMeans.fit(all(5), of: distinct, keyHashes: hashes(5), .init(clusters: 5))
  #expect(fit.distinctRows == 5)
  #expect(
    Set(NearestCentroid.assign(all(5), of: distinct, to: fit.centroids, threads: 1).centroid).count == 5)
  let equal = EmbeddingMatrix((0..<6).flatMap { _ in values[..<8] }, dimension: 8)
  let copies = try KMeans.fit(all(6), of: equal, keyHashes: hashes(6), .init(clusters: 4))
  #expect(copies.distinctRows == 1)
  #expect(copies.centroids.rows == 4)
  #expect(
    NearestCentroid.assign(all(6), of: equal, to: copies.centroids, threads: 1).centroid == [
      0, 0, 0, 0, 0, 0,
    ])
}

@Test("One cluster; more clusters than rows, or none, is an error")
func clusterCounts() throws {
  let matrix = EmbeddingMatrix([1, 0, 0, 1, 0.6, 0.8] as [Float], dimension: 2)
  let fit = try KMeans.fit(all(3), of: matrix, keyHashes: hashes(3), .init(clusters: 1))
  #expect(fit.centroids.rows == 1)
  for k in [0, 4] {
    #expect(throws: KMeans.Failure.clusterCount(clusters: k, rows: 3)) {
      try KMeans.fit(all(3), of: matrix, keyHashes: hashes(3), .init(clusters: k))
    }
  }
}

@Test("Clusters that collapse onto each other are refilled, and the fit still ends and repeats")
func emptyClustersAreRefilled() throws {
  // Rows that differ in their last bits only: centroids meet after rounding, and the higher one loses its rows.
  var source = Rows(seed: 16)
  let (n, d) = (400, 6)
  let matrix = EmbeddingMatrix(source.clustered(n, d, centres: 3, spread: 1e-7), dimension: d)
  var settings = KMeans.Settings(clusters: 60)
  let one = try KMeans.fit(all(n), of: matrix, keyHashes: hashes(n), settings)
  settings.threads = 2
  let two = try KMeans.fit(all(n), of: matrix, keyHashes: hashes(n), settings)
  #expect(one.repairs > 0)
  #expect(one.repairs == two.repairs)
  for i in 0..<60 { #expect(one.centroids.row(i) == two.centroids.row(i)) }
}

@Test("Training equals a plain Lloyd iteration that compares every row with every centroid in Float64")
func trainingEqualsPlainLloyd() throws {
  var source = Rows(seed: 17)
  let (n, d, k, rounds) = (900, 12, 9, 12)
  let matrix = EmbeddingMatrix(
    source.clustered(n, d, centres: 14, spread: 0.7).map { Float16($0) }, dimension: d)
  let keys = hashes(n)
  let order = (0..<n).map { row in
    var generator = Philox(seed: 4, keyHash: keys[row], epoch: .max - 1)
    return (generator.next(), row)
  }.sorted { $0 < $1 }.map(\.1)
  func unit(_ sums: [Double]) -> [Float] {
    let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return sums.map { Float($0 / length) }
  }
  var centroids = order.prefix(k).map { unit(matrix.row($0).map(Double.init)) }
  for _ in 0..<rounds {
    let assigned = bruteForce(matrix, EmbeddingMatrix(centroids.flatMap { $0 }, dimension: d))
    for cluster in 0..<k {
      var sums = [Double](repeating: 0, count: d)
      for row in order where assigned[row] == Int32(cluster) {
        for (t, value) in matrix.row(row).enumerated() { sums[t] += Double(value) }
      }
      centroids[cluster] = unit(sums)
    }
  }
  var settings = KMeans.Settings(clusters: k)
  settings.seed = 4
  settings.iterations = rounds
  let fit = try KMeans.fit(all(n), of: matrix, keyHashes: keys, settings)
  #expect(fit.iterations == rounds)
  for cluster in 0..<k { #expect(fit.centroids.row(cluster) == centroids[cluster]) }
}
