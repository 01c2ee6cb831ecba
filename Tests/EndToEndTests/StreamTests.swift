import Foundation
import Testing

/// A process that goes on until it is told to end.
final class Server {
  let process = Process()
  private let folder: TemporaryFolder

  init(_ recipe: String, in folder: TemporaryFolder) throws {
    self.folder = folder
    process.executableURL = URL(fileURLWithPath: Repository.tamis)
    process.arguments = ["serve", recipe]
    let log = try folder.write("serve-\(UUID().uuidString).log", "")
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
  }

  func end(_ number: Int32) -> Int32 {
    kill(process.processIdentifier, number)
    for _ in 0..<300 where process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }
}

@Suite struct StreamTests {
  private let names = ["00000", "00001", "00002", "00003"]

  private func prunedRecipe(_ folder: TemporaryFolder) throws -> String {
    _ = try folder.addSamples()
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16, mask: { seed: 7 } }, image: { encoder: pixels } }
      prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }
      publish: { path: out/, samples_per_shard: 40, add: [mask] }
      daemon: { fit: { after_samples: 200 }, quiet_seconds: 0 }
      """)
  }

  private func pipe(_ arguments: String, from input: String, to output: String) throws -> CommandResult {
    try run("/bin/sh", ["-c", "'\(Repository.tamis)' pipe \(arguments) < '\(input)' > '\(output)'"])
  }

  @Test("pipe by a plan keeps of each shard what the run kept of it, on any number of threads")
  func pipeByPlan() throws {
    let folder = try TemporaryFolder()
    #expect(try tamis("run", try prunedRecipe(folder), "-q").status == 0)
    var kept = 0
    for name in names {
      let input = folder.path + "/in/\(name).tar"
      let plan = "--plan '\(folder.path)/.tamis' --add mask,embedding"
      let report = folder.path + "/report.json"
      #expect(
        try pipe("\(plan) -j 1 --report '\(report)'", from: input, to: folder.path + "/one.tar").status == 0)
      #expect(try pipe("\(plan) -j 2", from: input, to: folder.path + "/two.tar").status == 0)
      #expect(folder.data("one.tar") == folder.data("two.tar"))
      let counts = try #require(
        try JSONSerialization.jsonObject(with: folder.data("report.json") ?? Data()) as? [String: Any])
      kept += counts["kept"] as? Int ?? 0
    }
    #expect(folder.data("out/__len__") == Data("\(kept)".utf8))
  }

  @Test("pipe without a plan keeps every sound sample; its output passes check")
  func pipePlain() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let result = try pipe(
      "--format tar.zst", from: folder.path + "/in/00001.tar", to: folder.path + "/out.tar.zst")
    #expect(result.status == 0)
    #expect(result.errors.contains("truncated_image"))
    let check = try tamis("check", folder.path + "/out.tar.zst")
    #expect(check.status == 0 && check.output == "out: 123 samples, ok\n", "\(check.output)\(check.errors)")
  }

  @Test("pipe with a truncated input puts out the whole samples before the cut and exits 65")
  func pipeTruncated() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let data = try #require(folder.data("in/00002.tar"))
    let cut = try folder.write("cut.tar", data.prefix(700_000))
    let result = try pipe("", from: cut, to: folder.path + "/out.tar")
    #expect(result.status == 65)
    #expect(result.errors.contains("stdin:700000:"))
    let check = try tamis("check", folder.path + "/out.tar")
    #expect(check.status == 0 && check.output.contains(" samples, ok"))
  }

  @Test("serve drains on SIGTERM with exit 0 and publishes what a plan fitted on the first shards keeps")
  func serveDrains() throws {
    let folder = try TemporaryFolder()
    let server = try Server(try prunedRecipe(folder), in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil && folder.data("out/00005.tar") != nil }
    #expect(server.end(SIGTERM) == 0)
    let check = try tamis("check", folder.path + "/out")
    #expect(check.status == 0)
    let length = Int(String(decoding: folder.data("out/__len__") ?? Data(), as: UTF8.self)) ?? 0
    #expect(length > 200 && length < 497)
    let read = try tamis("explain", "000030049", "-w", folder.path + "/.tamis")
    #expect(read.output.contains("near-duplicate") && read.output.contains("000000053 of shard 00000"))
  }

  @Test("serve waits for the stats file of a shard in a folder of img2dataset")
  func serveWaitsForStats() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write(
      "recipe.yaml", "input: { path: in }\npublish: { path: out }\ndaemon: { quiet_seconds: 0 }")
    try folder.write("in/00000_stats.json", #"{"successes": 125}"#)
    let server = try Server(recipe, in: folder)
    try waitUntil { folder.data(".tamis/columns/00000/manifest.json") != nil }
    Thread.sleep(forTimeInterval: 1)
    #expect(folder.files(".tamis/columns").keys.allSatisfy { $0.hasPrefix("00000/") })
    try folder.write("in/00002_stats.json", #"{"successes": 125}"#)
    try waitUntil { folder.data(".tamis/columns/00002/manifest.json") != nil }
    #expect(server.end(SIGTERM) == 0)
    #expect(folder.data("out/__len__") == Data("249".utf8))
  }

  @Test("a server killed again and again ends in the same bytes as one left alone")
  func serveKilled() throws {
    let whole = try TemporaryFolder()
    let alone = try Server(try prunedRecipe(whole), in: whole)
    try waitUntil { whole.data(".tamis/verdicts/00003.npy") != nil && whole.data("out/00005.tar") != nil }
    #expect(alone.end(SIGTERM) == 0)
    let folder = try TemporaryFolder()
    let recipe = try prunedRecipe(folder)
    for step in 0..<8 {
      let server = try Server(recipe, in: folder)
      Thread.sleep(forTimeInterval: 0.03 + 0.06 * Double(step))
      _ = server.end(SIGKILL)
    }
    let last = try Server(recipe, in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil && folder.data("out/00005.tar") != nil }
    #expect(last.end(SIGTERM) == 0)
    for part in ["out", ".tamis/columns", ".tamis/models", ".tamis/verdicts", ".tamis/quarantine"] {
      #expect(folder.files(part).filter { !$0.key.hasSuffix(".tmp") } == whole.files(part), "\(part)")
    }
  }
}

/// Polls a condition for at most a minute.
func waitUntil(_ condition: () -> Bool) throws {
  for _ in 0..<600 {
    if condition() { return }
    Thread.sleep(forTimeInterval: 0.1)
  }
  Issue.record("the server did not get there within a minute")
}
