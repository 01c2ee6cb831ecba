import Algebra
import Prune
import Testing

private let d = 10
private let rows: EmbeddingMatrix = {
  var source = Rows(seed: 77)
  return EmbeddingMatrix(source.clustered(600, d, centres: 9, spread: 0.7), dimension: d)
}()

private func run(_ stage: PruneSettings.Concepts, centroids: EmbeddingMatrix?) throws -> PruneResult {
  var input = PruneInput(image: rows, keys: .numbered(rows.rows))
  input.conceptCentroids = centroids
  var settings = PruneSettings()
  settings.concepts = stage
  return try prune(input, settings)
}

@Test(
  "Each line of the outlook is what pruning again with its settings gives",
  arguments: PruneSettings.Concepts.QuotaRule.allCases, [false, true])
func outlook(quotas: PruneSettings.Concepts.QuotaRule, official: Bool) throws {
  var stage = PruneSettings.Concepts()
  stage.clusters = 9
  stage.quotas = quotas
  stage.official = official
  stage.balance = 0.3
  stage.limit = .keep(0.35)
  let present = try run(stage, centroids: nil)
  let model = try #require(present.concepts)
  let lines = WhatIf.lines(model, stage)
  #expect(lines.count == (quotas == .complexity ? 5 : 1) * 6)
  #expect(lines.filter { $0.isPresent }.map(\.changed) == [0])
  for line in lines {
    var other = stage
    other.temperature = line.temperature ?? stage.temperature
    other.limit = .keep(line.keep)
    let again = try run(other, centroids: model.centroids)
    var diagnostics = try #require(again.concepts?.diagnostics)
    diagnostics.coinciding = nil
    #expect(line.diagnostics == diagnostics)
    #expect(line.kept == again.verdicts.count(where: \.kept) && line.rows == 600)
    #expect(line.changed == zip(again.verdicts, present.verdicts).count { $0.kept != $1.kept })
  }
}

@Test("A count is the fraction it makes, and stays the plan")
func outlookOfACount() throws {
  var stage = PruneSettings.Concepts()
  stage.clusters = 9
  stage.limit = .count(101)
  let model = try #require(try run(stage, centroids: nil).concepts)
  let present = try #require(WhatIf.lines(model, stage).first { $0.isPresent })
  #expect(present.kept == 101 && present.changed == 0 && present.temperature == 0.1)
}

@Test("Uniform quotas are even up to one row, quotas by size follow the sizes")
func siblings() throws {
  var stage = PruneSettings.Concepts()
  stage.clusters = 9
  stage.limit = .count(100)
  stage.quotas = .uniform
  let even = try #require(try run(stage, centroids: nil).concepts)
  #expect(even.quota.min()! == 11 && even.quota.max()! == 12)
  #expect(even.diagnostics?.largestShare == 1 / 9.0 && even.diagnostics?.leastShare == 1 / 9.0)
  stage.quotas = .size
  let sized = try #require(try run(stage, centroids: nil).concepts)
  #expect(zip(sized.quota, sized.size).allSatisfy { abs(Double($0) - Double($1) / 6) < 1 })
}

@Test("The official bound lets single rows go and counts empty clusters")
func officialBounds() throws {
  let axes = (0..<4).flatMap { i in (0..<4).map { Float($0 == i ? 1 : 0) } }
  let spare = EmbeddingMatrix(axes + [-1, 0, 0, 0], dimension: 4)
  var input = PruneInput(
    image: EmbeddingMatrix(axes + axes.prefix(4) + axes.prefix(4), dimension: 4), keys: .numbered(6))
  input.conceptCentroids = spare
  var settings = PruneSettings()
  var stage = PruneSettings.Concepts()
  stage.limit = .count(5)
  stage.balance = 1
  settings.concepts = stage
  // m = ⌊5/4⌋ = 1 for each of four; the even targets 1.25 are bound by single rows, and the first takes the rest.
  #expect(try #require(try prune(input, settings).concepts).quota == [2, 1, 1, 1, 0])
  stage.official = true
  settings.concepts = stage
  let model = try #require(try prune(input, settings).concepts)
  // P is even over five clusters, the empty one too: targets 1, but it can take nothing.
  #expect(model.target == [1, 1, 1, 1, 1] && model.quota == [2, 1, 1, 1, 0])
  stage.limit = .count(2)
  settings.concepts = stage
  #expect(try #require(try prune(input, settings).concepts).quota.reduce(0, +) == 2)
}

@Test("Collapsed clusters and a concept that holds most rows are told")
func collapse() throws {
  // Nine centroids within a hair of one direction.
  let near = EmbeddingMatrix(
    (0..<9).flatMap { unit([1, Float($0) * 1e-3, 0, 0]) }, dimension: 4)
  var input = PruneInput(
    image: EmbeddingMatrix((0..<90).flatMap { unit([1, Float($0 % 9) * 1e-3, 0, 0]) }, dimension: 4),
    keys: .numbered(90))
  input.conceptCentroids = near
  var settings = PruneSettings()
  settings.concepts = .init()
  let collapsed = try prune(input, settings)
  #expect(collapsed.notices.contains(.conceptsCoincide(9, of: 9)))
  #expect(collapsed.concepts?.diagnostics?.coinciding == 9)
  input.image = EmbeddingMatrix(
    (0..<90).flatMap { unit([1, Float($0 < 50 ? 0 : $0 % 9) * 1e-3, 0, 0]) }, dimension: 4)
  let dominated = try prune(input, settings)
  let most = try #require(dominated.concepts?.size.first)
  #expect(dominated.notices.contains(.conceptDominates(cluster: 0, rows: most, of: 90)) && most > 50)
  // The mixture of the other tests shows neither.
  #expect(
    try run(PruneSettings.Concepts(), centroids: nil).notices.allSatisfy { "\($0)".contains("neighbours") })
}
