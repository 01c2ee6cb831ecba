import Foundation
import Testing

@Suite struct PruneWorkspaceTests {
  /// A recipe's stages and the same for the oracle.
  struct Case: CustomTestStringConvertible {
    var recipe: PruningRecipe
    var settings: String
    var testDescription: String { settings }
  }

  static let cases = [
    Case(
      recipe: PruningRecipe(), settings: #"{"dedup":{"epsilon":0.03},"concepts":{"keep":0.4,"neighbours":5}}"#
    ),
    Case(
      recipe: PruningRecipe(
        dedup: "{ keep: 0.8, rule: random }",
        concepts: "{ clusters: auto, keep: 0.7, rule: random, balance: 0.5, temperature: 0.03 }"),
      settings: #"{"dedup":{"keep":0.8,"rule":"random"},"concepts":"#
        + #"{"keep":0.7,"rule":"random","balance":0.5,"temperature":0.03}}"#),
    Case(
      recipe: PruningRecipe(dedup: "{ epsilon: 0.2, rule: easy }", concepts: nil),
      settings: #"{"dedup":{"epsilon":0.2,"rule":"easy"}}"#),
    Case(
      recipe: PruningRecipe(dedup: nil, concepts: "{ clusters: 40, keep: 0.05, rule: easy }"),
      settings: #"{"concepts":{"keep":0.05,"rule":"easy"}}"#),
  ]

  @Test("verdicts and concepts equal a NumPy recomputation from the columns", arguments: cases)
  func recomputed(_ test: Case) throws {
    let folder = try TemporaryFolder()
    let result = try tamis("run", try folder.addPruning(test.recipe), "-q")
    #expect(result.status == 0, "\(result.errors)")
    try folder.expectOracle("prune_workspace.py", ["%/.tamis", test.settings])
    let kept = try #require(folder.data("out/__len__").map { String(decoding: $0, as: UTF8.self) })
    try folder.expectOracle(
      "masks_numpy.py", ["published", "%/out", "%/.tamis", "%/in", "7", "closest", "0.1", "0.9"], kept)
  }

  @Test("near and far reference rows by the recipe", arguments: ["near", "far"])
  func reference(rule: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.addPruning()
    var recipe = PruningRecipe()
    recipe.reference = "{ file: reference.npy, rule: \(rule), keep: 0.6 }"
    let path = try folder.write("recipe.yaml", recipe.text)
    // The rows of one shard as the reference set: only the first stages of run make them.
    for stage in ["ingest", "fit"] { #expect(try tamis(stage, path, "-q").status == 0) }
    try folder.write("reference.npy", try #require(folder.data(".tamis/columns/00002/image.npy")))
    for stage in ["prune", "publish"] { #expect(try tamis(stage, path, "-q").status == 0) }
    try folder.expectOracle(
      "prune_workspace.py",
      [
        "%/.tamis",
        #"{"dedup":{"epsilon":0.03},"concepts":{"keep":0.4,"neighbours":5},"#
          + #""reference":{"file":"\#(folder.path)/reference.npy","rule":"\#(rule)","keep":0.6}}"#,
      ])
  }

  @Test("the summary's numbers add up: read = kept + dropped + rejected")
  func summary() throws {
    let folder = try TemporaryFolder()
    let result = try tamis("run", try folder.addPruning())
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    func number(_ text: String, word: Int) throws -> Int {
      let line = try #require(lines.first { $0.contains(text) }, "\(result.output)")
      return try #require(Int(line.split(separator: " ")[word]))
    }
    let kept = try number("Pruning keeps", word: 2)
    #expect(try number("near-duplicates", word: 1) + number("concept's quota", word: 4) + kept == 497)
    #expect(try number("Published", word: 1) == kept)
    #expect(result.output.contains("Read 500 samples from 4 shards: 497 accepted."))
  }
}
