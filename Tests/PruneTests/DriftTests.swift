import Algebra
import Foundation
import Prune
import TestSupport
import Testing

@Suite struct DriftTests {
  /// A population of rows around directions of uneven weight.
  private struct Population {
    private let middles: [[Float]]
    private let bounds: [Double]
    private let spread: Float
    private var random: SplitMix

    init(seed: UInt64, directions: Int, dimension: Int, spread: Float, skew: Double) {
      random = SplitMix(seed: seed)
      var middles: [[Float]] = []
      for _ in 0..<directions { middles.append(Self.normal(dimension, &random)) }
      self.middles = middles
      var weights: [Double] = []
      for _ in 0..<directions { weights.append(1 + skew * Double(random.next() >> 11) * 0x1p-53) }
      let sum = weights.reduce(0, +)
      var bound = 0.0
      bounds = weights.map {
        bound += $0 / sum
        return bound
      }
      self.spread = spread
    }

    /// About normal values.
    private static func normal(_ d: Int, _ random: inout SplitMix) -> [Float] {
      (0..<d).map { _ in
        let word = random.next()
        return (0..<4).reduce(-2) { $0 + Float((word >> (16 * UInt64($1))) & 0xffff) / 65536 } * 1.732
      }
    }

    /// Goes on with other samples of the same population.
    func stream(_ seed: UInt64) -> Population {
      var other = self
      other.random = SplitMix(seed: seed)
      return other
    }

    /// `n` unit rows.
    mutating func rows(_ n: Int) -> EmbeddingMatrix {
      var values: [Float] = []
      for _ in 0..<n {
        let u = random.chance()
        let middle = middles[bounds.firstIndex { u < $0 } ?? bounds.count - 1]
        values += unit(zip(middle, Self.normal(middle.count, &random)).map { $0 + spread * $1 })
      }
      return EmbeddingMatrix(values, dimension: middles[0].count)
    }

    mutating func chance() -> Double { random.chance() }
  }

  private func plan(_ rows: EmbeddingMatrix, clusters: Int) throws -> ConceptModel {
    var settings = PruneSettings()
    settings.concepts = .init()
    settings.concepts?.clusters = clusters
    settings.concepts?.limit = .keep(0.4)
    settings.threads = 2
    return try #require(try prune(PruneInput(image: rows, keys: .numbered(rows.rows)), settings).concepts)
  }

  /// Clusters and distances of `count` samples of a stream; that of one concept comes twice as often if asked for.
  private func samples(
    _ count: Int, _ population: inout Population, _ model: ConceptModel, doubling: Int32? = nil
  ) -> [(cluster: Int32, distance: Float)] {
    func draw() -> [(cluster: Int32, distance: Float)] {
      let rows = population.rows(2048)
      let found = NearestCentroid.assign(
        (0..<2048).map { Int32($0) }, of: rows, to: model.centroids, threads: 2)
      return zip(found.centroid, found.distances).map { ($0, $1) }
    }
    var all: [(cluster: Int32, distance: Float)] = []
    while all.count < count { all += draw() }
    guard let doubling else { return Array(all.prefix(count)) }
    let share = Double(all.count { $0.cluster == doubling }) / Double(all.count)
    var extra = all.filter { $0.cluster == doubling }
    var mixed: [(cluster: Int32, distance: Float)] = []
    var rest = all.makeIterator()
    while mixed.count < count {
      if population.chance() < share / (1 - share) {
        while extra.isEmpty { extra = draw().filter { $0.cluster == doubling } }
        mixed.append(extra.removeLast())
      } else if let sample = rest.next() {
        mixed.append(sample)
      } else {
        rest = draw().makeIterator()
      }
    }
    return mixed
  }

  struct Plan: Sendable, CustomTestStringConvertible {
    var rows: Int
    var clusters: Int
    var dimension: Int
    var directions: Int
    var spread: Float
    var skew: Double
    /// Which concept by size doubles.
    var rank: Int
    var testDescription: String { "\(rows) rows, k \(clusters), d \(dimension)" }
  }

  @Test(
    "Silent in 20 streams from the plan's distribution; alarmed within 5000 samples when a concept's share doubles",
    arguments: [
      Plan(rows: 20_000, clusters: 10, dimension: 24, directions: 10, spread: 0.5, skew: 2, rank: 5),
      Plan(rows: 30_000, clusters: 100, dimension: 24, directions: 100, spread: 0.6, skew: 6, rank: 0),
      Plan(rows: 2000, clusters: 20, dimension: 48, directions: 20, spread: 0.8, skew: 2, rank: 5),
    ])
  func streams(plan: Plan) throws {
    var population = Population(
      seed: UInt64(plan.clusters), directions: plan.directions, dimension: plan.dimension,
      spread: plan.spread, skew: plan.skew)
    let model = try self.plan(population.rows(plan.rows), clusters: plan.clusters)
    let reference = try #require(model.drift)
    let order = model.size.indices.sorted { model.size[$0] > model.size[$1] }
    let doubled = Int32(order[plan.rank])
    for seed in 1...20 {
      var stream = population.stream(UInt64(seed))
      var silent = DriftMonitor(reference)
      for sample in samples(20_000, &stream, model) {
        silent.add(cluster: sample.cluster, distance: sample.distance)
      }
      #expect(!silent.report.isAlarmed, "\(seed): \(silent.report)")
      // The share changes in the middle of a stream.
      var changed = DriftMonitor(reference)
      for sample in samples(6000, &stream, model) {
        changed.add(cluster: sample.cluster, distance: sample.distance)
      }
      for sample in samples(5000, &stream, model, doubling: doubled) {
        changed.add(cluster: sample.cluster, distance: sample.distance)
      }
      let alarm = changed.report.alarmedAt
      #expect(alarm ?? 0 > 6000, "\(seed): \(changed.report)")
      #expect(changed.report.worst?.concept == Int(doubled))
    }
  }

  private struct Golden: Decodable {
    struct Case: Decodable {
      var reference: [Int]
      var window: [Int]
      var clusters: [Int32]
      var planned: [Int]
      var ks: Double
      var psi: Double
    }
    struct Tail: Decodable {
      var from: Int
      var trials: Int
      var chance: Double
      var tail: Double
    }
    struct Quantile: Decodable {
      var chance: Double
      var z: Double
    }
    var cases: [Case]
    var tails: [Tail]
    var quantiles: [Quantile]
  }

  @Test("KS, PSI, binomial tails and normal quantiles are those of SciPy and NumPy")
  func goldens() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "oracle/drift.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    for expected in golden.cases {
      let reference = expected.reference.map { Float($0) / 1000 }
      var settings = DriftMonitor.Settings()
      settings.window = expected.window.count
      settings.step = expected.window.count
      var monitor = DriftMonitor(
        DriftReference(
          distances: reference, fitted: reference, counts: expected.planned, sizes: expected.planned),
        settings)
      for (cluster, distance) in zip(expected.clusters, expected.window) {
        monitor.add(cluster: cluster, distance: Float(distance) / 1000)
      }
      #expect(abs(monitor.report.ks - expected.ks) < 1e-12)
      #expect(abs(monitor.report.psi - expected.psi) < 1e-12)
    }
    for expected in golden.tails {
      let tail = Binomial.upperTail(from: expected.from, of: expected.trials, expected.chance)
      #expect(abs(tail / expected.tail - 1) < 1e-9)
    }
    for expected in golden.quantiles {
      #expect(abs(Normal.quantile(above: expected.chance) - expected.z) < 1e-9)
    }
  }

  @Test("A fitted row is judged without itself: its distance is that to the centroid of the others")
  func leaveOneOut() throws {
    var population = Population(seed: 4, directions: 3, dimension: 8, spread: 0.4, skew: 0)
    let rows = population.rows(60)
    let model = try plan(rows, clusters: 3)
    let found = NearestCentroid.assign(
      (0..<60).map { Int32($0) }, of: rows, to: model.centroids, threads: 1)
    var expected: [Float] = []
    for row in 0..<60 {
      var best = -1.0
      for cluster in 0..<3 {
        var sum = [Double](repeating: 0, count: 8)
        for other in 0..<60 where other != row && found.centroid[other] == Int32(cluster) {
          for (i, value) in rows.row(other).enumerated() { sum[i] += Double(value) }
        }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        best = max(best, zip(sum, rows.row(row)).reduce(0) { $0 + $1.0 * Double($1.1) } / length)
      }
      expected.append(Float(1 - best))
    }
    let reference = try #require(model.drift)
    #expect(reference.fitted == found.distances.sorted())
    for (a, b) in zip(reference.distances, expected.sorted()) { #expect(abs(a - b) < 1e-5) }
    #expect(zip(reference.distances, reference.fitted).allSatisfy { $0 >= $1 })
    #expect(reference.counts.reduce(0, +) == 60)
  }

  @Test("Rows that were not trained on are taken as they are")
  func given() throws {
    var population = Population(seed: 6, directions: 3, dimension: 8, spread: 0.4, skew: 0)
    let rows = population.rows(300)
    var settings = PruneSettings()
    settings.concepts = .init()
    settings.concepts?.limit = .keep(0.5)
    var input = PruneInput(image: rows, keys: .numbered(300))
    input.conceptCentroids = population.rows(4)
    let reference = try #require(try prune(input, settings).concepts?.drift)
    #expect(reference.distances == reference.fitted && reference.counts == reference.sizes)
  }

  @Test("The monitor is a function of the numbers it was fed")
  func deterministic() {
    let reference = DriftReference(
      distances: (0..<500).map { Float($0) / 500 }, fitted: (0..<500).map { Float($0) / 500 },
      counts: [300, 200, 0], sizes: [300, 200, 0])
    var random = SplitMix(seed: 3)
    var verdicts: [Verdict] = []
    for i in 0..<7000 {
      var verdict = Verdict()
      if i % 10 != 0 {
        verdict.cluster = Int32(random.next() % 5 < 3 ? 0 : 1)
        verdict.distance = Float(random.next() % 500) / 500
      }
      verdicts.append(verdict)
    }
    var whole = DriftMonitor(reference)
    whole.add(verdicts)
    var parts = DriftMonitor(reference)
    for start in stride(from: 0, to: 7000, by: 333) { parts.add(verdicts[start..<min(7000, start + 333)]) }
    #expect(whole.report == parts.report && whole.report.samples == 6300 && whole.report.window == 5000)
    #expect(!whole.report.isAlarmed)
    // A concept that the plan has no row of.
    var verdict = Verdict()
    verdict.cluster = 2
    verdict.distance = 0.5
    whole.add(repeatElement(verdict, count: 250))
    #expect(whole.report.isAlarmed && whole.report.worst?.concept == 2)
    // Clusters beyond the plan count for nothing.
    let before = whole.report
    whole.add(cluster: 9, distance: 0)
    #expect(whole.report == before)
  }
}

extension SplitMix {
  /// A number of 0..<1.
  fileprivate mutating func chance() -> Double { Double(next() >> 11) * 0x1p-53 }
}
