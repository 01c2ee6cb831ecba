import Foundation
import Testing

/// Fields of the JSON in `prune.filter`, beside Python's `json`.
@Suite struct JSONFilterTests {
  private static let filter = "(json.pwatermark < 0.5 and json.original_width >= 300) or json.meta.score > 8"

  private func recipe(_ folder: TemporaryFolder, _ more: String = "") throws -> String {
    try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: true)
    for shard in 0..<3 {
      let source = Repository.root + "/samples/shards/0000\(shard).tar"
      try folder.expectOracle("json_fields.py", ["make", source, "%/in/0000\(shard).tar", "\(shard)"])
    }
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16 }, image: { encoder: pixels } }
      prune:
        filter: "\(Self.filter)"
      \(more)
      publish: { path: out/ }
      daemon: { fit: { after_samples: 100 }, quiet_seconds: 0 }

      """)
  }

  private func kept(_ folder: TemporaryFolder) throws -> String {
    try #require(folder.data("out/__len__").map { String(decoding: $0, as: UTF8.self) })
  }

  @Test("run and pipe keep what Python keeps; the values are columns; another filter reads what it needs")
  func runs() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder)
    let result = try tamis("run", path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("filter: json.pwatermark is no number in "), "\(result.errors)")
    try folder.expectOracle("json_fields.py", ["check", "%/.tamis", "%/in"], try kept(folder))
    #expect(try tamis("run", path).output.contains("othing"))
    #expect(try tamis("verify", folder.path + "/.tamis").status == 0)

    let script = "import numpy as np, sys; print(int(np.load(sys.argv[1])['kept'].sum()))"
    let verdicts = folder.path + "/.tamis/verdicts/00001.npy"
    let count = try run(Repository.python, ["-c", script, verdicts]).output.dropLast()
    let pipe = try run(
      "/bin/sh",
      [
        "-c",
        "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' < '\(folder.path)/in/00001.tar' > '\(folder.path)/p.tar'",
      ])
    #expect(pipe.status == 0, "\(pipe.errors)")
    #expect(try tamis("check", folder.path + "/p.tar").output.contains(": \(count) samples, ok"))

    // The same expression on arrays, by the column that ingest wrote.
    let arrays = """
      import numpy as np, sys
      np.save(sys.argv[2], np.eye(len(np.load(sys.argv[1])), dtype='f4'))
      """
    let column = folder.path + "/.tamis/columns/00001/fields.npy"
    #expect(try run(Repository.python, ["-c", arrays, column, folder.path + "/rows.npy"]).status == 0)
    let pruned = try tamis(
      "prune", "--image-embeddings", folder.path + "/rows.npy", "--filter", Self.filter, "--columns", column,
      "-o",
      folder.path + "/pruned")
    #expect(pruned.output.contains("keeps \(count) of"), "\(pruned.output)\(pruned.errors)")

    // Without JSON in the filter there is no such column, and the ingest is another one.
    try folder.write(
      "recipe.yaml", "input: { path: in/ }\nprune: { filter: \"width > 1\" }\npublish: { path: out/ }\n")
    #expect(try tamis("run", path, "-q", "--replace").status == 0)
    #expect(folder.data(".tamis/columns/00001/fields.npy") == nil)
  }

  @Test("a stream filters every shard by its JSON", arguments: ["", "  concepts: { keep: 0.5 }"])
  func serve(more: String) throws {
    let folder = try TemporaryFolder()
    let server = try RunningServer(try recipe(folder, more), in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00002.npy") != nil }
    #expect(server.end(SIGTERM) == 0)
    try folder.expectOracle("json_fields.py", ["check", "%/.tamis", "%/in"], try kept(folder))
  }

  @Test func mistakesAreTold() throws {
    let folder = try TemporaryFolder()
    let many = (0..<65).map { "json.a\($0) > 1" }.joined(separator: " or ")
    for (filter, message) in [
      ("json > 1", "unknown column json; there are"), ("json.", "prune.filter: at 5: unexpected '.'"),
      ("json.a. > 1", "at 7: unexpected '.'"), ("json.a-b == 1", "unknown column b"),
      ("jsons.a > 1", "at 6: unexpected '.'"), ("pwatermark > 1", "a field of the JSON is json.NAME"),
      (many, "reads more than 64 fields"),
    ] {
      let recipe = try folder.write("recipe.yaml", "input: { path: in/ }\nprune: { filter: \"\(filter)\" }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }
  }
}
