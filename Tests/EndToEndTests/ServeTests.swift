import Foundation
import Testing

/// What becomes of input, plan and recipe while `tamis serve` runs.
@Suite struct ServeTests {
  private func recipe(_ folder: TemporaryFolder, daemon: String, publish: String = "") throws -> String {
    _ = try folder.addSamples()
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16 }, image: { encoder: pixels } }
      prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }
      publish: { path: out/, samples_per_shard: 40\(publish) }
      daemon: { listen: none, fit: { after_samples: 200 }, quiet_seconds: 1, \(daemon) }

      """)
  }

  @Test(
    "published inputs are deleted, all samples are accounted for, and the status stays when the daemon is down"
  )
  func accounts() throws {
    let folder = try TemporaryFolder()
    let server = try RunningServer(try recipe(folder, daemon: "on_success: delete"), in: folder)
    try waitUntil { folder.files("in").isEmpty || !server.process.isRunning }
    let running = try folder.daemonStatus()
    #expect(running["phase"] as? String == "streaming" && running["generation"] as? Int == 1)
    #expect(server.end(SIGTERM) == 0)
    #expect(folder.files("in").isEmpty)
    let after = try folder.daemonStatus()
    #expect(after["phase"] as? String == "stopped")
    func count(_ name: String) -> Int { after[name] as? Int ?? -1 }
    func sum(_ name: String) -> Int { (after[name] as? [String: Int])?.values.reduce(0, +) ?? -1 }
    #expect(count("samples_read") == 500 && count("samples_accepted") == 497 && sum("samples_rejected") == 3)
    #expect(count("samples_kept") + sum("samples_dropped") == 497)
    #expect(count("samples_published") == count("samples_kept") && count("samples_lost") == 0)
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }

  @Test("tamis fit asks the running daemon for a new plan; verdicts that were given stay")
  func refit() throws {
    let folder = try TemporaryFolder()
    let server = try RunningServer(try recipe(folder, daemon: "on_success: keep"), in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil || !server.process.isRunning }
    let verdicts = folder.files(".tamis/verdicts").filter { $0.key.hasSuffix(".npy") }
    let answer = try tamis("fit", "-w", folder.path + "/.tamis")
    #expect(answer.status == 0, "\(answer.errors)")
    try waitUntil { (try? folder.daemonStatus()["generation"] as? Int) == 2 || !server.process.isRunning }
    #expect(try folder.daemonStatus()["fitted_claims"] as? Int == 4)
    #expect(folder.files(".tamis/verdicts").filter { $0.key.hasSuffix(".npy") } == verdicts)
    #expect(server.end(SIGTERM) == 0)
  }

  @Test(
    "SIGHUP takes a sound recipe, and keeps the old one when the new one is wrong or contradicts the work done"
  )
  func reload() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, daemon: "on_success: keep")
    let server = try RunningServer(path, in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil || !server.process.isRunning }
    let right = String(decoding: try #require(folder.data("recipe.yaml")), as: UTF8.self)
    for (text, expected) in [
      (right + "nonsense: 1\n", "unknown key"),
      (right.replacingOccurrences(of: "samples_per_shard: 40", with: "samples_per_shard: 50"), "publish"),
    ] {
      try folder.write("recipe.yaml", text)
      kill(server.process.processIdentifier, SIGHUP)
      try waitUntil {
        let status = (try? folder.daemonStatus()) ?? [:]
        return (status["reload_problem"] as? String)?.contains(expected) ?? false
      }
      #expect(try folder.daemonStatus()["reload_succeeded"] as? Bool == false)
    }
    try folder.write(
      "recipe.yaml", right.replacingOccurrences(of: "quiet_seconds: 1", with: "quiet_seconds: 2"))
    kill(server.process.processIdentifier, SIGHUP)
    try waitUntil { (try? folder.daemonStatus()["reload_succeeded"] as? Bool) == true }
    #expect(server.end(SIGTERM) == 0)
    #expect(folder.daemonLog.contains("the one before stays in force"))
  }

  @Test("kept samples whose input goes before they are published are counted as lost, and the daemon goes on")
  func lost() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, daemon: "min_free: 1MiB")
    let text = String(decoding: try #require(folder.data("recipe.yaml")), as: UTF8.self)
    try folder.write(
      "recipe.yaml",
      text.replacingOccurrences(of: "samples_per_shard: 40", with: "samples_per_shard: 1000")
        .replacingOccurrences(of: "quiet_seconds: 1", with: "quiet_seconds: 3600"))
    let old = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -86_400)]
    for name in folder.files("in").keys {
      try FileManager.default.setAttributes(old, ofItemAtPath: folder.path + "/in/" + name)
    }
    let server = try RunningServer(path, in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil || !server.process.isRunning }
    Thread.sleep(forTimeInterval: 0.5)
    #expect(server.end(SIGKILL) == 128 + 9)
    try FileManager.default.removeItem(atPath: folder.path + "/in/00001.tar")
    let second = try RunningServer(path, in: folder)
    try waitUntil {
      (try? folder.daemonStatus()["samples_lost"] as? Int ?? 0) ?? 0 > 0 || !second.process.isRunning
    }
    #expect(second.end(SIGTERM) == 0)
    let after = try folder.daemonStatus()
    let kept = after["samples_kept"] as? Int ?? 0
    let lost = after["samples_lost"] as? Int ?? 0
    #expect(lost > 0 && after["samples_published"] as? Int == kept - lost)
    #expect((after["shards"] as? [String: Int])?["lost"] == 1)
  }

  @Test("a second daemon on a workspace ends with 75; a workspace of a run is refused")
  func alone() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, daemon: "on_success: keep")
    let server = try RunningServer(path, in: folder)
    try waitUntil { folder.data(".tamis/recipe.yaml") != nil || !server.process.isRunning }
    let second = try tamis("serve", path)
    #expect(second.status == 75 && second.errors.contains("another `tamis serve` works in this workspace"))
    #expect(server.end(SIGTERM) == 0)
    let stage = try tamis("prune", path)
    #expect(stage.status == 2 && stage.errors.contains("belongs to `tamis serve`"), "\(stage.errors)")
    let other = try TemporaryFolder()
    let run = try recipe(other, daemon: "on_success: keep")
    #expect(try tamis("run", run, "-q").status == 0)
    let refused = try tamis("serve", run)
    #expect(refused.status == 2 && refused.errors.contains("belongs to a run"), "\(refused.errors)")
  }

  @Test("killed at every step of its commits, it ends in the same bytes", .timeLimit(.minutes(5)))
  func crashes() throws {
    let result = try run(
      Repository.root + "/scripts/crash-test", ["30", "--seed", "1"], environment: ["TAMIS": Repository.tamis]
    )
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test(
    "content, catalog, rename, directory: the order on the disk of every published file",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "strace is not installed"))
  func order() throws {
    let result = try run(
      Repository.root + "/scripts/commit-order", [], environment: ["TAMIS": Repository.tamis])
    #expect(result.status == 0, "\(result.errors)")
  }
}
