import Foundation
import Testing

@Suite struct BadInputTests {
  /// One clear line, the right exit code, nothing left half-written.
  private func expectFailure(
    _ folder: TemporaryFolder, _ recipe: String, status: Int32, _ text: String, lines: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try tamis("run", recipe)
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: sourceLocation)
    #expect(
      result.errors.split(separator: "\n").count == lines, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(folder.files("out").isEmpty, sourceLocation: sourceLocation)
    #expect(folder.files(".tamis/columns").isEmpty, sourceLocation: sourceLocation)
  }

  @Test("a directory without shards")
  func noShards() throws {
    let folder = try TemporaryFolder()
    try folder.write("in/readme.txt", "no shard")
    let recipe = try folder.write("recipe.yaml", "input: { path: in }\npublish: { path: out }")
    try expectFailure(folder, recipe, status: 65, "no shards match *.tar{,.gz,.zst}")
  }

  @Test("a missing input directory")
  func noDirectory() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.write("recipe.yaml", "input: { path: nowhere }\npublish: { path: out }")
    try expectFailure(folder, recipe, status: 2, "nowhere: no such file or directory")
  }

  @Test("a Parquet file is named as such; a run without a usable shard exits 65")
  func parquet() throws {
    let folder = try TemporaryFolder()
    try folder.write("in/00000.tar", "PAR1" + String(repeating: "x", count: 1000) + "PAR1")
    let recipe = try folder.write("recipe.yaml", "input: { path: in }\npublish: { path: out }")
    try expectFailure(
      folder, recipe, status: 65, "00000:0:-: bad_header: this is a Parquet file, not a tar", lines: 2)
  }

  @Test("a truncated shard is quarantined whole and the others go on")
  func truncatedShard() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let data = try #require(folder.data("in/00002.tar"))
    try folder.write("in/00002.tar", data.prefix(data.count / 2))
    let result = try tamis("run", recipe)
    #expect(result.status == 0)
    #expect(result.errors.contains("00002:\(data.count / 2)"))
    #expect(result.output.contains("Shards rejected as a whole: 1."))
    #expect(folder.data(".tamis/quarantine/00002.tar") == data.prefix(data.count / 2))
    #expect(folder.data(".tamis/quarantine/00002.tar.reason.json") != nil)
    #expect(folder.files(".tamis/columns/00002").isEmpty)
    // A second run does not read it again.
    #expect(try tamis("run", recipe).output.hasPrefix("Nothing to do"))
  }

  @Test("an output that cannot be written")
  func unwritableOutput() throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "in the way")
    _ = try folder.addSamples()
    let recipe = try folder.write("recipe.yaml", "input: { path: in }\npublish: { path: file/out }")
    let result = try tamis("run", recipe, "-q")
    #expect(result.status == 74, "\(result.errors)")
    #expect(result.errors.split(separator: "\n").last?.contains("file") == true)
    #expect(folder.data("file") == Data("in the way".utf8))
  }

  @Test("an output or a workspace inside the input is refused")
  func placesInsideInput() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write("recipe.yaml", "input: { path: in }\npublish: { path: in/out }")
    try expectFailure(folder, recipe, status: 2, "publish.path lies inside input.path")
    let other = try folder.write("recipe.yaml", "input: { path: in }\npublish: { path: out }")
    #expect(try tamis("run", other, "-w", folder.path + "/in/ws").status == 2)
  }

  @Test("an output directory with other files is never touched, not even with --replace")
  func foreignOutput() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    try folder.write("out/thesis.txt", "precious")
    let result = try tamis("run", recipe, "-q", "--replace")
    #expect(result.status == 2 && result.errors.contains("files that tamis did not write"))
    #expect(folder.files("out") == ["thesis.txt": Data("precious".utf8)])
  }

  @Test("every problem of a recipe at once, each with its key path")
  func recipeProblems() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in, mach: "*.tar" }
      decode: { max_pixels: many, on_warning: ignore }
      publish: { path: out, samples_per_shard: 0 }
      limit: { jobs: 2 }
      """)
    let result = try tamis("run", recipe)
    #expect(result.status == 2)
    for problem in [
      "input.mach: unknown key; did you mean 'match'?", "decode.max_pixels: expected a whole number",
      "decode.on_warning: unknown value 'ignore'; expected reject or keep",
      "publish.samples_per_shard: 0 is out of range",
      "limit: unknown key; did you mean 'limits'?",
    ] { #expect(result.errors.contains(problem), "\(problem) in \(result.errors)") }
    #expect(result.errors.split(separator: "\n").count == 5)
  }

  @Test("a key in two shards names both; keys: prefix makes it work")
  func keyInTwoShards() throws {
    let folder = try TemporaryFolder()
    let shard = try Data(contentsOf: URL(fileURLWithPath: Repository.root + "/samples/shards/00000.tar"))
    try folder.write("in/a.tar", shard)
    try folder.write("in/b.tar", shard)
    let text = "publish: { path: out }\ninput: { path: in"
    let result = try tamis("run", try folder.write("recipe.yaml", text + " }"), "-q")
    #expect(result.status == 65)
    #expect(result.errors.contains("is in shard a and in shard b"))
    let prefixed = try folder.write("prefix.yaml", text + ", keys: prefix }")
    #expect(try tamis("run", prefixed, "-q").status == 0)
    #expect(folder.data("out/__len__") == Data("248".utf8))
  }

  @Test(
    "wrong arguments exit 2, help exits 0",
    arguments: ["": 0, "run": 2, "nonsense": 2, "--help": 0, "run --jobs x": 2, "check": 2])
  func usage(arguments: String, status: Int32) throws {
    #expect(try run(Repository.tamis, arguments.split(separator: " ").map(String.init)).status == status)
  }
}
