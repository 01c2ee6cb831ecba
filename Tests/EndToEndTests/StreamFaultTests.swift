import Foundation
import Testing

/// Inputs and recipes that stop nothing but themselves.
@Suite struct StreamFaultTests {
  private func done(_ folder: TemporaryFolder) -> Int {
    (try? folder.daemonStatus()["shards"] as? [String: Int])?["done"] ?? 0
  }

  private func recipe(
    _ folder: TemporaryFolder, input: String = "in/", prune: String = "", publish: String = "",
    daemon: String = ""
  ) throws -> String {
    try folder.write(
      "recipe.yaml",
      """
      input: { path: "\(input)" }
      features: { pca: { size: 16 }, image: { encoder: pixels } }
      \(prune)
      publish: { path: out/, samples_per_shard: 40\(publish) }
      daemon: { listen: none, fit: { after_samples: 200, on_drift: false }, quiet_seconds: 0\(daemon) }

      """)
  }

  private static let prune = "prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }"

  @Test(
    "files that cannot be looked at or worked on are told and left alone, and the others are taken",
    arguments: ["in/", "in/*.tar"])
  func oddFiles(input: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let directory = folder.path + "/in/"
    #expect(try run("/usr/bin/mkfifo", [directory + "fifo.tar"]).status == 0)
    try FileManager.default.createSymbolicLink(
      atPath: directory + "loop.tar", withDestinationPath: "loop.tar")
    let data = try #require(folder.data("in/00000.tar"))
    try folder.write("in/two\nlines.tar", data)
    try folder.write("in/" + String(repeating: "l", count: 250) + ".tar", data)
    let server = try RunningServer(try recipe(folder, input: input), in: folder)
    try waitUntil { done(folder) == 4 || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0)
    #expect(folder.data("out/__len__") == Data("497".utf8))
    let log = folder.daemonLog
    for reason in ["control characters in its name", "its name is longer than 220 bytes"] {
      #expect(log.contains("passed over: \(reason)"), "\(log)")
    }
  }

  @Test("verdicts that a kill left are not those of another file that came under the name")
  func changedAfterVerdicts() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let held = try #require(folder.data("in/00003.tar"))
    try FileManager.default.removeItem(atPath: folder.path + "/in/00003.tar")
    let path = try recipe(folder, prune: Self.prune)
    let first = try RunningServer(path, in: folder)
    try waitUntil { done(folder) == 3 || !first.process.isRunning }
    #expect(first.end(SIGTERM) == 0)
    try folder.write("in/00003.tar", held)
    let killed = try RunningServer(path, in: folder, environment: ["TAMIS_FAULT_POINT": "verdict:1"])
    try waitUntil { !killed.process.isRunning }
    #expect(folder.data(".tamis/verdicts/00003.npy") != nil)
    try folder.expectOracle("field_shard.py", ["%/in/00003.tar", "[(0, 'png'), (1, 'png'), (2, 'png')]"])
    let last = try RunningServer(path, in: folder)
    try waitUntil { done(folder) == 4 || !last.process.isRunning }
    #expect(last.end(SIGTERM) == 0)
    let after = try folder.daemonStatus()
    #expect(after["samples_read"] as? Int == 378)
    #expect(after["samples_kept"] as? Int == after["samples_published"] as? Int)
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }

  @Test("a plan that cannot be fitted is given up, and the one before stays, bit for bit")
  func unfittablePlan() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    try folder.write("rows.npy", "no array")
    let path = try recipe(folder, prune: Self.prune)
    let server = try RunningServer(path, in: folder)
    try waitUntil { done(folder) == 4 || !server.process.isRunning }
    let models = folder.files(".tamis/models")
    let prune = "prune: { reference: { file: rows.npy, rule: near, keep: 0.9 }, concepts: { keep: 0.6 } }"
    _ = try recipe(folder, prune: prune)
    kill(server.process.processIdentifier, SIGHUP)
    try waitUntil { folder.daemonLog.contains("read again") || !server.process.isRunning }
    #expect(try tamis("fit", "-w", folder.path + "/.tamis").status == 0)
    try waitUntil { folder.daemonLog.contains("cannot be fitted") || !server.process.isRunning }
    #expect(folder.files(".tamis/models") == models)
    #expect(try folder.daemonStatus()["generation"] as? Int == 1)
    #expect(server.end(SIGTERM) == 0, "\(folder.daemonLog)")
    #expect(folder.data(".tamis/.models.before/manifest.json") == nil)
    let again = try RunningServer(path, in: folder)
    try waitUntil {
      (try? folder.daemonStatus()["phase"] as? String) == "streaming" || !again.process.isRunning
    }
    #expect(again.end(SIGTERM) == 0, "\(folder.daemonLog)")
  }

  @Test("inputs are not moved into the input, and a reload does not turn the input on the output")
  func places() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let inside = try tamis("serve", try recipe(folder, daemon: ", on_success: { move: in/done }"))
    #expect(inside.status == 2 && inside.errors.contains("daemon.on_success lies inside input.path"))
    let server = try RunningServer(try recipe(folder), in: folder)
    try waitUntil { done(folder) == 4 || !server.process.isRunning }
    _ = try recipe(folder, input: "./")
    kill(server.process.processIdentifier, SIGHUP)
    try waitUntil {
      folder.daemonLog.contains("publish.path lies inside input.path") || !server.process.isRunning
    }
    #expect(server.end(SIGTERM) == 0)
  }

  @Test("a sample of which nothing would be published is rejected")
  func nothingLeft() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("field_shard.py", ["%/in/0.tar", "[(0, 'jpg'), (1, 'png'), (2, 'jpg')]"])
    let server = try RunningServer(
      try recipe(folder, publish: ", fields: [jpg], missing: drop"), in: folder)
    try waitUntil { done(folder) == 1 || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0, "\(folder.daemonLog)")
    #expect(try folder.daemonStatus()["samples_rejected"] as? [String: Int] == ["unsupported": 1])
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }
}
