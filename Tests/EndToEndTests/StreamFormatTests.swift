import Foundation
import Testing

/// What a daemon publishes in each format; that real readers open what a run publishes is in ``ReadersTests``.
@Suite struct StreamFormatTests {
  private static let prune = "prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }"

  private func serve(_ recipe: String, in folder: TemporaryFolder, until isDone: () -> Bool) throws {
    let server = try RunningServer(recipe, in: folder)
    try waitUntil { isDone() || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0, "\(folder.daemonLog)")
  }

  private func taken(_ folder: TemporaryFolder, _ shards: Int) -> Bool {
    ((try? folder.daemonStatus()["shards"] as? [String: Int])?["done"] ?? 0) == shards
  }

  @Test(
    "a plan fitted on all samples publishes what a run does, in every format",
    arguments: [
      ("samples_per_shard: 70, add: [mask], compress: gzip", "", prune),
      ("format: mds, samples_per_shard: 70, compress: zstd, add: [mask, embedding]", "", prune),
      ("format: mds, shard_bytes: 300kB, image: raw, image_size: 64, resize_mode: border", "", prune),
      ("format: npy, samples_per_shard: 70, add: [ratio, embedding]", "", prune),
      ("format: columns, compress: zstd, add: [mask, thumbnail]", "", prune),
      ("format: columns, add: [thumbnail]", "", ""),
      ("add: [embedding, text]", ", text: { encoder: ngrams }", ""),
    ])
  func likeRun(publish: String, features: String, prune: String) throws {
    let text = """
      input: { path: in/ }
      features: { pca: { size: 16, mask: { seed: 7 } }, image: { encoder: pixels }\(features) }
      \(prune)
      publish: { path: out/, \(publish) }
      daemon: { listen: none, fit: { after_samples: 497 }, quiet_seconds: 0 }

      """
    let whole = try TemporaryFolder()
    _ = try whole.addSamples()
    let result = try tamis("run", try whole.write("recipe.yaml", text), "-q")
    #expect(result.status == 0, "\(result.errors)")
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try serve(try folder.write("recipe.yaml", text), in: folder) { taken(folder, 4) }
    #expect(!whole.shards("out").isEmpty && folder.shards("out") == whole.shards("out"))
    let verified = try tamis("verify", folder.path + "/out")
    #expect(verified.status == 0, "\(verified.output)")
  }

  @Test("embeddings that are published of shards behind the plan are those of its basis, without pruning too")
  func laterEmbeddings() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16 }, text: { encoder: ngrams } }
      publish: { path: out/, add: [embedding, text, thumbnail] }
      daemon: { listen: none, fit: { after_samples: 200 }, quiet_seconds: 0 }

      """)
    try serve(recipe, in: folder) { taken(folder, 4) }
    #expect(folder.data("out/__len__") == Data("497".utf8))
    try folder.expectOracle("stored_fields.py", ["%/out", "%/.tamis/columns"])
  }

  /// Shards of small samples, and a daemon over them that publishes MDS.
  private func mds(_ shards: [String], _ publish: String = "") throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (index, samples) in shards.enumerated() {
      try folder.expectOracle("field_shard.py", ["%/in/0000\(index).tar", samples])
    }
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/, keys: prefix }
      publish: { path: out/, format: mds\(publish) }
      daemon: { listen: none, quiet_seconds: 0 }

      """)
    try serve(recipe, in: folder) { taken(folder, shards.count) }
    #expect(try tamis("verify", folder.path + "/out").status == 0)
    return folder
  }

  @Test("MDS: the first published samples fix the columns; later fields are left out, lacking ones filled")
  func fixedColumns() throws {
    let folder = try mds([
      "[(0, 'png'), (0, 'txt'), (0, 'cls', '7'), (0, 'meta'), (1, 'png'), (1, 'json')]",
      "[(2, 'jpg'), (2, 'key'), (2, 'webp.txt'), (3, 'png'), (3, 'cls', ' 12 ')]",
    ])
    try folder.expectOracle(
      "mds_rows.py",
      [
        "%/out",
        """
        [{'cls': 7, 'json': {}, 'meta': b'0 is meta', 'txt': '0 is txt', 'png': (40, 30)},
         {'cls': -1, 'json': {'a': 1}, 'meta': b'', 'txt': '', 'png': (41, 30)},
         {'cls': -1, 'json': {}, 'meta': b'', 'txt': '', 'png': (42, 30)},
         {'cls': 12, 'json': {}, 'meta': b'', 'txt': '', 'png': (43, 30)}]
        """,
      ])
    let log = folder.daemonLog
    #expect(log.contains("every published sample has the fields cls, json, meta, png, txt"), "\(log)")
    #expect(log.contains("00001: key, webp.txt: left out"), "\(log)")
    #expect(log.contains("00001: cls, meta: filled"), "\(log)")
  }

  @Test("MDS: missing: drop fixes what all of the first samples have")
  func droppedColumns() throws {
    let folder = try mds(
      ["[(0, 'png'), (0, 'meta'), (0, 'txt'), (1, 'png'), (1, 'other')]"], ", missing: drop, image_field: jpg"
    )
    try folder.expectOracle(
      "mds_rows.py", ["%/out", "[{'jpg': (40, 30), 'txt': '0 is txt'}, {'jpg': (41, 30), 'txt': ''}]"])
  }

  @Test(
    "a sample that the format, the subset or publish.fields cannot hold is rejected, and the rest goes on")
  func unsupported() throws {
    let folder = try mds([
      "[(0, 'png'), (0, 'cls', 'cat'), (1, 'png'), (1, 'json', '[1]'), (2, 'png'), (2, 'cls', '3')]"
    ])
    try folder.expectOracle("mds_rows.py", ["%/out", "[{'cls': 3, 'png': (42, 30), 'txt': ''}]"])
    #expect(try folder.daemonStatus()["samples_rejected"] as? [String: Int] == ["unsupported": 2])
    #expect(
      folder.daemonLog.contains("sample0.cls: unsupported: cls is no whole number"), "\(folder.daemonLog)")
    let others = try mds(
      ["[(0, 'png'), (1, 'png'), (1, 'meta'), (2, 'png'), (2, 'meta')]"], ", fields: [png, meta]")
    #expect(
      try others.daemonStatus()["samples_rejected"] as? [String: Int] == ["unsupported": 1],
      "\(others.daemonLog)")
    let subset = try mds(
      [
        "[(0, 'png'), (1, 'png'), (1, 'json', '{\"uid\": \"0123456789abcdef0123456789abcdef\"}')]"
      ], ", sidecars: [subset]")
    #expect(try subset.daemonStatus()["samples_rejected"] as? [String: Int] == ["unsupported": 1])
    #expect(subset.data("out/subset.npy") != nil)
  }

  @Test("a key that leaves no room for the name of an added field is rejected")
  func longKey() throws {
    let folder = try TemporaryFolder()
    let key = String(repeating: "k", count: 88)
    try folder.expectOracle("field_shard.py", ["%/in/0.tar", "[('\(key)', 'png'), ('short', 'png')]"])
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\npublish: { path: out/, add: [thumbnail] }\ndaemon: { listen: none, quiet_seconds: 0 }\n"
    )
    try serve(recipe, in: folder) { taken(folder, 1) }
    #expect(
      try folder.daemonStatus()["samples_rejected"] as? [String: Int] == ["bad_name": 1],
      "\(folder.daemonLog)")
    #expect(folder.data("out/__len__") == Data("1".utf8))
  }

  @Test("published inputs are moved to another file system too")
  func movedFar() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let far = "/dev/shm/tamis-test-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: far) }
    let inputs = folder.files("in")
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      publish: { path: out/ }
      daemon: { listen: none, quiet_seconds: 0, on_success: { move: \(far) } }

      """)
    try serve(recipe, in: folder) { folder.files("in").isEmpty }
    for (name, data) in inputs {
      #expect(FileManager.default.contents(atPath: far + "/" + name) == data)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: far).count == inputs.count)
  }

  @Test("what a stream cannot do is said at its start")
  func refused() throws {
    for (publish, expected) in [
      (
        "format: npy, add: [thumbnail], samples_per_shard: all",
        "publish.samples_per_shard: a stream has no end"
      ),
      ("format: mds, shard_bytes: 1GiB", "limits.memory: publishing needs"),
    ] {
      let folder = try TemporaryFolder()
      _ = try folder.addSamples()
      let recipe = try folder.write(
        "recipe.yaml",
        "input: { path: in/ }\npublish: { path: out/, \(publish) }\nlimits: { memory: 1GiB }\n")
      let result = try tamis("serve", recipe)
      #expect(result.status == 2 && result.errors.contains(expected), "\(result.errors)")
    }
  }

  @Test("columns need their input until they are written; arrays need it no more once the shard was read")
  func lost() throws {
    for (publish, lost) in [
      ("format: columns, add: [mask]", 125), ("format: npy, samples_per_shard: 1000, add: [mask]", 0),
    ] {
      let folder = try TemporaryFolder()
      _ = try folder.addSamples()
      let recipe = try folder.write(
        "recipe.yaml",
        """
        input: { path: in/ }
        features: { pca: { size: 16 } }
        publish: { path: out/, \(publish) }
        daemon: { listen: none, fit: { after_samples: 300 }, quiet_seconds: 3600 }

        """)
      let old = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -86_400)]
      for name in folder.files("in").keys {
        try FileManager.default.setAttributes(old, ofItemAtPath: folder.path + "/in/" + name)
      }
      let killed = try RunningServer(recipe, in: folder, environment: ["TAMIS_FAULT_POINT": "fitted:1"])
      try waitUntil { !killed.process.isRunning }
      try FileManager.default.removeItem(atPath: folder.path + "/in/00001.tar")
      try serve(recipe, in: folder) { taken(folder, 4) }
      let after = try folder.daemonStatus()
      let published = publish.contains("columns") ? 500 - lost : 497
      #expect(after["samples_lost"] as? Int == lost && after["samples_published"] as? Int == published)
      #expect(try tamis("verify", folder.path + "/out").status == 0)
    }
  }
}
