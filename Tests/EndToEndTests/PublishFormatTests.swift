import Foundation
import Testing

/// What `publish` of the recipe decides: form, size and order of shards, and the fields in them. That real readers open
/// the result is in ``ReadersTests``.
@Suite struct PublishFormatTests {
  private func publish(
    _ publish: String, in folder: TemporaryFolder, features: String = "", limits: String = "",
    _ arguments: String...
  ) throws -> CommandResult {
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\n\(features)\npublish: { path: out/, \(publish) }\nlimits: { \(limits) }\n")
    return try run(Repository.tamis, ["run", recipe, "-q"] + arguments)
  }

  private func published(
    _ text: String, features: String = "", limits: String = "memory: 2GiB", _ arguments: String...
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let result = try publish(text, in: folder, features: features, limits: limits)
    #expect(result.status == 0, "\(result.errors)")
    return folder
  }

  /// One tar of samples with these fields, by Python's tarfile.
  private func shard(_ folder: TemporaryFolder, _ samples: [[String]], name: String = "00000") throws {
    let lines = samples.enumerated().map { index, fields in
      fields.map { "(\(index), '\($0)')" }.joined(separator: ", ") + ","
    }
    try folder.expectOracle(
      "field_shard.py", ["%/in/\(name).tar", "[" + lines.joined(separator: " ") + "]"])
  }

  @Test(
    "a shuffle goes through files of consecutive positions: the same bytes with 1 or 17 of them, and any threads"
  )
  func shuffle() throws {
    let order = "samples_per_shard: 100, order: { shuffle: 9 }"
    let one = try published(order)
    // The samples are 5 MiB: at 64 MiB of memory a file of the spool holds 8 MiB; the order does not tell.
    let small = try published(order, limits: "memory: 64MiB, jobs: 4")
    #expect(one.files("out") == small.files("out"))
    let keys = try one.keys("out")
    #expect(keys.count == 497 && keys != keys.sorted())
    #expect(try published("samples_per_shard: 100, order: key").keys("out") == keys.sorted())
    #expect(try published("samples_per_shard: 100, order: { shuffle: 10 }").keys("out") != keys)
  }

  @Test("a published directory read again gives the same samples", arguments: ["none", "gzip:9", "zstd:19"])
  func again(compress: String) throws {
    let folder = try published("compress: '\(compress)', samples_per_shard: 200")
    let match = "match: '*.tar*'"
    let recipe = try folder.write(
      "again.yaml", "input: { path: out/, \(match) }\npublish: { path: again/, samples_per_shard: 200 }")
    let result = try tamis("run", recipe, "-q", "-w", folder.path + "/ws2")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try folder.keys("again") == folder.keys("out"))
    if compress == "none" {
      #expect(
        folder.files("again").filter { $0.key.hasSuffix(".tar") }
          == folder.files("out").filter { $0.key.hasSuffix(".tar") })
    }
  }

  @Test("zstd's threads change no byte; long windows and levels are read back")
  func threads() throws {
    let two = ["1", "3"].map { jobs in "memory: 2GiB, jobs: \(jobs)" }
    for compress in ["zstd:1", "{ zstd: 5, window: 24 }"] {
      let folders = try two.map { try published("compress: \(compress)", limits: $0) }
      // The folder must outlive the command that reads it.
      let verified = try withExtendedLifetime(folders) { try tamis("verify", folders[0].path + "/out") }
      #expect(verified.status == 0, "\(verified.errors)")
      #expect(folders[0].files("out") == folders[1].files("out"))
    }
  }

  @Test("shard_bytes bounds tars; a larger sample has one of its own; names have the digits asked for")
  func shardBytes() throws {
    let folder = try published("shard_bytes: 1MB, digits: 8")
    let sizes = folder.files("out").filter { $0.key.hasSuffix(".tar") }
    #expect(sizes.count > 4 && sizes["00000000.tar"] != nil)
    // The end marker is beside the count.
    #expect(sizes.values.allSatisfy { $0.count <= 1_000_000 + 10_240 })
    let tiny = try published("shard_bytes: 1kB")
    #expect(tiny.files("out").keys.filter { $0.hasSuffix(".tar") }.count == 497)
  }

  @Test("field sets that differ are refused by name, filled, left out, or chosen from")
  func fieldSets() throws {
    let folder = try TemporaryFolder()
    try shard(folder, [["png", "txt", "cls"], ["png", "json"], ["png", "txt", "cls"]])
    let refused = try publish("samples_per_shard: 10", in: folder)
    #expect(refused.status == 65)
    #expect(refused.errors.contains("'cls' is in 2 of 3 samples, not in sample 1 of 00000"))
    #expect(folder.data("out/00000.tar") == nil)
    for (text, fields) in [
      ("missing: drop", "json png txt"), ("missing: empty", "cls json png txt"),
      ("fields: [png, txt]", "png txt"), ("fields: { picture.png: png, json: json }", "json picture.png"),
      ("missing: drop, image_field: jpg", "jpg json txt"),
    ] {
      #expect(try publish(text, in: folder).status == 0)
      #expect(Set(try folder.fieldSets("out").values) == [fields], "\(text)")
    }
    let unknown = try publish("fields: [png, caption]", in: folder)
    #expect(unknown.status == 2 && unknown.errors.contains("no sample has 'caption'"))
  }

  @Test("a second picture in some samples is a field like any; the first of each may have its own name")
  func secondPictures() throws {
    let folder = try TemporaryFolder()
    try shard(folder, [["jpg", "png", "txt"], ["png", "txt"]])
    let refused = try publish("samples_per_shard: 10", in: folder)
    #expect(
      refused.status == 65 && refused.errors.contains("'png' is in 1 of 2 samples"), "\(refused.errors)")
    try shard(folder, [["jpg", "png", "txt"], ["jpg", "png", "txt"]])
    #expect(try publish("format: mds", in: folder).status == 0)
    let index = String(decoding: try #require(folder.data("out/index.json")), as: UTF8.self)
    #expect(index.contains(#""column_encodings": ["jpeg", "str", "png", "str"]"#))
    let left = try publish("fields: [png, txt], image: resize, image_size: 16", in: folder)
    #expect(left.status == 2 && left.errors.contains("publish.image"))
    try shard(folder, [["jpg"], ["png"]])
    let none = try publish("fields: [jpg], missing: drop", in: folder)
    #expect(none.status == 65 && none.errors.contains("leaves no field"), "\(none.errors)")
  }

  @Test("a caption under another name is a caption: empty where there is none, text in MDS")
  func renamedCaption() throws {
    let folder = try TemporaryFolder()
    try shard(folder, [["png", "txt"], ["png"]])
    let fields = "fields: { png: png, caption.txt: txt }"
    #expect(try publish(fields, in: folder).status == 0)
    #expect(Set(try folder.fieldSets("out").values) == ["caption.txt png"])
    #expect(try publish(fields + ", format: mds", in: folder).status == 0)
    let index = String(decoding: try #require(folder.data("out/index.json")), as: UTF8.self)
    #expect(index.contains(#""column_encodings": ["str", "str", "png"]"#))
  }

  @Test("other files in OUT and a changed data card stop the next publish, which would delete them")
  func strangers() throws {
    let folder = try published("samples_per_shard: 300")
    try folder.write("out/notes.txt", "mine")
    let refused = try publish("samples_per_shard: 200", in: folder)
    #expect(refused.status == 2 && refused.errors.contains("notes.txt"), "\(refused.errors)")
    #expect(folder.data("out/notes.txt") == Data("mine".utf8))
    try FileManager.default.removeItem(atPath: folder.path + "/out/notes.txt")
    try folder.write("out/README.md", "mine too")
    #expect(try publish("samples_per_shard: 200", in: folder).errors.contains("README.md (changed since)"))
    #expect(try publish("samples_per_shard: 200", in: folder, "--replace").status == 0)
    #expect(folder.data("out/00002.tar") != nil && folder.data("out/README.md") != Data("mine too".utf8))
  }

  @Test("one process at a time publishes to a place; OUT may be a link")
  func places() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try folder.write("elsewhere/.keep", "")
    try FileManager.default.removeItem(atPath: folder.path + "/elsewhere/.keep")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/out", withDestinationPath: folder.path + "/elsewhere")
    try folder.write(".elsewhere.tmp/x", "left by another")
    let lock = unsafe open(try folder.write(".elsewhere.lock", ""), O_RDWR)
    #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
    let second = try publish("samples_per_shard: 300", in: folder)
    #expect(
      second.status == 75 && second.errors.contains("another tamis publishes there"), "\(second.errors)")
    close(lock)
    #expect(try publish("samples_per_shard: 300", in: folder).status == 0)
    #expect(folder.data("elsewhere/00001.tar") != nil)
    #expect(folder.data(".elsewhere.tmp/x") == nil && folder.data(".elsewhere.lock") == nil)
  }

  @Test("a sample that is dropped does not decide about the fields of those that stay")
  func droppedSample() throws {
    let folder = try TemporaryFolder()
    try shard(folder, [["png", "txt"], ["png", "txt", "big.txt"], ["png", "txt"]])
    let filter = "prune: { filter: 'width != 41' }"
    #expect(try publish("samples_per_shard: 9", in: folder, features: filter).status == 0)
    #expect(Set(try folder.fieldSets("out").values) == ["png txt"])
  }

  @Test("MDS: what it cannot hold is said with the sample and the remedy")
  func mdsErrors() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    // A sample larger than a shard may be gets one of its own.
    #expect(try publish("format: mds, image_field: jpg, shard_bytes: 8kB", in: folder).status == 0)
    #expect(try tamis("verify", folder.path + "/out").output.contains(": 1 samples, ok"))
    let other = try TemporaryFolder()
    try shard(other, [["png", "txt", "cls"], ["png", "txt", "cls"]])
    let label = try publish("format: mds", in: other)
    #expect(label.status == 65 && label.errors.contains("cls: is no whole number"))
    #expect(other.files("out").isEmpty)
    let tooSmall = try publish("format: mds, shard_bytes: 1GiB", in: other)
    #expect(tooSmall.status == 2 && tooSmall.errors.contains("limits.memory: publishing needs"))
  }

  @Test("pictures of different names share a column of MDS, called image")
  func mdsNames() throws {
    let folder = try published("format: mds, compress: zstd")
    let index = String(decoding: try #require(folder.data("out/index.json")), as: UTF8.self)
    #expect(index.contains(#""column_names": ["image", "json", "key", "txt"]"#))
    #expect(index.contains(#""column_encodings": ["bytes", "json", "str", "str"]"#))
    #expect(index.contains(#""compression": "zstd""#))
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }

  @Test("a field of the input makes way for an added one of its name, in tars and in MDS")
  func fieldsThatMakeWay() throws {
    let folder = try TemporaryFolder()
    try shard(folder, [["png", "txt", "thumbnail.npy"], ["png", "txt", "thumbnail.npy"]])
    #expect(try publish("add: [thumbnail]", in: folder).status == 0)
    #expect(Set(try folder.fieldSets("out").values) == ["input.thumbnail.npy png thumbnail.npy txt"])
    #expect(try publish("format: mds, add: [thumbnail]", in: folder).status == 0)
    let index = String(decoding: try #require(folder.data("out/index.json")), as: UTF8.self)
    #expect(index.contains(#""column_names": ["input.thumbnail.npy", "key", "png", "thumbnail", "txt"]"#))
  }

  @Test("stored columns go out as fields: the embedding of a sample is its row of image.npy")
  func storedFields() throws {
    let features = "features: { pca: { size: 16 }, image: { encoder: pixels } }"
    let folder = try published("add: [embedding, thumbnail], order: { shuffle: 1 }", features: features)
    try folder.expectOracle("stored_fields.py", ["%/out", "%/.tamis/columns"])
  }

  @Test(
    "a killed publish goes on behind the shards that were finished, and ends in the same bytes",
    arguments: [
      "", ", format: mds, image_field: jpg, shard_bytes: 200kB", ", order: { shuffle: 4 }, compress: zstd:3",
    ])
  func resume(form: String) throws {
    let text = "samples_per_shard: 25\(form)"
    let whole = try published(text)
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    #expect(try publish("samples_per_shard: 1000", in: folder).status == 0)
    let recipe = try folder.write("recipe.yaml", "input: { path: in/ }\npublish: { path: out/, \(text) }\n")
    for delay in [0.02, 0.05, 0.1] {
      _ = try run(
        Repository.tamis, ["publish", recipe, "-w", folder.path + "/.tamis", "-q"], killAfter: delay)
    }
    let last = try tamis("publish", recipe, "-w", folder.path + "/.tamis", "-q")
    #expect(last.status == 0, "\(last.errors)")
    #expect(folder.files("out") == whole.files("out"))
    #expect(folder.files("").keys.allSatisfy { !$0.contains(".tmp") && !$0.contains(".publish-spool") })
  }
}

extension TemporaryFolder {
  /// Keys of a published directory in publish order, by Python's tarfile.
  fileprivate func keys(_ name: String) throws -> [String] {
    try listing(name).map(\.key)
  }

  /// The fields of each sample, sorted, by its key.
  fileprivate func fieldSets(_ name: String) throws -> [String: String] {
    Dictionary(uniqueKeysWithValues: try listing(name).map { ($0.key, $0.fields) })
  }

  private func listing(_ name: String) throws -> [(key: String, fields: String)] {
    let result = try run(Repository.python, [Repository.oracle("list_samples.py"), path + "/" + name])
    #expect(result.status == 0, "\(result.errors)")
    return result.output.split(separator: "\n").map { line in
      let parts = line.split(separator: "\t")
      return (String(parts[0]), String(parts[1]))
    }
  }
}
