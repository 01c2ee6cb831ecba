import Foundation
import Testing

/// What a publish writes beside its shards, checked by oracle/sidecars.py.
@Suite("Sidecars of a publish") struct PublishSidecarTests {
  private func check(_ folder: TemporaryFolder, _ wanted: [String]) throws -> Int {
    let path = folder.path + "/out"
    let result = try run(Repository.python, [Repository.oracle("sidecars.py"), path, path] + wanted)
    #expect(result.status == 0, "\(result.errors)")
    return Int(result.output.dropLast()) ?? -1
  }

  private func recipe(_ folder: TemporaryFolder, _ publish: String, perShard: Int = 100) throws
    -> String
  {
    try folder.write(
      "recipe.yaml",
      """
      input: { path: \(folder.path)/in }
      prune: { filter: "min(width, height) >= 60" }
      publish: { path: out/, samples_per_shard: \(perShard)\(publish) }
      limits: { jobs: 1 }

      """)
  }

  @Test("All that apply are there and right; the card counts every sample and names no place")
  func standard() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try recipe(folder, ", image_field: jpg")
    let first = try tamis("run", recipe, "-w", folder.path + "/ws", "-q")
    #expect(first.status == 0, "\(first.errors)")
    let kept = try check(folder, IndexTests.standard)
    let files = folder.files("out")
    let card = String(decoding: try #require(files["README.md"]), as: UTF8.self)
    #expect(!card.contains(folder.path) && !card.contains("limits") && card.contains("match: '*.tar"))
    let rejected = 500 - 497
    for row in [
      "| read | 500 | |", "| dropped | \(500 - rejected - kept) | the filter is false (`filter`) |",
      "| **kept** | **\(kept)** | |", "| `jpg` | \(kept) |", "| rejected | 1 | `truncated_image` |",
    ] { #expect(card.contains(row), "\(row)") }
    #expect(try tamis("verify", folder.path + "/out").status == 0)

    // From another place, by more threads.
    let other = try TemporaryFolder()
    _ = try other.addSamples()
    let moved = try self.recipe(other, ", image_field: jpg")
    #expect(try tamis("run", moved, "-w", other.path + "/ws", "-q", "-j", "3").status == 0)
    #expect(other.files("out") == files)
    #expect(try tamis("index", folder.path + "/out").status == 2)
  }

  @Test("verify finds a sidecar that was changed, a missing one, and sums that disagree")
  func damage() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try recipe(folder, "")
    #expect(try tamis("run", recipe, "-w", folder.path + "/ws", "-q").status == 0)
    let before = folder.files("out")
    try folder.write("out/00001.idx", "v1.2 0\n")
    try FileManager.default.removeItem(atPath: folder.path + "/out/README.md")
    let sums = String(decoding: try #require(folder.data("out/SHA256SUMS")), as: UTF8.self)
    try folder.write("out/SHA256SUMS", sums.replacingOccurrences(of: "00000.tar", with: "00000.tgz"))
    let result = try tamis("verify", folder.path + "/out")
    #expect(result.status == 65)
    for start in [
      "00001.idx:-:-: wrong_size", "README.md:-:-: missing",
      "SHA256SUMS:-:-: bad_manifest: another hash of 00000.tar",
    ] { #expect(result.errors.contains("tamis: " + start), "\(start): \(result.errors)") }
    // Each picture has kept its own name.
    let card = String(decoding: try #require(before["README.md"]), as: UTF8.self)
    #expect(card.contains("| `jpg` or `png` or `webp` | ") && !card.contains("| `jpg` |"))
    // Published again, as files are missing.
    #expect(try tamis("publish", recipe, "-w", folder.path + "/ws", "-q").status == 0)
    _ = try check(folder, IndexTests.standard)
    #expect(folder.files("out") == before)
  }

  @Test("A list is written alone; compressed shards have fewer, and a notice says so")
  func lists() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    for (publish, wanted) in [
      (", sidecars: [len, idx]", ["len", "idx"]), (", sidecars: none", []),
      (", compress: gzip", ["sizes", "len", "stats", "sums", "card"]),
      (", compress: gzip, sidecars: [idx, sums]", ["sums"]),
    ] {
      let recipe = try recipe(folder, publish)
      let result = try tamis("run", recipe, "-w", folder.path + "/ws")
      #expect(result.status == 0, "\(result.errors)")
      _ = try check(folder, wanted)
      #expect(
        result.errors.contains("there is no idx of webdataset gzip") == publish.contains("gzip, sidecars"))
    }
  }

  @Test("subset.npy of the kept samples, the same after a kill; a kept sample without a uid is an error")
  func subset() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    for index in 0..<4 {
      let path = folder.path + "/in/0000\(index).tar"
      let result = try run(Repository.python, [Repository.oracle("add_uids.py"), path, path + ".new"])
      try #require(result.status == 0, "\(result.errors)")
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
    }
    let recipe = try recipe(folder, ", order: key, sidecars: [subset, sizes]", perShard: 7)
    let text = String(decoding: try #require(folder.data("recipe.yaml")), as: UTF8.self)
    let result = try tamis("run", recipe, "-w", folder.path + "/ws", "-q")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try check(folder, ["subset", "sizes"]) > 300)
    #expect(try tamis("verify", folder.path + "/out").status == 0)

    // Killed among shards and sidecars, the next publish goes on with the uids of finished shards.
    let whole = folder.files("out")
    for milliseconds in [20, 45, 70, 95, 120, 150] {
      try FileManager.default.removeItem(atPath: folder.path + "/out")
      let publish = ["publish", recipe, "-w", folder.path + "/ws", "-q"]
      for factor in [0.001, 0.0007] {
        _ = try run(Repository.tamis, publish, killAfter: Double(milliseconds) * factor)
      }
      let again = try run(Repository.tamis, publish)
      #expect(again.status == 0, "\(again.errors)")
      #expect(folder.files("out") == whole)
    }

    try FileManager.default.removeItem(atPath: folder.path + "/out")
    try folder.write(
      "recipe.yaml",
      text.replacingOccurrences(of: "sidecars", with: "fields: [jpg, txt], missing: drop, sidecars"))
    let without = try tamis("publish", recipe, "-w", folder.path + "/ws", "-q")
    #expect(without.status == 65)
    #expect(
      without.errors.contains("subset.npy: 0") && without.errors.contains("has no json field"),
      "\(without.errors)")
    #expect(folder.data("out/sizes.json") == nil)
  }
}
