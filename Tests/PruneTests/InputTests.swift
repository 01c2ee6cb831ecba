import Algebra
import Prune
import Testing

private func input(_ rows: [[Float]]) -> PruneInput {
  PruneInput(image: EmbeddingMatrix(rows.flatMap { $0 }, dimension: 4), keys: .numbered(rows.count))
}

private func onlyConcepts() -> PruneSettings {
  var settings = PruneSettings()
  settings.concepts = .init()
  return settings
}

@Test("The first zero or NaN row is an error that names it")
func unusableRows() {
  let good = direction(5)
  #expect(throws: PruneError.zeroRow(.image, row: 2)) {
    try prune(input([good, good, [0, 0, 0, 0], [.nan, 0, 0, 0]]), onlyConcepts())
  }
  #expect(throws: PruneError.notFinite(.image, row: 1)) {
    try prune(input([good, [1, 0, .infinity, 0], [0, 0, 0, 0]]), onlyConcepts())
  }
  var half = input([good, good])
  half.reference = EmbeddingMatrix([1, 0, 0, 0, 0, .nan, 0, 0] as [Float16], dimension: 4)
  #expect(throws: PruneError.notFinite(.reference, row: 1)) { try prune(half, onlyConcepts()) }
}

@Test("One row off unit length: all are normalised with a notice, or an error when strict")
func normalisation() throws {
  let rows: [[Float]] = [direction(5), direction(15), [0, 0, 3, 4]]
  var settings = onlyConcepts()
  settings.concepts?.limit = .keep(1)
  let result = try prune(input(rows), settings)
  #expect(result.notices.contains(.normalised(.image, firstRow: 2)))
  let unitRows = try prune(input(rows.map { unit($0) }), settings)
  #expect(result.verdicts == unitRows.verdicts)
  settings.strictNorms = true
  #expect(throws: PruneError.notUnit(.image, row: 2)) { try prune(input(rows), settings) }
  #expect(
    try prune(input(rows.map { unit($0) }), settings).notices.contains(.normalised(.image, firstRow: 2))
      == false)
}

@Test("All problems of the settings are reported at once, with their key paths")
func settingsProblems() {
  var settings = PruneSettings()
  settings.dedup = .init()
  settings.dedup?.limit = .epsilon(-1)
  settings.dedup?.clusters = 0
  settings.score = .keep(1.5)
  settings.reference = .far(keep: .nan)
  settings.concepts = .init()
  settings.concepts?.temperature = 0
  settings.concepts?.rule = .score
  settings.threads = 0
  #expect(
    settings.problems().map(\.path) == [
      "dedup.epsilon", "dedup.clusters", "score.keep", "reference.keep", "concepts.temperature",
      "concepts.rule",
      "threads",
    ])
  #expect(throws: PruneError.settings(settings.problems())) { try prune(input([direction(1)]), settings) }
}

@Test("Arrays of the wrong shape, or that a stage needs and does not get, are errors")
func shapes() {
  var short = input([direction(1), direction(2)])
  short.scores = [1]
  #expect(throws: PruneError.rows(.scores, expected: 2, found: 1)) { try prune(short, onlyConcepts()) }
  var wide = input([direction(1)])
  wide.conceptCentroids = EmbeddingMatrix([1, 0, 0, 0, 0] as [Float], dimension: 5)
  #expect(throws: PruneError.dimension(.conceptCentroids, expected: 4, found: 5)) {
    try prune(wide, onlyConcepts())
  }
  var settings = PruneSettings()
  settings.score = .keep(1)
  #expect(throws: PruneError.missing(.text, stage: "score")) { try prune(input([direction(1)]), settings) }
  var mixed = input([direction(1)])
  mixed.text = EmbeddingMatrix([1, 0] as [Float], dimension: 2)
  #expect(throws: PruneError.missing(.joint, stage: "score")) { try prune(mixed, settings) }
  settings = PruneSettings()
  settings.reference = .gap
  #expect(throws: PruneError.missing(.reference, stage: "reference")) {
    try prune(input([direction(1)]), settings)
  }
}

@Test("Rows dropped before keep their reason, have no numbers, and are seen by no stage")
func earlierDrops() throws {
  var three = input([direction(0), direction(1), direction(60)])
  three.drops = [.filter, .kept, .domain]
  var settings = onlyConcepts()
  settings.dedup = .init()
  settings.concepts?.limit = .keep(1)
  let result = try prune(three, settings)
  #expect(result.verdicts.map(\.reason) == [.filter, .kept, .domain])
  #expect(result.verdicts[1].duplicateSimilarity == 0)
  #expect(result.verdicts[0].duplicateSimilarity.isNaN && result.verdicts[0].cluster == -1)
  #expect(result.concepts?.size == [1])
}
