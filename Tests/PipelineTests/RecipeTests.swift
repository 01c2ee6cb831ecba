import Pipeline
import Testing

@Suite struct RecipeTests {
  @Test("paths are relative to the recipe; defaults are the contract's")
  func defaults() throws {
    let recipe = try RecipeFile.parse("input: { path: in }", path: "/data/recipe.yaml")
    #expect(recipe.input.path == "/data/in")
    #expect(recipe.input.match == "*.tar{,.gz,.zst}")
    #expect(recipe.input.imageFields == ["jpg", "jpeg", "png", "webp", "gif"])
    #expect(recipe.decode.maxPixels == 89_478_485)
    #expect(!recipe.decode.isFast)
    #expect(recipe.publish.samplesPerShard == 10_000)
    #expect(recipe.limits.memory == 2 << 30)
  }

  @Test("flags override the environment, the environment the file")
  func overrides() throws {
    let recipe = try RecipeFile.parse(
      "input: { path: in }\nlimits: { jobs: 1, memory: 1GiB }", path: "r.yaml",
      overrides: ["limits.jobs": "3"],
      environment: [
        "TAMIS_LIMITS_JOBS": "2", "TAMIS_LIMITS_MEMORY": "512MiB", "TAMIS_LIGHT": "1", "HOME": "/",
      ])
    #expect(recipe.limits.jobs == 3)
    #expect(recipe.limits.memory == 512 << 20)
  }

  @Test("the recipe in force, written out, reads back as the same recipe")
  func roundTrip() throws {
    let recipe = try RecipeFile.parse(
      """
      input: { path: '/in::/b/{0..3}.tar', keys: prefix, image_field: [png], duplicates: merge, salvage: true, ignore_zeros: true }
      decode: { max_cost: 1000000, on_bad_caption: drop, fast: true }
      features: { pca: { size: 64, filter: lanczos } }
      publish: { path: /out, compress: zstd, order: { shuffle: 5 } }
      """, path: "/r.yaml")
    #expect(try RecipeFile.parse(try RecipeFile.text(of: recipe), path: "/x/y.yaml") == recipe)
  }

  @Test(
    "so does a domain stage in each of its forms",
    arguments: [
      "{ head: /h.npz }", "{ head: /h.npz, keep: [a, b], ambiguous: keep }",
      "{ head: /h.npz, mix: { b: 3, a: 1 }, total: 1000, seed: 4 }", "{ head: /h.npz, mix: { a: 1 } }",
    ])
  func domains(text: String) throws {
    let recipe = try RecipeFile.parse("input: { path: /in }\nprune: { domain: \(text) }", path: "/r.yaml")
    #expect(recipe.prune.domain?.head == "/h.npz" && recipe.prune.isActive)
    let again = try RecipeFile.parse(try RecipeFile.text(of: recipe), path: "/x/y.yaml")
    #expect(again.prune == recipe.prune)
  }

  @Test("each set of input.path is relative to the recipe; standard input is no path")
  func sets() throws {
    func path(_ text: String) throws -> String {
      try RecipeFile.parse("input: { path: '\(text)' }", path: "/data/recipe.yaml").input.path
    }
    #expect(try path("a/{0..3}.tar::/b::*.tar") == "/data/a/{0..3}.tar::/b::/data/*.tar")
    #expect(try path("-") == "-")
    let error = #expect(throws: RecipeError.self) {
      try RecipeFile.parse("input: { path: in, duplicates: keep }", path: "r.yaml")
    }
    #expect(
      error?.problems == ["input.duplicates: unknown value 'keep'; expected reject or merge or rename"])
  }

  /// Met beside the fuzz target `recipe`: ten levels of ten aliases each, hashed as a key, would take for ever.
  @Test("aliases of aliases are refused, a few are not")
  func aliases() throws {
    var text = "a0: &a0 [x]\n"
    for level in 1...10 {
      let items = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    let error = #expect(throws: RecipeError.self) {
      try RecipeFile.parse(text + "? *a10\n: 1\n", path: "r.yaml")
    }
    #expect(error?.problems == ["more than 32 YAML aliases (*name)"])
    let stars = "# ** \(String(repeating: "*a ", count: 50))\n"
    let recipe = try RecipeFile.parse(
      stars + "input: {path: &p a}\npublish: {path: *p}\n", path: "r.yaml")
    #expect(recipe.publish.path == "a")
  }

  /// Found by the fuzz target `recipe`: the thumbnail's section asked for a PCA.
  @Test("a recipe that asks for little is written as one that asks for no more")
  func writtenAsItIs() throws {
    let recipe = try RecipeFile.parse("input: {path: a}", path: "r.yaml")
    #expect(recipe.features.pca == nil)
    #expect(try RecipeFile.parse(try RecipeFile.text(of: recipe), path: "r.yaml") == recipe)
  }

  @Test(
    "a basis has its own keys and defaults, and reads back",
    arguments: [
      ("basis: truncated", 512, nil), ("basis: truncated, components: 1_024", 1024, nil),
      ("basis: truncated, size: 8", 192, nil), ("basis: patch, size: 224", nil, 8),
      ("basis: patch, patch: 16", nil, 16), ("basis: dct, components: all, size: 224", nil, nil),
      ("components: 7", 7, nil),
    ] as [(String, Int?, Int?)])
  func bases(keys: String, components: Int?, patch: Int?) throws {
    let recipe = try RecipeFile.parse(
      "input: { path: /in }\nfeatures: { pca: { \(keys) } }\npublish: { path: /out }", path: "/r.yaml")
    #expect(recipe.features.pca?.components == components)
    #expect(recipe.features.pca?.patch == patch)
    #expect(try RecipeFile.parse(try RecipeFile.text(of: recipe), path: "/r.yaml") == recipe)
  }

  @Test(
    "sizes are read as people write them",
    arguments: [("2GiB", 2 << 30), ("512MiB", 512 << 20), ("1.5 kb", 1500), ("77", 77)])
  func sizes(text: String, bytes: Int) { #expect(ByteSize.parse(text) == bytes) }

  @Test("texts that are no size", arguments: ["", "GiB", "two", "-1KB", "1e30TB"])
  func noSizes(text: String) { #expect(ByteSize.parse(text) == nil) }

  @Test(
    "A size that is said to be needed is enough when it is typed again",
    arguments: [
      1, 1023, 1025, 110_592_001, 3_623_878_656, 1 << 30, (1 << 30) - 1, 1_073_741_825, 2_362_232_012,
    ])
  func needed(bytes: Int) {
    let parsed = ByteSize.parse(ByteSize.needed(bytes)) ?? 0
    #expect(parsed >= bytes && Double(parsed) < 1.1 * Double(bytes) + 1)
  }

  @Test("YAML that does not parse is one problem")
  func broken() {
    #expect(throws: RecipeError.self) { try RecipeFile.parse("a: [", path: "r.yaml") }
  }
}
