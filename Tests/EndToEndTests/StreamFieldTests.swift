import Foundation
import Testing

/// Computed fields of what a daemon publishes; `examples/pmae/check.py` works them out again with NumPy.
@Suite struct StreamFieldTests {
  private static let everything = "emit: [mask, ratio, coefficients, visible, target]"

  private func recipe(
    _ folder: TemporaryFolder, mask: String, prune: String = "", add: String = "[mask, patches]"
  ) throws -> String {
    _ = try folder.addSamples()
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features:
        pca: { size: 16, mask: { seed: 7, \(mask) } }
        patches: { grid: 4, scope: batch, batch: 60 }
      \(prune)
      publish: { path: out/, samples_per_shard: 70, add: \(add) }
      daemon: { fit: { after_samples: 200 }, quiet_seconds: 0 }

      """)
  }

  private func takenAll(_ folder: TemporaryFolder) -> Bool {
    folder.data(".tamis/columns/00003/manifest.json") != nil
  }

  private func drained(_ recipe: String, in folder: TemporaryFolder) throws {
    let server = try RunningServer(recipe, in: folder)
    try waitUntil { takenAll(folder) || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0)
  }

  @Test(
    "coefficients, visible images and masks shared by batches are NumPy's; batches go on from shard to shard",
    arguments: ["", "prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }"])
  func published(prune: String) throws {
    let folder = try TemporaryFolder()
    let mask = Self.everything + ", scope: batch, batch: 45"
    try drained(try recipe(folder, mask: mask, prune: prune), in: folder)
    let script = Repository.root + "/examples/pmae/check.py"
    let check = try run(Repository.python, [script, folder.path + "/out", folder.path + "/.tamis"])
    #expect(check.status == 0, "\(check.errors)")
    let length = String(decoding: folder.data("out/__len__") ?? Data(), as: UTF8.self)
    #expect(prune.isEmpty ? length == "497" : (Int(length) ?? 0) > 200)
    #expect(
      check.output.hasPrefix("\(length) samples, coefficients.npy, mask.npy, mask_ratio.npy, patches.npy, "))
    #expect(check.output.contains("masks equal NumPy's"), "\(check.output)")
    #expect(try tamis("verify", folder.path + "/out").status == 0)
  }

  @Test("without pruning, a daemon killed again and again fits the same basis and ends in the same bytes")
  func killed() throws {
    let mask = Self.everything + ", scope: batch, batch: 45"
    let whole = try TemporaryFolder()
    try drained(try recipe(whole, mask: mask), in: whole)
    let folder = try TemporaryFolder()
    let path = try recipe(folder, mask: mask)
    for step in 0..<8 {
      let server = try RunningServer(path, in: folder)
      Thread.sleep(forTimeInterval: 0.03 + 0.05 * Double(step))
      _ = server.end(SIGKILL)
    }
    try drained(path, in: folder)
    #expect(whole.data("out/00007.tar") != nil)
    for part in ["out", ".tamis/columns", ".tamis/models"] {
      #expect(folder.files(part).filter { !$0.key.hasSuffix(".tmp") } == whole.files(part), "\(part)")
    }
  }

  @Test("patch masks need no basis: nothing is waited for")
  func patches() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, mask: "rule: closest", add: "[patches]")
    let server = try RunningServer(path, in: folder)
    try waitUntil { folder.data("out/00000.tar") != nil || !server.process.isRunning }
    #expect(server.end(SIGTERM) == 0)
    #expect(folder.data(".tamis/models/pca/manifest.json") == nil)
  }

  @Test("a daemon refuses at the start a PCA that limits.memory cannot hold, with the number needed")
  func refused() throws {
    let folder = try TemporaryFolder()
    _ = try folder.addSamples()
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 64 } }
      publish: { path: out/, add: [mask] }
      limits: { memory: 1GiB }

      """)
    let result = try tamis("serve", recipe)
    #expect(
      result.status == 2
        && result.errors.contains(
          "limits.memory: the full PCA of 64 x 64 images needs 3.4 GiB, the limit is 1.0 GiB"),
      "\(result.errors)")
    #expect(folder.data(".tamis/stream.json") == nil)
  }
}
