import Foundation
import Testing

/// Another limit of the near-duplicates is applied to the similarities of the last run.
@Suite struct DedupLimitTests {
  /// Whether a run compared rows, by its log.
  private func compared(_ result: CommandResult) -> Bool {
    #expect(result.status == 0, "\(result.errors)")
    let used = result.errors.contains("similarities of the last run")
    #expect(used != result.errors.contains("near-duplicates: comparing"))
    return !used
  }

  @Test(
    "arrays: the bytes of a new run, without comparing; other rows, keys, clusters or rules compare again")
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    let clusters = "--dedup-clusters 3 --log-format json"
    func prune(_ flags: String, to output: String) throws -> Bool {
      compared(try folder.prune("image", flags, to: output))
    }
    #expect(try prune("--dedup-epsilon 0.2 \(clusters)", to: "first"))
    for (index, limit) in [
      "--dedup-epsilon 0.05 --keep 0.5", "--dedup-keep 0.7", "--dedup-epsilon 0.2 --keep 0.3 --rule easy",
    ].enumerated() {
      #expect(try prune("\(limit) \(clusters)", to: "new\(index)"))
      #expect(try !prune("\(limit) \(clusters) --dedup-from %/first", to: "from\(index)"))
      #expect(try !prune("\(limit) \(clusters)", to: "first"))
      #expect(folder.files("new\(index)").count >= 6)
      #expect(folder.files("new\(index)") == folder.files("from\(index)"))
      #expect(folder.files("new\(index)") == folder.files("first"))
    }
    for other in [
      "--dedup-clusters 4", "--dedup-clusters 3 --dedup-rule easy", "--dedup-clusters 3 --seed 1",
    ] {
      #expect(try prune("--dedup-epsilon 0.2 --log-format json \(other)", to: "first"))
      #expect(try prune("--dedup-epsilon 0.2 \(clusters)", to: "first"))
    }
    #expect(try prune("--dedup-epsilon 0.2 \(clusters) --uids %/uids.npy", to: "first"))
    let refused = try run(
      Repository.tamis,
      [
        "prune", "--image-embeddings", folder.path + "/image.npy", "--dedup-epsilon", "0.1", "--dedup-from",
        folder.path + "/first", "-o", folder.path + "/refused",
      ])
    #expect(refused.status == 2 && refused.errors.contains("/first: its similarities are of other rows"))
    // A result that was tampered with is not used.
    #expect(try prune("--dedup-epsilon 0.2 \(clusters)", to: "first"))
    var verdicts = try #require(folder.data("first/verdicts.npy"))
    verdicts[verdicts.count - 10] ^= 1
    try folder.write("first/verdicts.npy", verdicts)
    #expect(try prune("--dedup-epsilon 0.2 \(clusters)", to: "first"))
  }

  @Test("a workspace: another epsilon and a filter before it")
  func workspace() throws {
    let folder = try TemporaryFolder()
    let path = try folder.addPruning()
    func run(_ dedup: String, _ workspace: String = ".tamis", filter: String = "") throws -> Bool {
      var recipe = PruningRecipe()
      recipe.dedup = dedup
      let text = recipe.text.replacingOccurrences(of: "prune:\n", with: "prune:\n" + filter)
      _ = try folder.write("recipe.yaml", text)
      return compared(
        try tamis(
          "run", path, "-w", folder.path + "/" + workspace, "-o", folder.path + "/out-" + workspace,
          "--replace",
          "--log-format", "json"))
    }
    #expect(try run("{ epsilon: 0.03, clusters: 4 }"))
    #expect(try !run("{ epsilon: 0.1, clusters: 4 }"))
    #expect(try run("{ epsilon: 0.1, clusters: 4 }", "fresh"))
    for part in ["verdicts", "models/dedup", "models/concepts"] {
      #expect(folder.files(".tamis/" + part).count >= 2)
      #expect(folder.files(".tamis/" + part) == folder.files("fresh/" + part))
    }
    #expect(folder.files("out-.tamis") == folder.files("out-fresh"))
    #expect(try run("{ epsilon: 0.1, clusters: 4 }", filter: "  filter: width > 40\n"))
    #expect(try !run("{ keep: 0.8, clusters: 4 }", filter: "  filter: width > 40\n"))
    #expect(try run("{ keep: 0.8, clusters: 5 }", filter: "  filter: width > 40\n"))
  }
}
