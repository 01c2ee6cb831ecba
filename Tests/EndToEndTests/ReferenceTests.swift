import Foundation
import Testing

/// Similarity to one or several sets of references, in arrays, runs and streams.
@Suite struct ReferenceTests {
  @Test(
    "two sets decide as one file of both does; matches and report say which set and row",
    arguments: ["near --reference-keep 0.7", "far --reference-keep 0.25", "gap"])
  func arrays(rule: String) throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    try folder.expectOracle("reference_sets.py", ["split", "%"])
    let name = String(rule.prefix { $0 != " " })
    let gaps = name == "gap"
    try folder.prune(
      "image", "--reference %/reference.npy --reference-rule \(rule)" + (gaps ? " --gap %/gap.npy" : ""),
      to: "one")
    try folder.prune(
      "image",
      "--reference %/a.npy --reference %/b.npy --reference-rule \(rule)"
        + (gaps ? " --gap %/gap-a.npy --gap %/gap-b.npy" : ""), to: "two")
    #expect(folder.data("one/verdicts.npy") == folder.data("two/verdicts.npy"))
    try folder.expectOracle("reference_sets.py", ["arrays", "%", "%/two", name])
  }

  @Test("a recipe with two sets; explain names the nearest; a stream goes by the same cut")
  func recipes() throws {
    let folder = try TemporaryFolder()
    let workspace = folder.path + "/.tamis"
    var recipe = PruningRecipe(dedup: nil, concepts: nil)
    let path = try folder.addPruning(recipe)
    #expect(try tamis("run", path, "-q").status == 0)
    // The rows of the pixels encoder stay what they are when pruning is added.
    recipe.dedup = "{ epsilon: 0 }"
    _ = try folder.write("recipe.yaml", recipe.text)
    #expect(try tamis("run", path, "-q", "--replace").status == 0)
    try folder.expectOracle("reference_sets.py", ["sample", workspace, "%"])
    recipe.dedup = nil
    for rule in ["near", "far", "gap"] {
      recipe.reference =
        "{ file: [a.npy, b.npy], rule: \(rule), "
        + (rule == "gap" ? "gap: [gap-a.npy, gap-b.npy] }" : "keep: 0.8 }")
      _ = try folder.write("recipe.yaml", recipe.text)
      let result = try tamis("run", path, "-q", "--replace")
      #expect(result.status == 0, "\(result.errors)")
      try folder.expectOracle("reference_sets.py", ["workspace", workspace, "%", rule])
      #expect(try tamis("verify", workspace).status == 0)
      // The recipe in force can be read again.
      let again = try tamis("prune", "-w", workspace, "-q")
      #expect(again.status == 0, "\(again.errors)")
    }
    let dropped = try run(
      Repository.python,
      [
        "-c",
        """
        import numpy as np, sys
        w = sys.argv[1]
        v = np.load(w + '/verdicts/00002.npy'); k = open(w + '/columns/00002/keys.txt').read().split()
        print(k[int((v['reason'] == 4).argmax())])
        """, workspace,
      ])
    let key = dropped.output.trimmingCharacters(in: .newlines)
    let lines = try tamis("explain", key, "-w", workspace).output.split(separator: "\n")
    #expect(lines[0].contains("dropped by its similarity to the reference set"))
    #expect(
      lines.count == 2 && lines[1].contains("references: similarity 0.")
        && lines[1].contains(".npy, above its gap"))

    // Two shards fit the plan (rows have 128 values from 128 samples on), the others pass through it.
    for rule in ["near", "gap"] {
      let streamed = try TemporaryFolder()
      _ = try streamed.addSamples(names: ["00000", "00001", "00002", "00003"])
      for (name, source) in [("a", "a"), ("b", "b"), ("gap-a", "low-a"), ("gap-b", "low-b")] {
        try streamed.write(name + ".npy", #require(folder.data(source + ".npy")))
      }
      recipe.reference =
        "{ file: [a.npy, b.npy], rule: \(rule), "
        + (rule == "gap" ? "gap: [gap-a.npy, gap-b.npy] }" : "keep: 0.8 }")
      let text = recipe.text + "daemon: { fit: { after_samples: 200 }, quiet_seconds: 0 }\n"
      let server = try RunningServer(try streamed.write("recipe.yaml", text), in: streamed)
      try waitUntil { streamed.data(".tamis/verdicts/00003.npy") != nil }
      #expect(server.end(SIGTERM) == 0)
      try streamed.expectOracle("reference_sets.py", ["workspace", "%/.tamis", "%", rule, "fitted"])
    }
  }

  @Test("sets that do not fit are refused")
  func refusals() throws {
    let folder = try TemporaryFolder()
    for (reference, text) in [
      ("{ rule: near }", "prune.reference.file: missing: which reference embeddings?"),
      ("{ file: [a.npy, b.npy], rule: gap, gap: g.npy }", "prune.reference.gap: rule gap needs one file"),
      ("{ file: a.npy, rule: gap, gap: g.npy, keep: 0.5 }", "prune.reference.keep: rule gap keeps"),
      ("{ file: a.npy, gap: g.npy }", "prune.reference.gap: rule gap needs one file"),
    ] {
      let recipe = try folder.write(
        "recipe.yaml", "input: { path: in/ }\nprune: { reference: \(reference) }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && result.errors.contains(text), "\(result.errors)")
    }
    try folder.expectOracle("make_arrays.py", ["prune", folder.path])
    let arguments =
      "prune --image-embeddings %/image.npy --reference %/reference.npy --reference %/text.npy "
      + "--reference-rule near --reference-keep 0.5 -o %/out"
    let words = arguments.split(separator: " ").map { $0.replacingOccurrences(of: "%", with: folder.path) }
    let result = try run(Repository.tamis, words)
    #expect(result.status == 65 && result.errors.contains("text.npy: rows of"), "\(result.errors)")
  }
}
