import Foundation
import Testing

@Suite struct WhatIfTests {
  @Test("--what-if on arrays prints the outlook and leaves the output as it is")
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    let flags = "--dedup-epsilon 0.05 --keep 0.4 --clusters 12 --temperature 0.07"
    try folder.prune("image", flags, to: "plain")
    let result = try folder.prune("image", flags + " --what-if", to: "shown")
    #expect(folder.files("plain") == folder.files("shown"))
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let present = try #require(lines.first { $0.first == "*" })
    #expect(present[1] == "0.07" && present[2] == "0.4" && present[9] == "0.0")
    #expect(lines.count { $0.last == "%" } == 30, "six temperatures, five fractions: 0.4 is usual")
    #expect(folder.text("plain/plan.json").contains("\"saturated\""))
    let without = try run(
      Repository.tamis,
      [
        "prune", "--image-embeddings", folder.path + "/image.npy", "--dedup-keep", "0.5", "--what-if", "-o",
        "x",
      ])
    #expect(without.status == 2 && without.errors.contains("--what-if needs --keep"))
  }

  @Test("--what-if on a workspace reads its model, and refuses that of another recipe")
  func workspace() throws {
    let folder = try TemporaryFolder()
    var recipe = PruningRecipe(concepts: "{ clusters: 12, keep: 0.4, quotas: uniform }")
    let path = try folder.addPruning(recipe)
    #expect(try tamis("ingest", path, "-q").status == 0)
    let early = try tamis("prune", path, "--what-if")
    #expect(early.status == 2 && early.errors.contains("run `tamis prune`"))
    #expect(try tamis("run", path, "-q").status == 0)
    try folder.expectOracle(
      "prune_workspace.py",
      ["%/.tamis", #"{"dedup":{"epsilon":0.03},"concepts":{"keep":0.4,"quotas":"uniform"}}"#])
    let parts = ["models", "verdicts", "columns"].map { ".tamis/" + $0 }
    let before = try parts.map { try folder.identities($0) }
    let result = try tamis("prune", path, "--what-if")
    #expect(result.status == 0 && result.output.contains("*          -    0.4"), "\(result.errors)")
    #expect(try parts.map { try folder.identities($0) } == before)
    recipe.concepts = "{ clusters: 12, keep: 0.4, official: true }"
    try folder.write("recipe.yaml", recipe.text)
    #expect(try tamis("prune", path, "--what-if").status == 2)
    #expect(try tamis("prune", path, "-q").status == 0)
    try folder.expectOracle(
      "prune_workspace.py",
      ["%/.tamis", #"{"dedup":{"epsilon":0.03},"concepts":{"keep":0.4,"official":true}}"#])
    #expect(try tamis("prune", path, "--what-if").output.contains("*        0.5    0.4"))
  }
}

extension TemporaryFolder {
  fileprivate func text(_ name: String) -> String { String(decoding: data(name) ?? Data(), as: UTF8.self) }
}
