import Foundation
import Testing

/// Rules 1, 2 and 11 for a run that fits, prunes and publishes.
@Suite struct PruneOrderTests {
  private static let byKey = PruningRecipe(publish: ", order: key")

  private func verdicts(_ folder: TemporaryFolder) throws -> String {
    let result = try run(Repository.python, [Repository.oracle("verdict_lines.py"), folder.path + "/.tamis"])
    #expect(result.status == 0, "\(result.errors)")
    return result.output
  }

  @Test(
    "threads, and the names and order of the shards, change nothing",
    arguments: [[:], ["OPENBLAS_CORETYPE": "Haswell"]]
  )
  func orderFree(environment: [String: String]) throws {
    let one = try TemporaryFolder()
    let runs: [(jobs: String, names: [String])] = [
      ("2", ["00000", "00001", "00002", "00003"]), ("2", ["c", "a", "d", "b"]), ("1", ["3", "2", "1", "0"]),
    ]
    let recipe = try one.addPruning(Self.byKey)
    #expect(try tamis("run", recipe, "-j", "1", "-q", environment: environment).status == 0)
    let expected = try verdicts(one)
    #expect(expected.split(separator: "\n").count == 497)
    for (jobs, names) in runs {
      let other = try TemporaryFolder()
      let recipe = try other.addPruning(Self.byKey, names: names)
      #expect(try tamis("run", recipe, "-j", jobs, "-q", environment: environment).status == 0)
      #expect(one.files(".tamis/models") == other.files(".tamis/models"), "\(names)")
      #expect(try verdicts(other) == expected)
      #expect(one.files("out") == other.files("out"))
      if names[0] == "00000" {
        #expect(one.files(".tamis/columns") == other.files(".tamis/columns"))
        #expect(one.files(".tamis/verdicts") == other.files(".tamis/verdicts"))
      }
    }
    #expect(one.files(".tamis/models").count == 22)
  }

  @Test("the same samples cut into other shards give the same arrays, verdicts and published shards")
  func split() throws {
    let one = try TemporaryFolder()
    let other = try TemporaryFolder()
    #expect(try tamis("run", try one.addPruning(Self.byKey), "-q").status == 0)
    try other.expectOracle("split_shards.py", [one.path + "/in", "%/in"])
    let recipe = try other.write("recipe.yaml", Self.byKey.text)
    #expect(try tamis("run", recipe, "-q").status == 0)
    #expect(try verdicts(one) == verdicts(other))
    // Manifests name their input by hashes of files, which differ.
    let data = { (folder: TemporaryFolder, part: String) in
      folder.files(part).filter { !$0.key.hasSuffix("manifest.json") }
    }
    #expect(data(one, ".tamis/models").count == 19)
    #expect(data(one, ".tamis/models") == data(other, ".tamis/models"))
    #expect(one.shards("out") == other.shards("out"))
  }

  /// What a run makes, in this order: each is a moment to be killed at.
  private static let moments = [
    ".tamis/columns/00000", ".tamis/columns/00002", ".tamis/models/.pca.tmp", ".tamis/models/pca",
    ".tamis/columns/00001/image.npy", ".tamis/models/dedup", ".tamis/models/concepts", ".tamis/verdicts",
    ".out.tmp/00000.tar", ".out.tmp/00002.tar",
  ]

  /// Runs a recipe and kills it as soon as `path` is there; false if it ended before.
  private func runKilled(_ recipe: String, when path: String) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Repository.tamis)
    process.arguments = ["run", recipe, "-q"]
    process.standardError = FileHandle.nullDevice
    try process.run()
    while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(100) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
  }

  @Test("a run killed at any of ten moments and resumed ends in the same bytes")
  func killed() throws {
    let whole = try TemporaryFolder()
    #expect(try tamis("run", try whole.addPruning(), "-q").status == 0)
    let parts = [".tamis/models", ".tamis/verdicts", ".tamis/columns", ".tamis/quarantine", "out"]
    let expected = parts.map { whole.files($0) }
    var kills = 0
    for moment in Self.moments {
      let folder = try TemporaryFolder()
      let recipe = try folder.addPruning()
      if try runKilled(recipe, when: folder.path + "/" + moment) { kills += 1 }
      let out = folder.files("out")
      #expect(out.isEmpty || out == expected[4], "OUT is there whole or not at all")
      let resumed = try tamis("run", recipe, "-q")
      #expect(resumed.status == 0, "\(resumed.errors)")
      for (part, bytes) in zip(parts, expected) {
        #expect(folder.files(part) == bytes, "\(part) after \(moment)")
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      #expect(names == [".tamis", "in", "out", "recipe.yaml"])
    }
    #expect(kills >= 8, "the others ended before the signal")
  }

  @Test("a new keep redoes prune and publish only; the result is that of a fresh run")
  func newKeep() throws {
    let folder = try TemporaryFolder()
    #expect(try tamis("run", try folder.addPruning(), "-q").status == 0)
    let parts = [".tamis/columns", ".tamis/models/pca"]
    let before = try parts.map { try folder.identities($0) }
    let verdicts = folder.files(".tamis/verdicts")
    var other = PruningRecipe()
    other.concepts = "{ clusters: 12, neighbours: 5, keep: 0.6 }"
    let recipe = try folder.write("recipe.yaml", other.text)
    let result = try tamis("run", recipe, "--replace")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("(4 shards known from before.)"))
    #expect(result.output.contains("90 % of the variance (known from before)."))
    #expect(try parts.map { try folder.identities($0) } == before)
    #expect(folder.files(".tamis/verdicts") != verdicts)
    let fresh = try TemporaryFolder()
    #expect(try tamis("run", try fresh.addPruning(other), "-q").status == 0)
    for part in parts + [".tamis/models", ".tamis/verdicts", "out"] {
      #expect(folder.files(part) == fresh.files(part), "\(part)")
    }
    // And nothing is left to do.
    #expect(try tamis("run", recipe).output.hasPrefix("Nothing to do"))
    #expect(try tamis("prune", recipe).output.contains("(known from before)"))
  }

  @Test("an added shard is ingested alone, then everything is fitted again as in a fresh run")
  func addedShard() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addPruning()
    let last = try #require(folder.data("in/00003.tar"))
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    #expect(try tamis("run", recipe, "-q").status == 0)
    let shards = ["00000", "00001", "00002"]
    let columns = { (folder: TemporaryFolder) in
      try shards.map { try folder.identities(".tamis/columns/" + $0).filter { $0.key == "thumbnail.npy" } }
    }
    let before = try columns(folder)
    try folder.write("in/00003.tar", last)
    let result = try tamis("run", recipe, "--replace")
    #expect(result.status == 0 && result.output.contains("(3 shards known from before.)"), "\(result.errors)")
    #expect(try columns(folder) == before)
    let fresh = try TemporaryFolder()
    #expect(try tamis("run", try fresh.addPruning(), "-q").status == 0)
    for part in [".tamis/columns", ".tamis/models", ".tamis/verdicts", "out"] {
      #expect(folder.files(part) == fresh.files(part), "\(part)")
    }
    // A shard taken away again leaves nothing behind.
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    #expect(try tamis("run", recipe, "-q", "--replace").status == 0)
    #expect(folder.files(".tamis/verdicts")["00003.npy"] == nil)
  }
}
