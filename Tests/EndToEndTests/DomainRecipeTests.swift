import Foundation
import Testing

/// `prune.domain` in recipes, beside NumPy: run, pipe and serve.
@Suite struct DomainRecipeTests {
  private func recipe(_ folder: TemporaryFolder, _ domain: String, more: String = "") throws -> String {
    _ = try folder.addSamples()
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16 }, image: { encoder: pixels } }
      prune:
        domain: \(domain)
      \(more)
      publish: { path: out/ }
      daemon: { fit: { after_samples: 200 }, quiet_seconds: 0 }

      """)
  }

  private static let mix = "{ head: head.npz, mix: { natural: 2, rendition: 1 }, seed: 5 }"
  private static let mixRule = #"{"mix":{"natural":2,"rendition":1},"seed":5}"#

  private func pipe(_ folder: TemporaryFolder, _ shard: String) throws -> String {
    let paths = ["in/\(shard).tar", "p.tar"].map { "'\(folder.path)/\($0)'" }
    let result = try run(
      "/bin/sh",
      ["-c", "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' < \(paths[0]) > \(paths[1])"])
    #expect(result.status == 0, "\(result.errors)")
    return try tamis("check", folder.path + "/p.tar").output
  }

  @Test(
    "run keeps what NumPy keeps; nothing is done twice; pipe keeps of a shard what the run kept",
    arguments: [
      ("{ head: head.npz }", "{}"),
      ("{ head: head.npz, keep: rendition, ambiguous: keep }", #"{"keep":["rendition"],"ambiguous":true}"#),
      (mix, mixRule),
      (
        "{ head: head.npz, mix: { natural: 2, rendition: 1 }, total: 90 }",
        #"{"mix":{"natural":2,"rendition":1},"total":90}"#
      ),
    ])
  func recipes(domain: String, rule: String) throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("domains.py", ["some", "%/head.npz", "128"])
    let path = try recipe(folder, domain)
    let result = try tamis("run", path)
    #expect(result.status == 0 && result.output.contains("outside the domain"), "\(result.errors)")
    #expect(result.errors.contains("domain keeps "), "\(result.errors)")
    let kept = try #require(folder.data("out/__len__").map { String(decoding: $0, as: UTF8.self) })
    try folder.expectOracle("domains.py", ["workspace", "%/.tamis", "%/head.npz", rule], kept)
    #expect(try tamis("run", path).output.contains("othing"))
    #expect(try tamis("verify", folder.path + "/.tamis").status == 0)
    // Without the head: the plan has its own copy.
    try FileManager.default.moveItem(atPath: folder.path + "/head.npz", toPath: folder.path + "/gone.npz")
    let count = """
      import numpy as np, sys
      print(int(np.load(sys.argv[1] + '/verdicts/00002.npy')['kept'].sum()))
      """
    let number = try run(Repository.python, ["-c", count, folder.path + "/.tamis"]).output.dropLast()
    #expect(try pipe(folder, "00002").contains(": \(number) samples, ok"))
  }

  @Test(
    "another head, or another mixture, prunes anew; later stages have what is left; explain tells the class")
  func stages() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("domains.py", ["some", "%/head.npz", "128"])
    let more = "  filter: \"width > 100\"\n  concepts: { keep: 0.5 }"
    let path = try recipe(folder, "{ head: head.npz, ambiguous: keep }", more: more)
    #expect(try tamis("run", path, "-q").status == 0)
    let script = """
      import numpy as np, sys
      work, wanted = sys.argv[1], int(sys.argv[2])
      v = np.load(work + '/verdicts/00001.npy')
      assert set(v['reason'].tolist()) >= {0, 3, 5}, set(v['reason'].tolist())
      print(open(work + '/columns/00001/keys.txt').read().split()[int(np.argmax(v['reason'] == wanted))])
      """
    for (reason, headline) in [(5, "dropped by the domain stage"), (0, "kept")] {
      let key = try run(Repository.python, ["-c", script, folder.path + "/.tamis", "\(reason)"])
      #expect(key.status == 0, "\(key.errors)")
      let story = try tamis("explain", String(key.output.dropLast()), "-w", folder.path + "/.tamis")
      #expect(story.output.contains(headline) && story.output.contains("  domain: "), "\(story)")
      #expect(story.output.contains("(from 0.6000), rendition 0."), "\(story.output)")
    }
    let before = folder.files(".tamis/verdicts")
    let other =
      "import numpy as np, sys; h = dict(np.load(sys.argv[1])); h['weights'] *= -1; np.savez(sys.argv[1], **h)"
    #expect(try run(Repository.python, ["-c", other, folder.path + "/head.npz"]).status == 0)
    #expect(try tamis("run", path, "-q", "--replace").status == 0)
    #expect(folder.files(".tamis/verdicts") != before)
    // Without the stage its model goes.
    _ = try folder.write("recipe.yaml", "input: { path: in/ }\npublish: { path: out/ }\n")
    #expect(try tamis("run", path, "-q", "--replace").status == 0)
    #expect(folder.data(".tamis/models/domain/manifest.json") == nil)
  }

  @Test("a stream applies head and cuts to every shard; a restart changes nothing", arguments: [false, true])
  func serve(isMixed: Bool) throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("domains.py", ["some", "%/head.npz", "128"])
    let path = try recipe(folder, isMixed ? Self.mix : "{ head: head.npz }")
    for _ in 0..<2 {
      let server = try RunningServer(path, in: folder)
      try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil }
      #expect(server.end(SIGTERM) == 0)
      let kept = try #require(folder.data("out/__len__").map { String(decoding: $0, as: UTF8.self) })
      try folder.expectOracle(
        "domains.py", ["workspace", "%/.tamis", "%/head.npz", isMixed ? Self.mixRule : "{}", "streamed"], kept
      )
    }
  }

  @Test("a head is trained on the labelled samples of a workspace, and used there")
  func trainedOnAWorkspace() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, "{ head: trained.npz, keep: [left] }")
    for stage in ["ingest", "fit"] { #expect(try tamis(stage, path, "-q").status == 0) }
    try folder.expectOracle("domains.py", ["label", "%/.tamis", "%/labels.tsv"])
    let trained = try tamis(
      "domain", "train", "-w", folder.path + "/.tamis", "--labels", folder.path + "/labels.tsv",
      "--precision",
      "0.6", "--held-out", "0.4", "-o", folder.path + "/trained.npz")
    #expect(trained.status == 0, "\(trained.errors)")
    for stage in ["prune", "publish"] { #expect(try tamis(stage, path, "-q").status == 0) }
    try folder.expectOracle(
      "domains.py", ["workspace", "%/.tamis", "%/trained.npz", #"{"keep":["left"]}"#])
  }

  @Test("mistakes of the recipe and of the head are told")
  func mistakes() throws {
    let folder = try TemporaryFolder()
    for (domain, message) in [
      ("{ }", "prune.domain.head: missing"), ("{ head: h.npz, kept: [a] }", "did you mean 'keep'"),
      ("{ head: h.npz, keep: [a], mix: { a: 1 } }", "prune.domain.keep: give either keep or mix"),
      ("{ head: h.npz, total: 5 }", "prune.domain.total: belongs to mix"),
      ("{ head: h.npz, mix: { a: 0 } }", "prune.domain.mix: the part of a is"),
      ("{ head: h.npz, mix: [a, b] }", "prune.domain.mix: expected parts by class"),
      ("{ head: h.npz, mix: { a: 1 }, ambiguous: keep }", "prune.domain.ambiguous: a mixture has no"),
      ("{ head: h.npz, mix: { a: 1 }, total: 0 }", "prune.domain.total"),
    ] {
      let recipe = try folder.write("recipe.yaml", "input: { path: in/ }\nprune: { domain: \(domain) }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && result.errors.contains(message), "\(domain): \(result.errors)")
    }
    let path = try recipe(folder, "{ head: head.npz, keep: [paint] }")
    let missing = try tamis("run", path, "-q")
    #expect(missing.status == 2 && missing.errors.contains("head.npz: no such file"), "\(missing.errors)")
    try folder.expectOracle("domains.py", ["some", "%/head.npz", "128"])
    let unknown = try tamis("run", path, "-q")
    #expect(unknown.status == 2 && unknown.errors.contains("no class 'paint'"), "\(unknown.errors)")
    try folder.expectOracle("domains.py", ["some", "%/head.npz", "64"])
    let narrow = try tamis("run", path, "-q")
    #expect(narrow.status == 2 && narrow.errors.contains("rows of 64 values"), "\(narrow.errors)")
  }
}
