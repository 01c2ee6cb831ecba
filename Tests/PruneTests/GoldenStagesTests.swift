import Algebra
import Foundation
import Prune
import Testing

/// `oracle/stages.json`, written by `oracle/stages.py`. Floats are bit patterns, nil is NaN.
private struct Golden: Decodable {
  struct Case: Decodable {
    let seed: UInt64
    let dedupRule: String
    let epsilon: Double?
    let dedupKeep: Double?
    let scoreKeep: Double
    let neighbours: Int
    let temperature: Double
    let balance: Double
    let keep: Double
    let rule: String
  }
  struct Run: Decodable {
    let `case`: Case
    let similarity: [UInt32]
    let earlier: [Int32]
    let score: [UInt32?]
    let cluster: [Int32]
    let distance: [UInt32?]
    let size: [Int]
    let dIntra: [Double?]
    let dInter: [Double?]
    let complexity: [Double?]
    let target: [Double?]
    let quota: [Int]
    let threshold: [UInt32]
    let reason: [UInt8]
  }
  let dimension: Int
  let image: [UInt16]
  let text: [UInt16]
  let centroids: [UInt32]
  let dedupCentroids: [UInt32]
  let keys: [String]
  let hashes: [UInt64]
  let runs: [Run]

  static func load() throws -> Golden {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "oracle/stages.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Golden.self, from: Data(contentsOf: url))
  }

  var input: PruneInput {
    func halves(_ bits: [UInt16]) -> EmbeddingMatrix {
      EmbeddingMatrix(bits.map { Float16(bitPattern: $0) }, dimension: dimension)
    }
    func floats(_ bits: [UInt32]) -> EmbeddingMatrix {
      EmbeddingMatrix(bits.map { Float(bitPattern: $0) }, dimension: dimension)
    }
    var input = PruneInput(image: halves(image), keys: KeyColumn(strings: keys, hashes: hashes))
    input.text = halves(text)
    input.conceptCentroids = floats(centroids)
    input.dedupCentroids = floats(dedupCentroids)
    return input
  }
}

extension Golden.Case {
  var settings: PruneSettings {
    var settings = PruneSettings()
    settings.seed = seed
    var dedup = PruneSettings.Dedup()
    dedup.rule = .init(rawValue: dedupRule)!
    dedup.limit = epsilon.map { .epsilon($0) } ?? .keep(dedupKeep!)
    settings.dedup = dedup
    settings.score = .keep(scoreKeep)
    var concepts = PruneSettings.Concepts()
    concepts.rule = .init(rawValue: rule)!
    concepts.neighbours = neighbours
    concepts.temperature = temperature
    concepts.balance = balance
    concepts.limit = .keep(keep)
    settings.concepts = concepts
    return settings
  }
}

@Test("Dedup, score and concepts equal the NumPy recomputation bit for bit", arguments: 0..<4)
func stagesEqualNumPy(run index: Int) throws {
  let golden = try Golden.load()
  let expected = golden.runs[index]
  let result = try prune(golden.input, expected.case.settings)
  let found = result.verdicts
  func bits(_ value: Float) -> UInt32? { value.isNaN ? nil : value.bitPattern }
  #expect(found.map(\.reason.rawValue) == expected.reason)
  #expect(found.map(\.kept) == expected.reason.map { $0 == 0 })
  #expect(found.map(\.duplicateSimilarity.bitPattern) == expected.similarity)
  #expect(found.map(\.duplicateRow) == expected.earlier)
  #expect(found.map(\.duplicateShard) == expected.earlier.map { $0 < 0 ? -1 : 0 })
  #expect(found.map { bits($0.score) } == expected.score)
  #expect(found.map(\.cluster) == expected.cluster)
  #expect(found.map { bits($0.distance) } == expected.distance)
  let model = try #require(result.concepts)
  #expect(model.size == expected.size)
  #expect(model.quota == expected.quota)
  #expect(model.threshold.map(\.bitPattern) == expected.threshold)
  for (ours, theirs, tolerance) in [
    (model.dIntra, expected.dIntra, 1e-13), (model.dInter, expected.dInter, 1e-13),
    (model.complexity, expected.complexity, 1e-13), (model.target, expected.target, 2e-6),
  ] {
    for (a, b) in zip(ours, theirs) { #expect(b.map { abs(a - $0) <= tolerance } ?? a.isNaN) }
  }
}
