import Foundation
import Testing

@Suite("Captions as n-grams") struct CaptionNgramTests {
  private func recipe(_ dimensions: Int = 256) -> String {
    "input: { path: in/ }\nfeatures: { text: { encoder: ngrams, dimensions: \(dimensions) } }\n"
      + "publish: { path: out/ }\n"
  }

  private func embed(_ recipe: String, _ workspace: String, jobs: String = "2") throws {
    for stage in ["ingest", "fit"] {
      let result = try tamis(stage, recipe, "-w", workspace, "-j", jobs, "-q")
      #expect(result.status == 0, "\(stage): \(result.errors)")
    }
  }

  @Test("text.npy is its formula's, and near scikit-learn's tf-idf cosine", arguments: [100, 256, 1024])
  func samples(_ dimensions: Int) throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try embed(try folder.write("recipe.yaml", recipe(dimensions)), folder.path + "/ws")
    try folder.expectOracle("ngrams.py", ["check", "%/in", "%/ws"], "497 2")
    #expect(try tamis("verify", folder.path + "/ws").status == 0)
  }

  @Test("Crafted captions: empty and missing ones, other scripts, emoji, full-width and composed letters")
  func crafted() throws {
    let folder = try TemporaryFolder()
    try folder.write("in/readme.txt", "shards")
    try folder.expectOracle("ngrams.py", ["make", "%/in/00000.tar"])
    try embed(try folder.write("recipe.yaml", recipe()), folder.path + "/ws")
    try folder.expectOracle("ngrams.py", ["check", "%/in", "%/ws"], "16 3")
  }

  @Test("The same bits for other splits, orders and numbers of threads, and after a kill")
  func bits() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let path = try folder.write("recipe.yaml", recipe())
    try embed(path, folder.path + "/a", jobs: "1")
    let expected = try rows(folder, "a")

    let other = try TemporaryFolder()
    _ = try other.addSamples(names: ["3", "1", "0", "2"])
    try embed(try other.write("recipe.yaml", recipe()), other.path + "/a")
    #expect(try rows(other, "a") == expected)
    #expect(
      other.data("a/models/text/document_frequency.npy")
        == folder.data("a/models/text/document_frequency.npy"))

    // What a kill can leave: a column without its manifest's entry, half a column, no model.
    #expect(try tamis("ingest", path, "-w", folder.path + "/b", "-q").status == 0)
    try folder.write("b/columns/00001/.text.npy.tmp", "half")
    for delay in [0.005, 0.02, 0.05, 0.1] {
      _ = try run(
        Repository.tamis, ["fit", path, "-w", folder.path + "/b", "-q"], killAfter: delay)
    }
    try embed(path, folder.path + "/b")
    #expect(folder.files("b/columns") == folder.files("a/columns"))
    #expect(folder.files("b/models") == folder.files("a/models"))
  }

  @Test("It stands beside the image column; a second fit changes nothing; other sizes make new rows")
  func together() throws {
    let folder = try TemporaryFolder()
    let path = try folder.addPruning()
    let text = try #require(folder.data("recipe.yaml").map { String(decoding: $0, as: UTF8.self) })
    try folder.write(
      "recipe.yaml",
      text.replacingOccurrences(of: "features:\n", with: "features:\n  text: { encoder: ngrams }\n"))
    #expect(try tamis("run", path, "-w", folder.path + "/ws", "-q").status == 0)
    #expect(try tamis("verify", folder.path + "/ws").status == 0)
    let before = try folder.identities("ws/columns")
    #expect(before["00000/text.npy"] != nil && before["00000/image.npy"] != nil)
    #expect(try tamis("run", path, "-w", folder.path + "/ws", "-q").status == 0)
    #expect(try folder.identities("ws/columns") == before)
    try folder.write(
      "recipe.yaml",
      text.replacingOccurrences(
        of: "features:\n", with: "features:\n  text: { encoder: ngrams, dimensions: 64 }\n"))
    #expect(try tamis("fit", path, "-w", folder.path + "/ws", "-q").status == 0)
    #expect(try folder.identities("ws/columns")["00000/text.npy"] != before["00000/text.npy"])
    #expect(try folder.identities("ws/columns")["00000/image.npy"] == before["00000/image.npy"])
  }

  /// Rows by key.
  private func rows(_ folder: TemporaryFolder, _ workspace: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for (name, data) in folder.files(workspace + "/columns") where name.hasSuffix("text.npy") {
      let shard = name.replacingOccurrences(of: "text.npy", with: "keys.txt")
      let keys = try #require(folder.data("\(workspace)/columns/\(shard)"))
        .split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
      for (row, key) in keys.enumerated() { found[key] = data.dropFirst(128 + row * 512).prefix(512) }
    }
    return found
  }
}
