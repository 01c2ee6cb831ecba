import Foundation
import Testing

@Suite("A workspace as a clip-retrieval folder") struct ExportTests {
  /// The samples, fitted and pruned in `ws`, with rows for images and captions.
  private func pruned() throws -> (folder: TemporaryFolder, recipe: String) {
    let folder = try TemporaryFolder()
    _ = try folder.addPruning()
    let recipe = try folder.write(
      "recipe.yaml",
      PruningRecipe().text.replacingOccurrences(
        of: "features:\n", with: "features:\n  text: { encoder: ngrams, dimensions: 64 }\n"))
    for stage in ["ingest", "fit", "prune"] {
      let result = try tamis(stage, recipe, "-w", folder.path + "/ws", "-q")
      #expect(result.status == 0, "\(stage): \(result.errors)")
    }
    return (folder, recipe)
  }

  private func export(_ folder: TemporaryFolder, _ flags: String...) throws -> CommandResult {
    try run(Repository.tamis, ["export", "-w", folder.path + "/ws", "-o", folder.path + "/clip"] + flags)
  }

  /// Expects of `clip` what NumPy and tarfile find, and returns the number of rows.
  private func check(_ folder: TemporaryFolder, _ how: String...) throws -> Int {
    let result = try run(
      Repository.python,
      [
        Repository.oracle("export_folder.py"), folder.path + "/ws", folder.path + "/in",
        folder.path + "/clip",
      ]
        + how)
    #expect(result.status == 0, "\(result.errors)")
    return Int(result.output.dropLast()) ?? -1
  }

  @Test("Rows, keys and captions are those of the columns, verdicts and tars, in parts of any size")
  func rows() throws {
    let (folder, _) = try pruned()
    let first = try export(folder)
    #expect(first.status == 0 && first.errors.isEmpty, "\(first.errors)")
    let kept = try check(folder, "kept", "1000000", "captions")
    #expect(kept > 50 && kept < 400)
    #expect(first.output.hasPrefix("\(kept) rows of "), "\(first.output)")
    let files = folder.files("clip")
    // What an earlier export left is swapped out, with what the helper put there.
    try folder.write("clip/metadata/metadata_0.parquet", "PAR1")
    #expect(try export(folder, "-q").status == 0)
    #expect(folder.files("clip") == files)

    for size in ["1", "9", "\(kept)", "\(kept - 1)"] {
      #expect(try export(folder, "-q", "--rows-per-part", size).status == 0)
      #expect(try check(folder, "kept", size, "captions") == kept)
    }
    #expect(try export(folder, "-q", "--all", "--no-captions", "--rows-per-part", "50").status == 0)
    #expect(try check(folder, "all", "50", "keys") == 497)
  }

  @Test("What is exported is imported again: the same columns by key, the same pruning as from one array")
  func backIn() throws {
    let (folder, _) = try pruned()
    #expect(try export(folder, "-q", "--all", "--rows-per-part", "45").status == 0)
    #expect(try check(folder, "all", "45", "captions") == 497)
    let clip = folder.path + "/clip"
    for (source, output) in [(clip, "folder"), (clip + "-image.npy", "array")] {
      let result = try tamis(
        "prune", "-q", "--image-embeddings", source, "--keys", clip + "-keys.txt", "--dedup-epsilon", "0.05",
        "--dedup-clusters", "3", "--keep", "0.4", "--clusters", "12", "-o", folder.path + "/" + output)
      #expect(result.status == 0, "\(source): \(result.errors)")
    }
    #expect(folder.decisions("folder") == folder.decisions("array"))
    #expect(folder.decisions("folder").count > 8)

    let recipe = try folder.write(
      "again.yaml",
      """
      input: { path: in/ }
      features:
        image: { file: clip, keys: clip-keys.txt }
        text: { file: clip, keys: clip-keys.txt }
      publish: { path: out/ }

      """)
    for stage in ["ingest", "fit"] {
      let result = try tamis(stage, recipe, "-w", folder.path + "/again", "-q")
      #expect(result.status == 0, "\(stage): \(result.errors)")
    }
    for shard in 0..<4 {
      for column in ["image", "text"] {
        let name = "columns/0000\(shard)/\(column).npy"
        let rows = try #require(folder.data("ws/" + name))
        #expect(folder.data("again/" + name) == rows, "\(name)")
      }
    }
  }

  @Test("Captions are left out with a notice when the shards are gone; a changed shard is an error")
  func inputs() throws {
    let (folder, _) = try pruned()
    #expect(try export(folder, "-q").status == 0)
    let before = folder.files("clip")
    let shard = folder.path + "/in/00002.tar"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: shard))
    try folder.write("in/00002.tar", bytes.prefix(bytes.count / 2))
    let changed = try export(folder)
    #expect(changed.status == 75)
    #expect(changed.errors.contains("in/00002.tar: changed since it was ingested"), "\(changed.errors)")
    #expect(folder.files("clip") == before)
    try FileManager.default.removeItem(atPath: shard)
    let gone = try export(folder)
    #expect(gone.status == 0)
    #expect(gone.errors.contains("captions are left out: the shard 00002 is not in "), "\(gone.errors)")
    try folder.write("in/00002.tar", bytes)
    #expect(try check(folder, "kept", "1000000", "keys") > 50)
  }

  @Test("A folder of someone else, columns without rows and stale verdicts are refused")
  func refusals() throws {
    let (folder, recipe) = try pruned()
    // As clip-retrieval itself leaves it.
    try folder.write("clip/img_emb/img_emb_0.npy", "rows")
    try folder.write("clip/metadata/metadata_0.parquet", "PAR1")
    let foreign = "\(folder.path)/clip: holds files that tamis did not write; choose another place\n"
    #expect(try export(folder).errors == "tamis: " + foreign)
    #expect(String(decoding: folder.data("clip/img_emb/img_emb_0.npy") ?? Data(), as: UTF8.self) == "rows")
    try FileManager.default.removeItem(atPath: folder.path + "/clip")
    #expect(try export(folder, "-q").status == 0)
    try folder.write("clip/metadata/notes.txt", "mine")
    let result = try export(folder)
    #expect(result.status == 2 && result.errors == "tamis: " + foreign)
    try FileManager.default.removeItem(atPath: folder.path + "/clip/metadata/notes.txt")
    #expect(try export(folder, "--rows-per-part", "0").status == 2)

    try folder.write(
      "recipe.yaml", PruningRecipe(concepts: "{ clusters: 12, neighbours: 5, keep: 0.3 }").text)
    let stale = try tamis("export", recipe, "-w", folder.path + "/ws", "-o", folder.path + "/clip")
    #expect(stale.status == 2 && stale.errors.contains("run `tamis prune` first"), "\(stale.errors)")
    _ = try folder.addSamples()
    #expect(try tamis("ingest", recipe, "-w", folder.path + "/plain", "-q").status == 0)
    let plain = try tamis("export", recipe, "-w", folder.path + "/plain", "-o", folder.path + "/none")
    #expect(plain.status == 2 && plain.errors.contains("run `tamis fit` first"), "\(plain.errors)")
    #expect(folder.data("none/export.json") == nil)
  }
}
