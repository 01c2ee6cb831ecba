import Foundation
import Testing

/// `tamis verify` against directories damaged from outside.
@Suite struct VerifyTests {
  /// A workspace and its output, published from the samples.
  private func published() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let run = try tamis("run", recipe, "-w", folder.path + "/ws", "-q")
    try #require(run.status == 0, "\(run.errors)")
    return folder
  }

  @Test func whatWasWrittenIsFoundAsItIs() throws {
    let folder = try published()
    let output = try tamis("verify", folder.path + "/out")
    #expect(output.status == 0, "\(output.errors)")
    #expect(output.output.contains("497 samples: all as their manifests say"))
    #expect(output.errors.isEmpty)
    let workspace = try tamis("verify", folder.path + "/ws")
    #expect(workspace.status == 0, "\(workspace.errors)")
    let columns = try tamis("verify", folder.path + "/ws/columns/00000")
    #expect(columns.status == 0, "\(columns.errors)")
  }

  @Test func everyDamageToAnOutputIsNamed() throws {
    let folder = try published()
    var shard = try #require(folder.data("out/00001.tar"))
    shard[70_000] ^= 1
    try folder.write("out/00001.tar", shard)
    try folder.write("out/00002.tar", try #require(folder.data("out/00002.tar")).dropLast(5_000))
    try FileManager.default.removeItem(atPath: folder.path + "/out/00003.tar")
    try folder.write("out/00099.tar", try #require(folder.data("out/00000.tar")))
    try folder.write("out/sizes.json", "{}")
    try FileManager.default.removeItem(atPath: folder.path + "/out/__len__")
    let result = try tamis("verify", folder.path + "/out")
    #expect(result.status == 65)
    let lines = result.errors.split(separator: "\n").map(String.init)
    let expected = [
      "sizes.json:-:-: bad_manifest", "__len__:-:-: missing", "00099.tar:-:-: unexpected_file",
      "00001.tar:-:-: wrong_hash", "00002.tar:-:-: wrong_size", "00003.tar:-:-: missing",
    ]
    for start in expected { #expect(lines.contains { $0.hasPrefix("tamis: " + start) }, "\(start)") }
    #expect(
      lines.contains { $0.hasPrefix("tamis: 00002.tar:") && $0.contains("unreadable: truncated_shard") })
    #expect(result.output.hasSuffix("faults: 7\n"))
  }

  @Test func damageToAWorkspaceIsNamed() throws {
    let folder = try published()
    try FileManager.default.removeItem(atPath: folder.path + "/ws/columns/00002/keys.txt")
    try folder.write(
      "ws/columns/00001/thumbnail.npy", try #require(folder.data("ws/columns/00001/thumbnail.npy")) + [0])
    var rows = try #require(folder.data("ws/columns/00000/samples.npy"))
    rows[rows.count - 1] ^= 1
    try folder.write("ws/columns/00000/samples.npy", rows)
    let result = try tamis("verify", "--json", folder.path + "/ws")
    #expect(result.status == 65)
    for (file, code) in [
      ("columns/00002/keys.txt", "missing"), ("columns/00001/thumbnail.npy", "wrong_size"),
      ("columns/00000/samples.npy", "wrong_hash"),
    ] {
      #expect(
        result.output.split(separator: "\n").contains {
          $0.contains("\"file\":\"\(file)\"") && $0.contains("\"code\":\"\(code)\"")
        }, "\(file)")
    }
    #expect(
      result.output.hasSuffix(
        "\"faults\":3,\"files\":\(fileCount(result.output)),\"ok\":false,\"samples\":0}\n"))
  }

  private func fileCount(_ output: String) -> Int { output.split(separator: "\n").count - 1 }

  @Test func aKeyInTwoShardsIsFound() throws {
    let folder = try published()
    let first = try #require(folder.data("out/00000.tar"))
    try folder.write("out/00001.tar", first)
    let result = try tamis("verify", folder.path + "/out")
    #expect(result.status == 65)
    #expect(result.errors.contains("00001.tar:-:-: duplicate_key: 100 of its keys are in 00000.tar too"))
  }

  @Test func otherDirectoriesAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(try tamis("verify", folder.path).status == 65)
    #expect(try tamis("verify", folder.path + "/none").status == 2)
  }
}
