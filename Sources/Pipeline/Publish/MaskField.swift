import Features
import Shards

/// Makes the `mask.npy` of published samples: the component mask of the sample's key at epoch 0 (rule 5).
struct MaskField {
  /// The basis's SHA-256, as in its manifest.
  let basis: String
  private var masker: ComponentMasker

  /// - Parameter path: `models/pca`.
  init(_ recipe: Recipe, _ path: String) throws {
    guard let manifest = try PCAFiles.manifest(path) else {
      throw PipelineError(.usage, "publish.add: a mask needs a PCA; run `tamis fit` first")
    }
    basis = manifest.basisSHA256
    let mask = recipe.features.pca?.mask ?? Recipe.Mask()
    let reader = try NpyReader(path: path + "/eigenvalues_ratio.npy")
    masker = try MaskField.masker(
      ratios: try reader.floats(0..<reader.rowCount), low: mask.low, high: mask.high, rule: mask.rule,
      seed: mask.seed, epoch: 0)
  }

  /// A masker with its errors in words.
  static func masker(
    ratios: [Float], low: Double, high: Double, rule: ComponentMasker.Rule, seed: UInt64, epoch: UInt64
  ) throws(PipelineError) -> ComponentMasker {
    do {
      return try ComponentMasker(
        ratios: ratios, share: low == high ? .fixed(low) : .uniform(low, high), rule: rule, seed: seed,
        epoch: epoch)
    } catch {
      switch error {
      case .noComponents: throw PipelineError(.badData, "the basis has no components")
      case .badRatio(let component):
        throw PipelineError(
          .badData, "eigenvalues_ratio.npy: component \(component) is negative or not finite")
      case .badShare: throw PipelineError(.usage, "a mask ratio must be above 0 and below 1, low before high")
      }
    }
  }

  /// Adds the field, replacing one of that name.
  mutating func add(to sample: inout PublishedSample) {
    let bits = masker.mask(keyHash: KeyUniqueness.hashWords(sample.key[...]).0).bits
    sample.set("mask.npy", vector: bits)
  }
}
