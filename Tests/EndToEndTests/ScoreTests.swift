import Foundation
import Testing

/// The score of image and caption in recipes: `prune.score`, by models for both.
struct ScoreTests {
  private func folder(_ prune: String) throws -> (TemporaryFolder, recipe: String) {
    let folder = try TemporaryFolder()
    try folder.expectOracle("onnx_models.py", ["%"])
    try folder.expectOracle(
      "onnx_captions.py", ["make", Repository.root + "/Tests/FeaturesTests/Goldens/tokenizers.json", "%"])
    _ = try folder.addSamples(names: ["00000", "00001", "00002", "00003"])
    let recipe = try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features:
        image: { model: joint.onnx, preset: clip }
        text: { model: joint.onnx, tokenizer: bytepair.json }
      prune:
      \(prune)
      publish: { path: out/, samples_per_shard: 60 }
      daemon: { fit: { after_samples: 100 }, quiet_seconds: 0 }

      """)
    return (folder, recipe)
  }

  @Test("scores are joint · text of the columns, the lowest are dropped, and a second run does nothing")
  func run() throws {
    let (folder, recipe) = try folder("  dedup: { epsilon: 0.001, rule: score }\n  score: { keep: 0.6 }")
    let result = try tamis("run", recipe, "-q", environment: EmbedTests.runtime)
    #expect(result.status == 0, "\(result.errors)")
    let script = """
      import glob, numpy as np, sys
      work = sys.argv[1]
      shards = open(work + '/verdicts/shards.txt').read().split()
      column = lambda name: np.concatenate([np.load(f'{work}/columns/{s}/{name}.npy') for s in shards])
      image, joint, text = (column(name).astype(np.float64) for name in ('image', 'joint', 'text'))
      v = np.concatenate([np.load(f'{work}/verdicts/{s}.npy') for s in shards])
      assert (image == joint).all() and joint.shape[1] == 32
      spoken = (text != 0).any(1)
      assert abs(np.linalg.norm(text[spoken], axis=1) - 1).max() < 2e-3 and not spoken.all()
      scores = (joint * text).sum(1).astype(np.float32)
      assert np.isnan(v['score'][~spoken]).all()
      assert abs(v['score'][spoken] - scores[spoken]).max() < 1e-6
      left = v[v['reason'] != 1]
      keep = int(0.6 * len(left))
      ranked = np.sort(left['score'][~np.isnan(left['score'])])[::-1]
      assert (left['kept'] == (left['score'] >= ranked[min(keep, len(ranked)) - 1])).all()
      assert 0 < (v['reason'] == 1).sum() and set(left['reason']) == {0, 2}
      """
    let checked = try EndToEndTests.run(Repository.python, ["-c", script, folder.path + "/.tamis"])
    #expect(checked.status == 0, "\(checked.errors)")
    let again = try tamis("run", recipe, environment: EmbedTests.runtime)
    #expect(again.status == 0 && again.output.contains("othing"), "\(again.output)")
    #expect(try tamis("verify", folder.path + "/.tamis").status == 0)

    // A shard alone through the frozen plan keeps what the run kept of it.
    let pipe = try EndToEndTests.run(
      "/bin/sh",
      [
        "-c",
        "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' < '\(folder.path)/in/00001.tar' | tar -t | sed 's/[.].*//' | uniq",
      ], environment: EmbedTests.runtime)
    let kept = """
      import numpy as np, sys
      work = sys.argv[1]
      keys = open(work + '/columns/00001/keys.txt').read().split()
      print('\\n'.join(k for k, v in zip(keys, np.load(work + '/verdicts/00001.npy')['kept']) if v))
      """
    let expected = try EndToEndTests.run(Repository.python, ["-c", kept, folder.path + "/.tamis"])
    #expect(expected.status == 0 && pipe.output == expected.output, "\(pipe.errors)")
  }

  @Test("a stream keeps what reaches the least score that its plan was fitted with")
  func serve() throws {
    let (folder, recipe) = try folder("  score: { keep: 0.5 }")
    // The first shard fits the plan, the others pass through it.
    let server = try RunningServer(recipe, in: folder, environment: EmbedTests.runtime)
    try waitUntil { folder.data(".tamis/verdicts/00003.npy") != nil }
    #expect(server.end(SIGTERM) == 0)
    let script = """
      import json, numpy as np, sys
      work = sys.argv[1]
      cut = json.load(open(work + '/verdicts/manifest.json'))['score_cut']
      for shard in open(work + '/verdicts/shards.txt').read().split():
          v = np.load(f'{work}/verdicts/{shard}.npy')
          joint, text = (np.load(f'{work}/columns/{shard}/{c}.npy').astype(np.float64) for c in ('joint', 'text'))
          scores = (joint * text).sum(1)
          assert (v['kept'] == ((scores >= cut - 1e-7) & (text != 0).any(1))).all(), shard
          assert set(v['reason']) == {0, 2}
      """
    let checked = try EndToEndTests.run(Repository.python, ["-c", script, folder.path + "/.tamis"])
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test("a score without captions in the images' space is refused with what to write")
  func refusals() throws {
    let folder = try TemporaryFolder()
    for (features, key) in [
      ("{}", "score: { keep: 0.5 }"), ("{ text: { encoder: ngrams } }", "score: { min: 0.2 }"),
      ("{ text: { model: t.onnx, tokenizer: t.json } }", "dedup: { epsilon: 0.1, rule: score }"),
    ] {
      let recipe = try folder.write(
        "recipe.yaml", "input: { path: in/ }\nfeatures: \(features)\nprune: { \(key) }\n")
      let result = try tamis("recipe", "check", recipe)
      #expect(result.status == 2 && result.errors.contains("minilm-conse"), "\(result.errors)")
    }
  }
}
