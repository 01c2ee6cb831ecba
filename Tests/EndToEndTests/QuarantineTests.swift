import Foundation
import Testing

/// `tamis quarantine`: what is kept of rejected samples, and what can be done with it.
@Suite struct QuarantineTests {
  /// The samples with their three rejects, ingested.
  private func ingested(_ addition: String = "") throws -> (folder: TemporaryFolder, recipe: String) {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write(
      "recipe.yaml", "input: { path: in/ }\npublish: { path: out/ }\n" + addition)
    let result = try tamis("ingest", recipe, "-w", folder.path + "/ws", "-q")
    try #require(result.status == 0, "\(result.errors)")
    return (folder, recipe)
  }

  @Test func everyRejectIsListed() throws {
    let (folder, _) = try ingested()
    let text = try tamis("quarantine", "list", "-w", folder.path + "/ws").output
    #expect(text.contains("00000:120320:000000012.jpg: not_an_image: "))
    #expect(text.contains("3 rejects of 2 shards"))
    let lines = try tamis("quarantine", "list", "00001", "--json", "-w", folder.path + "/ws").output
      .split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.contains { $0.contains("\"code\":\"truncated_image\",\"key\":\"000010001\"") })
  }

  @Test func theKeptTarReadsAsAShard() throws {
    let (folder, _) = try ingested()
    let check = try tamis("check", "--json", folder.path + "/ws/quarantine/00001.tar")
    #expect(check.status == 65)
    for code in ["truncated_image", "no_image"] { #expect(check.output.contains("\"code\":\"\(code)\"")) }
    let copy = try run(
      Repository.python,
      ["-c", "import sys,tarfile; print(sorted(tarfile.open(sys.argv[1]).getnames()))"]
        + [folder.path + "/ws/quarantine/00001.tar"])
    #expect(copy.output.contains("'000010001.jpg', '000010001.json', '000010001.txt'"))
  }

  @Test func aRetryUnderAnotherRuleTakesTheSampleBackToItsPlace() throws {
    let (folder, recipe) = try ingested()
    let strict = try tamis("quarantine", "retry", recipe, "-w", folder.path + "/ws", "-q")
    #expect(strict.output == "3 rejects tried again: 0 accepted now, 3 rejected.\n")
    let keeping = try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\npublish: { path: out/ }\ndecode: { on_warning: keep }\n")
    let result = try tamis("quarantine", "retry", keeping, "-w", folder.path + "/ws", "-q")
    #expect(result.output == "3 rejects tried again: 1 accepted now, 2 rejected.\n", "\(result.errors)")
    let keys = String(decoding: folder.data("ws/columns/00001/keys.txt") ?? Data(), as: UTF8.self)
    #expect(keys.contains("000010001\n"))
    let fresh = try tamis("ingest", keeping, "-w", folder.path + "/fresh", "-q")
    #expect(fresh.status == 0)
    #expect(folder.files("ws/columns") == folder.files("fresh/columns"))
  }

  @Test func aRetryOfAMendedShardTakesItIn() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let whole = try #require(folder.data("in/00002.tar"))
    try folder.write("in/00002.tar", whole.prefix(100_000))
    let first = try tamis("ingest", recipe, "-w", folder.path + "/ws", "-q")
    #expect(first.status == 0)
    let list = try tamis("quarantine", "list", "00002", "-w", folder.path + "/ws").output
    #expect(list.contains("truncated_shard"))
    #expect(folder.data("ws/quarantine/00002.tar")?.count == 100_000)
    try FileManager.default.removeItem(atPath: folder.path + "/in/00002.tar")
    try folder.write("in/00002.tar", whole)
    let retry = try tamis("quarantine", "retry", recipe, "--shard", "00002", "-w", folder.path + "/ws", "-q")
    #expect(retry.output == "1 rejects tried again: 1 accepted now, 0 rejected.\n", "\(retry.errors)")
    #expect(folder.data("ws/quarantine/00002.tar") == nil)
    #expect(folder.data("ws/columns/00002/keys.txt") != nil)
  }

  @Test func aFullQuarantineKeepsReasonsWithoutBytes() throws {
    let (folder, _) = try ingested("limits: { quarantine: 16KiB }\n")
    let text = try tamis("quarantine", "list", "-w", folder.path + "/ws").output
    #expect(text.contains("3 rejects of 2 shards"))
    let kept = folder.files("ws/quarantine").filter { $0.key.hasSuffix(".tar") }
    #expect(kept.values.reduce(0) { $0 + $1.count } <= 16 << 10)
    let reasons = folder.files("ws/quarantine").values.map { String(decoding: $0, as: UTF8.self) }
    #expect(reasons.contains { $0.contains("\"kept\" : false") })
  }

  @Test func purgingDeletesWhatIsNamed() throws {
    let (folder, _) = try ingested()
    let ws = folder.path + "/ws"
    #expect(try tamis("quarantine", "purge", "-w", ws).status == 2)
    #expect(try tamis("quarantine", "purge", "--older-than", "1", "-w", ws).output.contains("0 shards"))
    #expect(try tamis("quarantine", "purge", "00000", "-w", ws).output.contains("1 shards"))
    #expect(folder.data("ws/quarantine/00000.tar") == nil)
    #expect(folder.data("ws/quarantine/00001.tar") != nil)
    #expect(try tamis("quarantine", "purge", "--all", "-w", ws).status == 0)
    #expect(folder.files("ws/quarantine").isEmpty)
    #expect(try tamis("ingest", "-w", ws, "-q").status == 0)
  }
}
