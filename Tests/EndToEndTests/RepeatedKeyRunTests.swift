import Foundation
import Testing

/// Whole runs over shards whose keys come in several parts.
@Suite struct RepeatedKeyRunTests {
  /// The samples, rearranged into `new/`.
  private func folder(_ mode: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try folder.expectOracle("rearrange.py", ["%/in", "%/new", mode])
    return folder
  }

  private func recipe(_ policy: String, in folder: TemporaryFolder, out: String, path: String = "new") throws
    -> String
  {
    var recipe = PruningRecipe()
    recipe.publish = ", order: key"
    let text = recipe.text.replacingOccurrences(
      of: "input: { path: in/ }", with: "input: { path: \(path), duplicates: \(policy) }"
    ).replacingOccurrences(of: "path: out/", with: "path: \(out)/")
    return try folder.write("\(out).yaml", text)
  }

  /// What is published, without the manifest that names the input's hash.
  private func published(_ folder: TemporaryFolder, _ out: String) -> [String: Data] {
    // The data card shows the recipe.
    folder.files(out).filter { !["MANIFEST.json", "README.md", "SHA256SUMS"].contains($0.key) }
  }

  @Test(
    "merge: interleaved shards, and samples there twice, publish what the ordered shards do, pruning and masks too",
    arguments: ["interleave", "repeat", "copies"])
  func merge(mode: String) throws {
    let folder = try folder(mode)
    let plain = try recipe("reject", in: folder, out: "plain", path: "in")
    #expect(try tamis("run", plain, "-q", "-w", folder.path + "/ws0").status == 0)
    let merged = try recipe("merge", in: folder, out: "merged")
    let result = try tamis("run", merged, "-w", folder.path + "/ws1", "-j", "1")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("Read 500 samples from 4 shards: 497 accepted."), "\(result.output)")
    #expect(published(folder, "merged") == published(folder, "plain"))
    // Each reject is told once although the shards were begun twice.
    #expect(
      result.errors.split(separator: "\n").filter { $0.contains("image: ") }.count == 3, "\(result.errors)")
    let again = try tamis("run", merged, "-w", folder.path + "/ws1")
    #expect(again.output.hasPrefix("Nothing to do"))
    let two = try recipe("merge", in: folder, out: "two")
    #expect(try tamis("run", two, "-q", "-w", folder.path + "/ws2", "-j", "2").status == 0)
    #expect(folder.files("two") == folder.files("merged"))
    #expect(folder.files("ws2/columns") == folder.files("ws1/columns"))
    #expect(folder.files("ws2/quarantine") == folder.files("ws1/quarantine"))
  }

  @Test(
    "reject: every part of a repeated key is rejected, counted and quarantined; nothing is left half-written")
  func reject() throws {
    let folder = try folder("repeat")
    let recipe = try recipe("reject", in: folder, out: "out")
    let result = try tamis("run", recipe)
    #expect(result.status == 0, "\(result.errors)")
    // 4 x 10 samples twice, 80 rejects; 3 of the samples are bad themselves.
    #expect(result.output.contains("Read 540 samples from 4 shards"), "\(result.output)")
    #expect(result.output.contains("duplicate_key      80"), "\(result.output)")
    let lines = String(decoding: folder.data(".tamis/columns/00002/rejects.jsonl") ?? Data(), as: UTF8.self)
    #expect(lines.split(separator: "\n").filter { $0.contains("duplicate_key") }.count == 20)
    let keys = String(decoding: folder.data(".tamis/columns/00002/keys.txt") ?? Data(), as: UTF8.self)
    #expect(keys.split(separator: "\n").count == 115)
    let explained = try tamis("explain", "000020000", "-w", folder.path + "/.tamis")
    #expect(explained.output.contains("rejected, duplicate_key"))
    #expect(!folder.files(".tamis").keys.contains { $0.hasSuffix(".tmp") })
    let check = try tamis("check", folder.path + "/new", "--json")
    #expect(check.status == 65)
    #expect(
      check.output.split(separator: "\n").filter { $0.contains(#""code":"duplicate_key""#) }.count == 80)
  }

  @Test("rename: every part is a sample of its own, listed in renamed.jsonl, found by explain and publish")
  func rename() throws {
    let folder = try folder("copies")
    let renamed = try recipe("rename", in: folder, out: "out")
    let result = try tamis("run", renamed, "-j", "1")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("Read 540 samples from 4 shards"), "\(result.output)")
    let lines = String(decoding: folder.data(".tamis/columns/00002/renamed.jsonl") ?? Data(), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.count == 10)
    let first = try #require(
      try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String])
    let key = try #require(first["to"])
    #expect(first["from"] == "000020000" && key.hasPrefix("000020000-") && key.count == 22)
    let explained = try tamis("explain", key, "-w", folder.path + "/.tamis")
    #expect(explained.output.contains("near-duplicate"), "\(explained.output)")
    // Another split into threads and a publish of its own give the same bytes.
    let two = try recipe("rename", in: folder, out: "two")
    #expect(try tamis("run", two, "-q", "-w", folder.path + "/ws2", "-j", "2").status == 0)
    #expect(folder.files("two") == folder.files("out"))
    #expect(folder.files("ws2/columns") == folder.files(".tamis/columns"))
    let publish = try tamis("publish", "-q", "-w", folder.path + "/ws2", "-o", folder.path + "/three")
    #expect(publish.status == 0, "\(publish.errors)")
    #expect(folder.files("three") == folder.files("out"))
  }

  @Test("a merging run killed at any moment and run again ends in the same bytes")
  func killed() throws {
    let folder = try folder("interleave")
    let whole = try recipe("merge", in: folder, out: "whole")
    #expect(try tamis("run", whole, "-q", "-w", folder.path + "/ws0").status == 0)
    let killed = try recipe("merge", in: folder, out: "killed")
    let workspace = folder.path + "/ws1"
    for step in 0..<8 {
      let result = try run(
        Repository.tamis, ["run", killed, "-q", "-w", workspace], killAfter: 0.02 + 0.04 * Double(step))
      if result.status == 0 { break }
    }
    #expect(try tamis("run", killed, "-q", "-w", workspace).status == 0)
    #expect(folder.files("killed") == folder.files("whole"))
    #expect(folder.files("ws1/columns") == folder.files("ws0/columns"))
    #expect(folder.files("ws1/quarantine") == folder.files("ws0/quarantine"))
  }

  @Test("pipe has one pass: the first part is out when the second is rejected")
  func pipe() throws {
    let folder = try folder("repeat")
    let result = try run(
      "/bin/sh",
      ["-c", "'\(Repository.tamis)' pipe < '\(folder.path)/new/00002.tar' > '\(folder.path)/out.tar'"])
    #expect(result.status == 0, "\(result.errors)")
    let check = try tamis("check", folder.path + "/out.tar")
    #expect(check.output == "out: 125 samples, ok\n", "\(check.output)")
  }
}
