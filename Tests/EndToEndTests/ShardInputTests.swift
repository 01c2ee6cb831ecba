import Foundation
import Testing

/// Ways to name shards, and shards that are broken or not ready.
@Suite struct ShardInputTests {
  private func tool(_ command: String) throws -> CommandResult { try run("/bin/sh", ["-c", command]) }

  private func manifest(_ folder: TemporaryFolder, _ shard: String) throws -> [String: Any] {
    let data = try #require(folder.data(".tamis/columns/\(shard)/manifest.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test("--salvage keeps the whole samples before a cut; the stages after read the shard in the same way")
  func salvage() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let data = try #require(folder.data("in/00002.tar"))
    try folder.write("in/00002.tar", data.prefix(700_000))
    let result = try tamis("run", recipe, "--salvage")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("00002:700000:"))
    #expect(result.output.contains("whole samples before the fault kept: 1."), "\(result.output)")
    #expect(result.output.contains("truncated_shard    1"), "\(result.output)")
    let manifest = try manifest(folder, "00002")
    let input = try #require(manifest["input"] as? [String: Any])
    let fault = try #require(input["fault"] as? [String: Any])
    #expect(fault["code"] as? String == "truncated_shard" && fault["offset"] as? Int == 700_000)
    let (samples, accepted) = (manifest["samples"] as? Int ?? 0, manifest["accepted"] as? Int ?? 0)
    #expect(accepted > 20 && samples == accepted + 1)
    let listed = try tool("tar tf '\(folder.path)/in/00002.tar' 2>/dev/null | sed 's/[.].*//' | uniq | wc -l")
    #expect(Int(listed.output.trimmingCharacters(in: .whitespacesAndNewlines)) == samples)
    #expect(folder.data("out/__len__") == Data("\(372 + accepted)".utf8))
    // A later publish without the flag knows from the columns how the shard was read.
    let plain = try tamis("publish", recipe, "-q", "-o", folder.path + "/other")
    #expect(plain.status == 0, "\(plain.errors)")
    #expect(folder.shards("other") == folder.shards("out"))
    #expect(try tamis("run", recipe, "--salvage").output.hasPrefix("Nothing to do"))
    #expect(try tamis("run", recipe, "--salvage", "-q", "--strict").status == 1)
    // Without the flag the shard is rejected whole.
    let strict = try tamis("run", recipe)
    #expect(strict.output.contains("Shards rejected as a whole: 1."))
    #expect(folder.data("out/__len__") == Data("372".utf8))
    let check = try tamis("check", "--salvage", folder.path + "/in/00002.tar")
    #expect(check.status == 65)
    #expect(check.output == "00002: \(samples) samples, truncated_shard at 700000\n", "\(check.output)")
    let piped = try tool(
      "'\(Repository.tamis)' pipe --salvage < '\(folder.path)/in/00002.tar' > '\(folder.path)/piped.tar'")
    #expect(piped.status == 0 && piped.errors.contains("stdin:700000:"))
    #expect(try tamis("check", folder.path + "/piped.tar").output.contains("\(accepted) samples, ok"))
  }

  @Test("--ignore-zeros reads concatenated shards; without it the rest is told with its offset")
  func ignoreZeros() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let joined = folder.path + "/joined/all.tar"
    #expect(try tool("cd '\(folder.path)' && mkdir joined && cat in/*.tar > joined/all.tar").status == 0)
    let text =
      "input: { path: joined/, ignore_zeros: true }\npublish: { path: out2/, samples_per_shard: 100 }"
    #expect(try tamis("run", recipe, "-q").status == 0)
    let result = try tamis("run", try folder.write("all.yaml", text), "-q", "-w", folder.path + "/ws")
    #expect(result.status == 0, "\(result.errors)")
    for shard in 0..<5 {
      #expect(folder.data("out2/0000\(shard).tar") == folder.data("out/0000\(shard).tar"))
    }
    let check = try tamis("check", joined)
    #expect(check.status == 65)
    #expect(check.output.hasPrefix("all: 125 samples"))
    #expect(check.errors.contains("all:1433600: data behind the end of the tar"))
    #expect(try tamis("check", "--ignore-zeros", joined).output.hasPrefix("all: 500 samples, 3 rejected"))
    let cat = try tool("'\(Repository.tamis)' cat --ignore-zeros '\(joined)' > '\(folder.path)/cat.tar'")
    #expect(cat.status == 0)
    let listed = try tool(
      "cd '\(folder.path)' && tar tif joined/all.tar > a && tar tf cat.tar > b && cmp a b && wc -l < b")
    #expect(listed.status == 0, "\(listed.output)")
  }

  @Test("standard input is one shard named stdin, kept in the workspace for publishing")
  func standardInput() throws {
    let folder = try TemporaryFolder()
    let whole = try folder.addSamples(names: ["stdin", "b", "c", "d"])
    for name in ["b", "c", "d"] {
      try FileManager.default.removeItem(atPath: folder.path + "/in/\(name).tar")
    }
    #expect(try tamis("run", whole, "-q").status == 0)
    let recipe = try folder.write(
      "stdin.yaml",
      "input: { path: '-' }\npublish: { path: out2/, samples_per_shard: 100, order: { shuffle: 3 } }")
    let workspace = folder.path + "/ws"
    let shard = folder.path + "/in/stdin.tar"
    let command = "'\(Repository.tamis)' run '\(recipe)' -w '\(workspace)'"
    let result = try tool("\(command) < '\(shard)'")
    #expect(result.status == 0, "\(result.errors)")
    #expect(folder.files("ws/columns/stdin") == folder.files(".tamis/columns/stdin"))
    let check = try tamis("check", folder.path + "/out2")
    #expect(check.status == 0, "\(check.errors)")
    #expect(try tool("gzip -c '\(shard)' | \(command)").output.contains("124 accepted"))
    #expect(try tool("\(command) < '\(shard)'").output.contains("124 accepted"))
    let served = try tamis("serve", recipe, "-w", folder.path + "/ws2")
    #expect(served.status == 2 && served.errors.contains("a stream watches files"), "\(served.errors)")
    let broken = try tool("head -c 700000 '\(shard)' | \(command)")
    #expect(broken.status == 65 && broken.errors.contains("stdin:700000:"), "\(broken.errors)")
  }

  @Test("patterns name shards in recipes and arguments; a missing item is an error that names it")
  func patterns() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    func count(_ path: String) throws -> String {
      let text = "input: { path: '\(path)' }\npublish: { path: out/ }"
      let result = try tamis("run", try folder.write("r.yaml", text), "-q", "--replace")
      return result.status == 0
        ? String(decoding: folder.data("out/__len__") ?? Data(), as: UTF8.self) : result.errors
    }
    #expect(try count("in/{00000..00003}.tar") == "497")
    #expect(try count("in/0000[02].tar") == "249")
    #expect(try count("in/00000.tar::in/{00002,00003}.tar") == "374")
    #expect(try count("in/{00003..00004}.tar").contains("/in/00004.tar: no such file or directory"))
    #expect(try count("in::in/00000.tar").contains("/in/00000.tar: given twice"))
    #expect(try count("*/*.tar").contains("lies inside input.path"))
    let check = try tamis("check", folder.path + "/in/0000{1,2}.tar")
    #expect(check.output.split(separator: "\n").map { $0.prefix(5) } == ["00001", "00002"])
  }

  @Test("img2dataset: stats mark a shard as ready and count its samples")
  func img2dataset() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    for (name, text) in [
      ("00000", #"{"count": 200, "successes": 125, "duration": NaN}"#), ("00001", #"{"successes": 126}"#),
      ("00002", #"{"successes": 100}"#),
    ] { try folder.write("in/\(name)_stats.json", text) }
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("in/00003.tar: left out, its _stats.json is not there yet"))
    #expect(
      result.errors.contains(
        "00001:1576960:-: truncated_shard: 125 samples are here, 00001_stats.json counts 126"),
      "\(result.errors)")
    #expect(result.errors.contains("125 samples, its stats file counts 100"), "\(result.errors)")
    #expect(folder.data("out/__len__") == Data("249".utf8))
    // The count is corrected, and the last shard becomes ready with a broken one.
    try folder.write("in/00001_stats.json", #"{"successes": 125}"#)
    for text in [
      "", "[]", #"{"successes": "many"}"#, #"{"successes": -1}"#, String(repeating: "[", count: 9999),
    ] {
      try folder.write("in/00003_stats.json", text)
      let broken = try tamis("run", recipe)
      #expect(broken.status == 0, "\(broken.errors)")
      #expect(broken.errors.contains("00003:0:-: bad_header: 00003_stats.json is no JSON object"), "\(text)")
      #expect(folder.data("out/__len__") == Data("372".utf8))
    }
    try folder.write("in/00003_stats.json", #"{"successes": 130}"#)
    let saved = try tamis("run", recipe, "--salvage")
    #expect(saved.errors.contains("00003_stats.json counts 130"))
    #expect(folder.data("out/__len__") == Data("497".utf8))
  }

  @Test("a field with an odd name is renamed, its sample kept")
  func oddFields() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let script = """
      cd '\(folder.path)' && mkdir odd && tar xf in/00002.tar 000020000.jpg 000020000.txt && \
      cp 000020000.txt '000020000.My Notes (1).TXT' && tar cf odd/x.tar 000020000.jpg 000020000.My* 000020000.txt
      """
    #expect(try tool(script).status == 0)
    let recipe = try folder.write("odd.yaml", "input: { path: odd }\npublish: { path: out }")
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("Fields made safe: 1, see renamed.jsonl."), "\(result.output)")
    let line = String(decoding: folder.data(".tamis/columns/x/renamed.jsonl") ?? Data(), as: UTF8.self)
    let published = try tool("tar tf '\(folder.path)/out/00000.tar'").output.split(separator: "\n")
    #expect(published.count == 3)
    #expect(published[1].hasPrefix("000020000.my_notes__1_.txt-"))
    #expect(line.contains(#""from":"000020000.My Notes (1).TXT","to":"\#(published[1])""#), "\(line)")
  }
}
