import Foundation
import Testing

/// `features.pca.fit_on: kept`: the basis of what pruning keeps.
struct FitOnKeptTests {
  private func recipe(_ folder: TemporaryFolder, _ names: [String], size: Int = 8, filter: Int = 96) throws
    -> String
  {
    _ = try folder.addSamples(names: names)
    return try folder.write(
      "recipe.yaml",
      """
      input: { path: in/ }
      features: { pca: { size: \(size), fit_on: kept, mask: { seed: 7 } } }
      prune: { filter: "min(width, height) > \(filter)" }
      publish: { path: out/, add: [mask, coefficients] }
      daemon: { fit: { after_samples: 100 }, quiet_seconds: 0 }

      """)
  }

  private static let check = """
    import json, numpy as np, sys
    work, model = sys.argv[1], sys.argv[1] + '/models/pca/'
    pixels, kept = [], []
    for shard in open(work + '/verdicts/shards.txt').read().split():
        pixels.append(np.load(f'{work}/columns/{shard}/thumbnail.npy'))
        kept.append(np.load(f'{work}/verdicts/{shard}.npy')['kept'])
    kept = np.concatenate(kept)
    x = np.concatenate(pixels)[kept].transpose(0, 3, 1, 2).reshape(kept.sum(), -1) / 255
    assert 0 < kept.sum() < len(kept)
    assert abs(np.load(model + 'mean_reshaped.npy').ravel() - x.mean(0)).max() < 1e-6
    z = (x - x.mean(0)) / np.maximum(x.std(0), 1 / 255 / 12 ** 0.5)
    values = np.linalg.eigvalsh(np.cov(z.T))[::-1][:min(len(x), x.shape[1])]
    assert abs(np.load(model + 'eigenvalues_ratio.npy') - values / values.sum()).max() < 1e-6
    print(kept.sum())
    """

  @Test("the basis is NumPy's of the kept thumbnails, with N above and below D", arguments: [8, 32])
  func numpy(size: Int) throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, ["00000", "00001", "00002", "00003"], size: size)
    let result = try tamis("run", path, "-q")
    #expect(result.status == 0, "\(result.errors)")
    let checked = try run(Repository.python, ["-c", Self.check, folder.path + "/.tamis"])
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(try tamis("run", path).output.contains("othing"))

    // Another threshold makes another basis.
    let before = folder.data(".tamis/models/pca/pc_matrix.npy")
    _ = try folder.write(
      "recipe.yaml",
      String(decoding: folder.data("recipe.yaml")!, as: UTF8.self).replacingOccurrences(
        of: "> 96", with: "> 128"))
    #expect(try tamis("run", path, "-q", "--replace").status == 0)
    #expect(folder.data(".tamis/models/pca/pc_matrix.npy") != before)
    let again = try run(Repository.python, ["-c", Self.check, folder.path + "/.tamis"])
    #expect(again.status == 0 && again.output != checked.output, "\(again.errors)")
  }

  @Test("stages one by one, other shard names and threads give the same bytes")
  func stages() throws {
    let folder = try TemporaryFolder()
    let path = try recipe(folder, ["00000", "00001", "00002", "00003"])
    #expect(try tamis("run", path, "-q").status == 0)
    let other = try TemporaryFolder()
    let swapped = try recipe(other, ["z", "y", "x", "w"])
    for stage in ["ingest", "fit", "prune", "publish"] {
      let result = try tamis(stage, swapped, "-w", other.path + "/.tamis", "-j", "1", "-q")
      #expect(result.status == 0, "\(stage): \(result.errors)")
    }
    for file in ["pc_matrix.npy", "eigenvalues.npy", "masks.png"] {
      #expect(folder.data(".tamis/models/pca/" + file) == other.data(".tamis/models/pca/" + file), "\(file)")
    }
  }

  @Test("a stream fits on what it keeps of the first shards")
  func serve() throws {
    let folder = try TemporaryFolder()
    let server = try RunningServer(try recipe(folder, ["00000"]), in: folder)
    try waitUntil { folder.data(".tamis/models/pca/manifest.json") != nil }
    #expect(server.end(SIGTERM) == 0)
    let checked = try run(Repository.python, ["-c", Self.check, folder.path + "/.tamis"])
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(try tamis("check", folder.path + "/out").status == 0)
  }

  @Test("rows that come from the basis cannot decide what it is fitted on")
  func refusal() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.write(
      "recipe.yaml",
      "input: { path: in/ }\nfeatures: { pca: { fit_on: kept } }\nprune: { dedup: { epsilon: auto } }\n")
    let result = try tamis("recipe", "check", recipe)
    #expect(
      result.status == 2 && result.errors.contains("features.pca.fit_on: kept needs another"),
      "\(result.errors)")
  }
}
