import Foundation
import Testing

/// The stages one at a time: none works with what is older than its input.
@Suite struct StageTests {
  private func expect(
    _ stage: String, _ recipe: String, _ status: Int32, _ text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try tamis(stage, recipe, "-q")
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    if status != 0 {
      #expect(result.errors.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
      #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: sourceLocation)
    }
  }

  @Test("ingest, fit, prune and publish one by one give what run gives, and refuse to go ahead of each other")
  func oneByOne() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    try expect("fit", recipe, 65, "run `tamis ingest` first")
    try expect("ingest", recipe, 0)
    try expect("prune", recipe, 2, "run `tamis fit` first")
    try expect("publish", recipe, 2, "run `tamis prune` first")
    try expect("fit", recipe, 0)
    try expect("publish", recipe, 2, "run `tamis prune` first")
    #expect(folder.files("out").isEmpty)
    try expect("prune", recipe, 0)
    try expect("publish", recipe, 0)
    let whole = try TemporaryFolder()
    #expect(try tamis("run", try whole.addPruning(), "-q").status == 0)
    for part in ["out", ".tamis/models", ".tamis/verdicts", ".tamis/columns"] {
      #expect(folder.files(part) == whole.files(part), "\(part)")
    }
  }

  @Test("verdicts of another keep, and of other shards of the same size, are not published")
  func staleVerdicts() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    #expect(try tamis("run", recipe, "-q").status == 0)
    let out = folder.files("out")
    var other = PruningRecipe()
    other.concepts = "{ clusters: 12, neighbours: 5, keep: 0.6 }"
    try folder.write("recipe.yaml", other.text)
    try expect("publish", recipe, 2, "run `tamis prune` first")
    try folder.write("recipe.yaml", PruningRecipe().text)
    // 00002 and 00003 hold 125 accepted samples each.
    let shards = try ["00002", "00003"].map { try #require(folder.data("in/\($0).tar")) }
    for (name, data) in zip(["00003", "00002"], shards) { try folder.write("in/\(name).tar", data) }
    try expect("ingest", recipe, 0)
    try expect("publish", recipe, 2, "run `tamis prune` first")
    #expect(folder.files("out") == out)
    // Masks of a basis that is not that of the columns neither.
    var unpruned = PruningRecipe()
    (unpruned.dedup, unpruned.concepts) = (nil, nil)
    try folder.write("recipe.yaml", unpruned.text)
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    for stage in ["ingest", "prune"] { try expect(stage, recipe, 0) }
    try expect("publish", recipe, 2, "run `tamis fit` first")
    #expect(folder.files("out") == out)
  }

  @Test("what was deleted or damaged in the workspace is made again")
  func repaired() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    #expect(try tamis("run", recipe, "-q").status == 0)
    let before = folder.files(".tamis")
    for name in [
      "columns/00001/image.npy", "models/pca", "models/concepts", "models/dedup", "verdicts/00001.npy",
      "verdicts",
    ] {
      try FileManager.default.removeItem(atPath: folder.path + "/.tamis/" + name)
      #expect(try tamis("run", recipe, "-q").status == 0, "\(name)")
      #expect(folder.files(".tamis") == before, "\(name)")
    }
    try folder.write(".tamis/verdicts/00002.npy", "junk")
    #expect(try tamis("run", recipe, "-q").status == 0)
    #expect(folder.files(".tamis") == before)
  }

  @Test("a stage taken out of the recipe takes its model with it; no stage keeps everything")
  func stagesRemoved() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    #expect(try tamis("run", recipe, "-q").status == 0)
    var other = PruningRecipe()
    other.dedup = nil
    try folder.write("recipe.yaml", other.text)
    #expect(try tamis("run", recipe, "-q", "--replace").status == 0)
    #expect(folder.data(".tamis/models/dedup/manifest.json") == nil)
    try folder.expectOracle("prune_workspace.py", ["%/.tamis", #"{"concepts":{"keep":0.4,"neighbours":5}}"#])
    other.concepts = nil
    try folder.write("recipe.yaml", other.text)
    #expect(try tamis("run", recipe, "-q", "--replace").status == 0)
    #expect(folder.data(".tamis/models/concepts/manifest.json") == nil)
    #expect(folder.data("out/__len__") == Data("497".utf8))
    try folder.expectOracle("prune_workspace.py", ["%/.tamis", "{}"], "497 497 0")
  }
}
