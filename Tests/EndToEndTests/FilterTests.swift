import Foundation
import Testing

/// `prune.filter` and `--filter`, beside NumPy.
struct FilterTests {
  private static let filter = "min(width, height) >= 128 and (words > 3 or format == png) and sharpness > 60"

  private func recipe(_ folder: TemporaryFolder, _ more: String = "") throws -> String {
    _ = try folder.addSamples(names: ["00000", "00001", "00002", "00003"])
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: 16 }, image: { encoder: pixels }, quality: true }
      prune:
        filter: "\(Self.filter)"
      \(more)
      publish: { path: out/ }
      daemon: { fit: { after_samples: 100 }, quiet_seconds: 0 }

      """)
  }

  private static let check = """
    import numpy as np, sys
    work, reasons = sys.argv[1], set(map(int, sys.argv[2].split(',')))
    seen = set()
    for shard in open(work + '/verdicts/shards.txt').read().split():
        s, q = (np.load(f'{work}/columns/{shard}/{name}.npy') for name in ('samples', 'quality'))
        v = np.load(f'{work}/verdicts/{shard}.npy')
        passes = ((np.minimum(s['width'], s['height']) >= 128) & ((q['caption_words'] > 3) | (s['format'] == 2))
                  & (q['sharpness'] > 60))
        assert ((v['reason'] == 6) == ~passes).all(), shard
        assert not v['kept'][~passes].any() and (v['kept'] == (v['reason'] == 0)).all()
        seen |= set(v['reason'].tolist())
    assert seen == reasons, seen
    """

  private func expect(_ folder: TemporaryFolder, reasons: String) throws {
    let result = try run(Repository.python, ["-c", Self.check, folder.path + "/.tamis", reasons])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("run drops what does not pass before all else; a filter alone needs no rows; explain says so")
  func recipes() throws {
    let folder = try TemporaryFolder()
    let alone = try tamis("run", try recipe(folder), "-q")
    #expect(alone.status == 0, "\(alone.errors)")
    try expect(folder, reasons: "0,6")
    let pruned = try tamis(
      "run", try recipe(folder, "  dedup: { epsilon: auto }\n  concepts: { keep: 0.5 }"), "-q", "--replace")
    #expect(pruned.status == 0, "\(pruned.errors)")
    try expect(folder, reasons: "0,1,3,6")
    let again = try tamis("run", folder.path + "/recipe.yaml")
    #expect(again.output.contains("othing"), "\(again.output)")
    let script = """
      import numpy as np, sys
      v = np.load(sys.argv[1] + '/verdicts/00000.npy')
      print(open(sys.argv[1] + '/columns/00000/keys.txt').read().split()[int(np.argmax(v['reason'] == 6))])
      """
    let key = try run(Repository.python, ["-c", script, folder.path + "/.tamis"]).output.dropLast()
    let story = try tamis("explain", String(key), "-w", folder.path + "/.tamis")
    #expect(story.output.contains("dropped by the filter"), "\(story.output)")

    // A shard through the frozen plan: what the run kept of it.
    let kept = """
      import numpy as np, sys
      v = np.load(sys.argv[1] + '/verdicts/00002.npy')
      print(int(v['kept'].sum()))
      """
    let count = try run(Repository.python, ["-c", kept, folder.path + "/.tamis"]).output.dropLast()
    let pipe = try run(
      "/bin/sh",
      [
        "-c",
        "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' < '\(folder.path)/in/00002.tar' > '\(folder.path)/p.tar'",
      ])
    #expect(pipe.status == 0, "\(pipe.errors)")
    #expect(try tamis("check", folder.path + "/p.tar").output.contains(": \(count) samples, ok"))
  }

  @Test(
    "a stream filters every shard, with and without other stages",
    arguments: ["", "  concepts: { keep: 0.5 }"])
  func serve(more: String) throws {
    let folder = try TemporaryFolder()
    let server = try RunningServer(try recipe(folder, more), in: folder)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil }
    #expect(server.end(SIGTERM) == 0)
    try expect(folder, reasons: more.isEmpty ? "0,6" : "0,3,6")
  }

  @Test("--filter on arrays drops the same rows")
  func arrays() throws {
    let folder = try TemporaryFolder()
    #expect(try tamis("run", try recipe(folder), "-q").status == 0)
    let columns = folder.path + "/.tamis/columns/00001/"
    let script = """
      import numpy as np, sys
      np.save(sys.argv[2], np.eye(len(np.load(sys.argv[1] + 'samples.npy')), dtype='f4'))
      """
    #expect(try run(Repository.python, ["-c", script, columns, folder.path + "/rows.npy"]).status == 0)
    let result = try tamis(
      "prune", "--image-embeddings", folder.path + "/rows.npy", "--filter", Self.filter, "--columns",
      columns + "samples.npy", "--columns", columns + "quality.npy", "-q", "-o", folder.path + "/pruned")
    #expect(result.status == 0, "\(result.errors)")
    let same = """
      import numpy as np, sys
      keep = np.load(sys.argv[1] + '/pruned/keep.npy')
      assert (keep == np.load(sys.argv[1] + '/.tamis/verdicts/00001.npy')['kept']).all() and 0 < keep.sum() < len(keep)
      """
    let checked = try run(Repository.python, ["-c", same, folder.path])
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test("mistakes and unknown columns are told with their place")
  func mistakes() throws {
    let folder = try TemporaryFolder()
    for (filter, message) in [
      ("width >", "prune.filter: at 8: expected a number"),
      ("hue > 1", "prune.filter: unknown column hue; there are"),
      ("words > 1", "words is in quality.npy"),
    ] {
      let recipe = try folder.write("recipe.yaml", "input: { path: in/ }\nprune: { filter: \"\(filter)\" }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }
    let flag = try tamis(
      "prune", "--image-embeddings", "x.npy", "--filter", "a >", "--columns", "c.npy", "-o", "y")
    #expect(flag.status == 2 && flag.errors.contains("--filter: at 4"), "\(flag.errors)")
  }
}
