import Algebra
import Prune
import Testing

private func concepts(
  _ rows: EmbeddingMatrix, centroids: EmbeddingMatrix? = nil, _ change: (inout PruneSettings.Concepts) -> Void
) throws -> PruneResult {
  var input = PruneInput(image: rows, keys: .numbered(rows.rows))
  input.conceptCentroids = centroids
  var settings = PruneSettings()
  var stage = PruneSettings.Concepts()
  change(&stage)
  settings.concepts = stage
  return try prune(input, settings)
}

private func clustered(_ n: Int, _ d: Int = 10, centres: Int = 8) -> EmbeddingMatrix {
  var source = Rows(seed: 31)
  return EmbeddingMatrix(source.clustered(n, d, centres: centres, spread: 0.5), dimension: d)
}

/// The four unit vectors of a space, as rows or centroids.
private let axes = EmbeddingMatrix(
  (0..<4).flatMap { i in (0..<4).map { Float($0 == i ? 1 : 0) } }, dimension: 4)

@Test("A hot softmax splits the total evenly over the non-empty clusters")
func hotSoftmaxIsUniform() throws {
  let result = try concepts(clustered(400)) {
    $0.clusters = 8
    $0.temperature = 1e12
    $0.limit = .count(80)
  }
  #expect(try #require(result.concepts).target == [Double](repeating: 10, count: 8))
}

@Test("One cluster: complexity 0, share 1, and the hardest rows stay")
func oneCluster() throws {
  let result = try concepts(clustered(50)) {
    $0.clusters = 1
    $0.limit = .keep(0.5)
  }
  let model = try #require(result.concepts)
  #expect(model.complexity == [0] && model.target == [25] && model.quota == [25])
  let kept = result.verdicts.filter(\.kept).map(\.distance)
  #expect(kept.min() == model.threshold[0])
  #expect(result.verdicts.filter { !$0.kept }.allSatisfy { $0.distance < model.threshold[0] })
  #expect(result.notices.contains(.neighboursClamped(from: 20, to: 0)))
}

@Test("The automatic number of clusters is the root of n, at most 100")
func automaticClusters() throws {
  #expect(try concepts(clustered(120)) { _ in }.concepts?.size.count == 10)
  #expect(try concepts(clustered(1)) { $0.limit = .keep(1) }.concepts?.size.count == 1)
}

@Test("k = n: every row is its own cluster, and with N < k the lower clusters are kept")
func singletonClusters() throws {
  let result = try concepts(axes, centroids: axes) { $0.limit = .keep(0.5) }
  let model = try #require(result.concepts)
  #expect(model.size == [1, 1, 1, 1])
  #expect(model.quota == [1, 1, 0, 0])
  #expect(model.threshold == [0, 0, .infinity, .infinity])
  #expect(result.verdicts.map(\.reason) == [.kept, .kept, .quota, .quota])
  #expect(result.notices.contains(.floorLowered(from: 1, to: 0)))
}

@Test("Each concept keeps at least one row, and with a balance its part of an even split")
func floorsHold() throws {
  // A tiny temperature gives everything to the most complex cluster.
  let rows = clustered(400)
  let bare = try concepts(rows) {
    $0.clusters = 8
    $0.temperature = 1e-4
    $0.limit = .count(20)
  }
  #expect(try #require(bare.concepts).quota.min() == 1)
  let balanced = try concepts(rows) {
    $0.clusters = 8
    $0.temperature = 1e-4
    $0.balance = 0.8
    $0.limit = .count(20)
  }
  let model = try #require(balanced.concepts)
  #expect(zip(model.quota, model.size).allSatisfy { $0 >= min(2, $1) })
  #expect(model.quota.reduce(0, +) == 20)
}

@Test("Keeping nothing, everything, or more than there is")
func totals() throws {
  let rows = clustered(60)
  let none = try concepts(rows) { $0.limit = .keep(0) }
  #expect(none.verdicts.allSatisfy { $0.reason == .quota && $0.cluster >= 0 })
  #expect(none.concepts!.threshold.allSatisfy { $0 == .infinity })
  let easy = try concepts(rows) {
    $0.limit = .count(0)
    $0.rule = .easy
  }
  #expect(easy.concepts!.threshold.allSatisfy { $0 == -.infinity })
  #expect(try concepts(rows) { $0.limit = .keep(1) }.verdicts.allSatisfy { $0.kept })
  #expect(throws: PruneError.total(wanted: 61, available: 60)) {
    try concepts(rows) { $0.limit = .count(61) }
  }
  let clamped = try concepts(rows) {
    $0.limit = .count(61)
    $0.clampsTotal = true
  }
  #expect(clamped.verdicts.allSatisfy { $0.kept })
  #expect(clamped.notices.contains(.totalClamped(wanted: 61, available: 60)))
}

@Test("Equal rows fill one cluster; the others stay empty, keep their numbers and get nothing")
func allRowsEqual() throws {
  let n = 90
  let rows = EmbeddingMatrix((0..<n).flatMap { _ in direction(33) }, dimension: 4)
  let result = try concepts(rows) { $0.limit = .keep(0.5) }
  let model = try #require(result.concepts)
  #expect(model.size == [90] + [Int](repeating: 0, count: 8))
  #expect(model.quota == [45] + [Int](repeating: 0, count: 8))
  #expect(model.dIntra.dropFirst().allSatisfy { $0.isNaN })
  #expect(result.verdicts.map(\.kept) == (0..<n).map { $0 < 45 })
  #expect(result.notices.contains(.clustersEmpty(stage: "concepts", count: 8)))
}

@Test("More clusters than rows is an error")
func tooManyClusters() {
  #expect(throws: PruneError.clusters(stage: "concepts", clusters: 61, rows: 60)) {
    try concepts(clustered(60)) { $0.clusters = 61 }
  }
}

@Test("No rows: no verdicts and no models")
func noRows() throws {
  var settings = PruneSettings()
  settings.dedup = .init()
  settings.concepts = .init()
  let empty = PruneInput(image: EmbeddingMatrix([] as [Float], dimension: 4), keys: .numbered(0))
  let result = try prune(empty, settings)
  #expect(result.verdicts.isEmpty && result.concepts == nil && result.dedupCentroids == nil)
}

@Test("Half-precision rows a little longer than 1 in clusters of their own are no error")
func slightlyLongRows() throws {
  let long = EmbeddingMatrix(axes.rows4.map { $0 * 1.0009 }, dimension: 4)
  let result = try concepts(long, centroids: axes) { $0.limit = .keep(1) }
  #expect(try #require(result.concepts).complexity == [0, 0, 0, 0])
}

extension EmbeddingMatrix {
  /// All values.
  fileprivate var rows4: [Float] { (0..<rows).flatMap { row($0) } }
}
