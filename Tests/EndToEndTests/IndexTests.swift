import Foundation
import Testing

/// `tamis index`, checked by the readers of what it writes (oracle/sidecars.py).
@Suite("Sidecars of shards that others made") struct IndexTests {
  static let standard = ["sizes", "len", "stats", "idx", "wids", "sums", "card"]

  /// The samples' shards in `in`.
  private func shards(names: [String] = ["00000", "00001", "00002", "00003"]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples(names: names)
    return folder
  }

  /// A shard made by tarfile: `sample:field,…` with small contents.
  private func make(_ folder: TemporaryFolder, _ name: String, _ samples: String...) throws {
    let result = try run(
      Repository.python, [Repository.oracle("make_shard.py"), folder.path + "/in/" + name] + samples)
    try #require(result.status == 0, "\(result.errors)")
  }

  private func index(_ folder: TemporaryFolder, _ flags: String...) throws -> CommandResult {
    try run(Repository.tamis, ["index", folder.path + "/in"] + flags)
  }

  /// Expects what the oracle finds right, and returns the number of samples.
  private func check(_ folder: TemporaryFolder, at sidecars: String = "in", _ wanted: [String]) throws -> Int
  {
    let result = try run(
      Repository.python,
      [Repository.oracle("sidecars.py"), folder.path + "/in", folder.path + "/" + sidecars] + wanted)
    #expect(result.status == 0, "\(result.errors)")
    return Int(result.output.dropLast()) ?? -1
  }

  @Test("Every sidecar is what its readers expect; any number of workers, again and again, the same bytes")
  func everything() throws {
    let folder = try shards()
    let before = folder.files("in")
    let first = try index(folder)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("samples in 4 shards"))
    let count = try check(folder, Self.standard)
    #expect(count > 497)
    let files = folder.files("in")
    for (name, bytes) in before { #expect(files[name] == bytes) }
    #expect(!files.keys.contains { $0.hasPrefix(".") })
    for jobs in ["1", "3"] {
      #expect(try index(folder, "-q", "-j", jobs).status == 0)
      #expect(folder.files("in") == files)
    }
    let lines = try index(folder, "--json").output.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[0].hasPrefix("{\"bytes\":") && lines[0].contains("\"shard\":\"00000.tar\""))
    #expect(lines[4].contains("\"ok\":true") && lines[4].contains("\"samples\":\(count)"))
  }

  @Test("Shards that come and go: what no shard has any more is removed, changed files are not overwritten")
  func again() throws {
    let folder = try shards()
    #expect(try index(folder, "-q").status == 0)
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    try make(folder, "00004.tar", "a:jpg,txt", "b:jpg,txt")
    #expect(try index(folder, "-q").status == 0)
    _ = try check(folder, Self.standard)
    #expect(folder.data("in/00003.idx") == nil && folder.data("in/00003_stats.json") == nil)

    try folder.write("in/sizes.json", "{}")
    let refused = try index(folder)
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains("in/sizes.json: not written by tamis, or changed since"), "\(refused.errors)")
    #expect(folder.data("in/sizes.json") == Data("{}".utf8))
    // Left out, it is no longer looked at; what else was there before goes.
    #expect(try index(folder, "-q", "--sidecars", "len,idx").status == 0)
    #expect(folder.data("in/sizes.json") == Data("{}".utf8))
    try FileManager.default.removeItem(atPath: folder.path + "/in/sizes.json")
    _ = try check(folder, ["len", "idx"])
  }

  @Test("Compressed shards have no .idx and no shardindex.json; a list is written alone")
  func compressed() throws {
    let folder = try TemporaryFolder()
    try make(folder, "a.tar", "a0:jpg,json", "a1:jpg,json")
    try make(folder, "b.tar.gz", "b0:jpg,json,txt")
    let result = try index(folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("shardindex.json: left out"))
    #expect(result.errors.contains("2 of 3 samples have no txt"))
    #expect(try check(folder, Self.standard.filter { $0 != "wids" }) == 3)
    #expect(try index(folder, "-q", "--sidecars", "sizes").status == 0)
    #expect(try check(folder, ["sizes"]) == 3)
    #expect(folder.files("in").keys.sorted() == ["MANIFEST.json", "a.tar", "b.tar.gz", "sizes.json"])
  }

  @Test("subset.npy holds the sorted uids; a sample without one is named, and nothing is written")
  func subset() throws {
    let folder = try TemporaryFolder()
    let names = ["x", "y", "z"]
    for (index, name) in names.enumerated() {
      try make(folder, "\(name).tar", "\(name)0:jpg,uid", "\(name)1:jpg,uid", "\(name)\(index + 2):jpg,uid")
    }
    #expect(try index(folder, "-q", "--sidecars", "subset,sizes").status == 0)
    #expect(try check(folder, ["subset", "sizes"]) == 9)
    let before = folder.files("in")
    for (what, words) in [("jpg", "has no json field"), ("jpg,json", "has no uid in its json")] {
      try make(folder, "z.tar", "z0:jpg,uid", "bad:\(what)")
      let result = try index(folder, "--sidecars", "subset,sizes")
      #expect(result.status == 65)
      #expect(result.errors.contains("z.tar:") && result.errors.contains("bad"), "\(result.errors)")
      #expect(result.errors.contains(words), "\(result.errors)")
    }
    let after = folder.files("in")
    for name in ["sizes.json", "subset.npy", "MANIFEST.json"] { #expect(after[name] == before[name]) }
    #expect(after.count == before.count)
  }

  @Test("A broken shard, repeated keys and data behind the end: exit 65 with the place, nothing written")
  func broken() throws {
    let folder = try shards()
    let before = folder.files("in")
    let shard = try #require(before["00002.tar"])
    try folder.write("in/00002.tar", shard.prefix(shard.count / 2))
    try folder.write("in/00003.tar", shard + Data("rest".utf8))
    try make(folder, "00004.tar", "a:jpg", "b:jpg", "a:jpg")
    let result = try index(folder)
    #expect(result.status == 65)
    let lines = result.errors.split(separator: "\n").map(String.init)
    #expect(
      lines.contains { $0.hasPrefix("tamis: 00002.tar:") && $0.contains(": truncated_shard: ") }, "\(lines)")
    #expect(lines.contains { $0.hasPrefix("tamis: 00003.tar:") && $0.contains(": bad_header: data behind") })
    #expect(lines.contains { $0.hasPrefix("tamis: 00004.tar:") && $0.contains("a.jpg: duplicate_key: ") })
    #expect(lines.last?.contains("nothing was written, faults: ") == true)
    #expect(folder.files("in").keys.sorted() == (before.keys + ["00004.tar"]).sorted())
  }

  @Test("A folder of img2dataset: its stats stay and are compared; -o writes elsewhere")
  func img2dataset() throws {
    let folder = try TemporaryFolder()
    try make(folder, "00000.tar", "000000000:jpg,json,txt", "000000001:jpg,json,txt")
    try make(folder, "00001.tar", "000010000:jpg,json,txt")
    try folder.write("in/00000_stats.json", "{\"count\": 3, \"successes\": 2}")
    try folder.write("in/00000.parquet", "PAR1")
    let unfinished = try index(folder)
    #expect(unfinished.status == 65)
    #expect(unfinished.errors.contains("img2dataset has not finished 00001.tar"), "\(unfinished.errors)")
    try folder.write("in/00001_stats.json", "{\"count\": 2, \"successes\": 2}")
    let short = try index(folder, "-o", folder.path + "/index")
    #expect(short.status == 65)
    #expect(short.errors.contains("1 samples are here, 00001_stats.json counts 2"), "\(short.errors)")
    try folder.write("in/00001_stats.json", "{\"count\": 2, \"successes\": 1}")
    let before = folder.files("in")
    let elsewhere = try index(folder, "-o", folder.path + "/index")
    #expect(elsewhere.status == 0 && elsewhere.errors.isEmpty, "\(elsewhere.errors)")
    #expect(folder.files("in") == before)
    #expect(try check(folder, at: "index", Self.standard.filter { $0 != "stats" }) == 3)
    let inside = try index(folder)
    #expect(inside.status == 0)
    #expect(
      inside.errors.contains("img2dataset cannot resume once sizes.json is in it; `-o DIR`"),
      "\(inside.errors)")
    #expect(try check(folder, Self.standard.filter { $0 != "stats" }) == 3)
    #expect(folder.data("in/00001_stats.json") == before["00001_stats.json"])
  }

  @Test("A README.md that is there stays; other files in the way are an error without --replace")
  func inTheWay() throws {
    let folder = try shards(names: ["a", "b", "c", "d"])
    try folder.write("in/README.md", "mine")
    let kept = try index(folder)
    #expect(kept.status == 0)
    #expect(kept.errors.contains("README.md is there and stays as it is"), "\(kept.errors)")
    #expect(folder.data("in/README.md") == Data("mine".utf8))
    #expect(try index(folder, "--sidecars", "card").status == 2)
    #expect(try index(folder, "-q", "--replace").status == 0)
    _ = try check(folder, Self.standard)
    let other = try shards()
    try other.write("in/00001.idx", "v1.1 2\n")
    let refused = try index(other)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("in/00001.idx: not written by tamis"), "\(refused.errors)")
    #expect(other.files("in").count == 5)
  }

  @Test("Names that no index can hold, no samples, no shards, wrong arguments")
  func oddities() throws {
    let folder = try TemporaryFolder()
    try make(folder, "a.tar", "with space:jpg,txt", "b:jpg,txt")
    try make(folder, "b.tar", "b:JPG,txt")
    try make(folder, "empty.tar")
    let result = try index(folder, "--sidecars", "sizes,idx")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("a.tar: no .idx: with space.jpg"), "\(result.errors)")
    #expect(result.errors.contains("empty.tar: holds no sample"))
    #expect(result.errors.contains("b.tar: 1 of its keys are in shards before it"))
    #expect(folder.data("in/a.idx") == nil)
    #expect(String(decoding: folder.data("in/b.idx") ?? Data(), as: UTF8.self).hasPrefix("v1.2 1\nJPG 512 "))
    #expect(
      String(decoding: folder.data("in/sizes.json") ?? Data(), as: UTF8.self).contains("\"empty.tar\" : 0"))
    try make(folder, "a.tar.gz", "c:jpg,txt")
    let twins = try index(folder)
    #expect(twins.status == 2 && twins.errors.contains("a.tar and a.tar.gz would share"), "\(twins.errors)")
    let none = try TemporaryFolder()
    #expect(try tamis("index", none.path).status == 65)
    #expect(try tamis("index", none.path + "/none").status == 2)
    #expect(try tamis("index", none.path, "--sidecars", "size").status == 2)
    #expect(try tamis("index", none.path, "-j", "0").status == 2)
  }
}
