import Algebra
import Prune
import Testing

/// A set of samples that can be handed over in any order.
private struct Samples {
  static let n = 2400
  static let d = 16
  let image: [Float16]
  let text: [Float16]
  let names: [String]
  let hashes: [UInt64]

  init() {
    var source = Rows(seed: 41)
    var values = source.clustered(Self.n, Self.d, centres: 30, spread: 0.5)
    for i in stride(from: 0, to: Self.n - 1, by: 6) {
      for t in 0..<Self.d { values[(i + 1) * Self.d + t] = values[i * Self.d + t] }
    }
    image = values.map { Float16($0) }
    text = source.clustered(Self.n, Self.d, centres: 30, spread: 0.5).map { Float16($0) }
    names = (0..<Self.n).map { "s\(($0 * 7919) % 10007)" }
    hashes = KeyColumn.numbered(Self.n).hashes
  }

  func input(_ order: [Int]) -> PruneInput {
    func rows(_ values: [Float16]) -> EmbeddingMatrix {
      EmbeddingMatrix(order.flatMap { values[$0 * Self.d..<($0 + 1) * Self.d] }, dimension: Self.d)
    }
    let keys = KeyColumn(strings: order.map { names[$0] }, hashes: order.map { hashes[$0] })
    var input = PruneInput(image: rows(image), keys: keys)
    input.text = rows(text)
    input.origin = RowOrigin(shard: order.map { Int32($0 / 100) }, row: order.map { Int32($0 % 100) })
    return input
  }
}

private func settings(_ rule: PruneSettings.Rule, threads: Int) -> PruneSettings {
  var settings = PruneSettings()
  settings.dedup = .init()
  settings.dedup?.clusters = 4
  settings.dedup?.rule = rule
  settings.score = .keep(0.9)
  settings.concepts = .init()
  settings.concepts?.clusters = 7
  settings.concepts?.rule = rule
  settings.seed = 5
  settings.threads = threads
  return settings
}

@Test(
  "Permuting the rows and using two threads leave every verdict and model the same bits",
  arguments: [PruneSettings.Rule.hard, .easy, .random])
func orderFree(rule: PruneSettings.Rule) throws {
  let samples = Samples()
  let straight = Array(0..<Samples.n)
  let permuted = straight.map { ($0 * 1471 + 77) % Samples.n }
  let one = try prune(samples.input(straight), settings(rule, threads: 1))
  let two = try prune(samples.input(permuted), settings(rule, threads: 2))
  let reasons = Set(one.verdicts.map(\.reason))
  #expect(reasons == [.kept, .duplicate, .score, .quota])
  #expect(permuted.indices.allSatisfy { two.verdicts[$0] == one.verdicts[permuted[$0]] })
  let (a, b) = (try #require(one.concepts), try #require(two.concepts))
  #expect((0..<7).allSatisfy { a.centroids.row($0) == b.centroids.row($0) })
  #expect((0..<4).allSatisfy { one.dedupCentroids?.row($0) == two.dedupCentroids?.row($0) })
  #expect(a.size == b.size && a.quota == b.quota && a.target == b.target && a.threshold == b.threshold)
  #expect(a.dIntra == b.dIntra && a.dInter == b.dInter && a.complexity == b.complexity)
  #expect(one.notices == two.notices)
}

@Test("Given centroids replace the clustering and reproduce its verdicts")
func givenCentroids() throws {
  let samples = Samples()
  var input = samples.input(Array(0..<Samples.n))
  let fitted = try prune(input, settings(.hard, threads: 2))
  input.conceptCentroids = fitted.concepts?.centroids
  input.dedupCentroids = fitted.dedupCentroids
  #expect(try prune(input, settings(.hard, threads: 2)).verdicts == fitted.verdicts)
}

@Test("Keys are ordered as bytes: by value, then by length, then by shard and row")
func keysAreBytes() throws {
  let names = ["b", "a", "a\u{0}", "é", "aaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaa", "a", ""]
  let row = direction(10)
  var input = PruneInput(
    image: EmbeddingMatrix(names.flatMap { _ in row }, dimension: 4),
    keys: KeyColumn(strings: names, hashes: KeyColumn.numbered(names.count).hashes))
  input.origin = RowOrigin(shard: [0, 1, 0, 0, 0, 0, 0, 0], row: [0, 0, 1, 2, 3, 4, 5, 6])
  let order = [7, 6, 1, 2, 5, 4, 0, 3]
  for count in 0...names.count {
    var settings = PruneSettings()
    settings.concepts = .init()
    settings.concepts?.clusters = 1
    settings.concepts?.limit = .count(count)
    let kept = try prune(input, settings).verdicts
    #expect(Set(kept.indices.filter { kept[$0].kept }) == Set(order.prefix(count)))
  }
}
