import Features
import Shards

/// Draws the mask of each sample, of components or of patches, by its key or by its batch.
struct MaskDrawer {
  /// One of the two is there.
  private var components: ComponentMasker?
  private var blocks: BlockMasker?
  private let scope: Recipe.MaskScope
  private let batch: Int
  private var latest: (batch: Int, mask: (bits: [UInt8], draw: ComponentMasker.Draw))?

  /// Bits of a mask.
  let count: Int
  /// What a bit is and how it was drawn.
  let manifest: MaskManifest

  /// Masks of components.
  ///
  /// - Parameters:
  ///   - ratios: `eigenvalues_ratio.npy`.
  ///   - basis: its hash, for the manifest.
  init(
    _ mask: Recipe.Mask, ratios: [Float], epoch: UInt64, basis: String?
  ) throws(PipelineError) {
    components = try Self.masker(
      ratios, mask.low, mask.high, rule: mask.rule, mode: mask.mode, seed: mask.seed, epoch: epoch)
    (scope, batch, count) = (mask.scope, mask.batch, ratios.count)
    manifest = MaskManifest(mask, count: ratios.count, epoch: epoch, basis: basis)
  }

  /// Masks of patches.
  init(_ patches: Recipe.Patches, epoch: UInt64) throws(PipelineError) {
    let (count, low, high) = (patches.rows * patches.columns, patches.low, patches.high)
    switch patches.kind {
    case .random:
      components = try Self.masker(
        [Float](repeating: 1 / Float(count), count: count), low, high, rule: .closest, mode: .random,
        seed: patches.seed, epoch: epoch)
    case .blocks:
      do {
        blocks = try BlockMasker(
          rows: patches.rows, columns: patches.columns, share: Self.share(low, high), seed: patches.seed,
          epoch: epoch)
      } catch { throw Self.badShare }
    }
    (scope, batch, self.count) = (patches.scope, patches.batch, count)
    manifest = MaskManifest(patches, epoch: epoch)
  }

  /// Bytes of a mask.
  var byteCount: Int { (count + 7) / 8 }

  /// The mask of a sample.
  ///
  /// - Parameter position: in publish order; the batch is position div `batch`.
  mutating func mask(key: ArraySlice<UInt8>, position: Int) -> (bits: [UInt8], draw: ComponentMasker.Draw) {
    guard scope == .batch else { return draw(key) }
    let index = position / batch
    if let latest, latest.batch == index { return latest.mask }
    let mask = draw(Array("batch:\(index)".utf8)[...])
    latest = (index, mask)
    return mask
  }

  private mutating func draw(_ key: ArraySlice<UInt8>) -> (bits: [UInt8], draw: ComponentMasker.Draw) {
    let hash = KeyUniqueness.hashWords(key).0
    return components?.mask(keyHash: hash) ?? blocks!.mask(keyHash: hash)
  }

  private static func share(_ low: Double, _ high: Double) -> ComponentMasker.Share {
    low == high ? .fixed(low) : .uniform(low, high)
  }

  private static var badShare: PipelineError {
    PipelineError(.usage, "a mask ratio must be above 0 and below 1, low before high")
  }

  private static func masker(
    _ ratios: [Float], _ low: Double, _ high: Double, rule: ComponentMasker.Rule, mode: ComponentMasker.Mode,
    seed: UInt64, epoch: UInt64
  ) throws(PipelineError) -> ComponentMasker {
    do {
      return try ComponentMasker(
        ratios: ratios, share: share(low, high), rule: rule, mode: mode, seed: seed, epoch: epoch)
    } catch {
      switch error {
      case .noComponents: throw PipelineError(.badData, "the basis has no components")
      case .badRatio(let component):
        throw PipelineError(
          .badData, "eigenvalues_ratio.npy: component \(component) is negative or not finite")
      case .badShare: throw badShare
      }
    }
  }
}

/// What a mask file holds: part of OUT's manifest, and the sidecar of `tamis masks`.
struct MaskManifest: Codable, Equatable {
  /// What a bit stands for: `component` or `patch`.
  var bit: String
  /// Bits of a mask; the bytes after them are padded with 0.
  var count: Int
  var order = "bit l is byte l/8, bit l mod 8 (LSB first); 1 = masked"
  /// Rows and columns of patches; patch y·columns + x.
  var grid: [Int]?
  /// `random` or `blocks`, of patches.
  var kind: String?
  /// Bounds of the share masked: of the variance, or of the patches.
  var ratio: [Double]
  var rule: String?
  var mode: String?
  var seed: UInt64
  var epoch: UInt64
  var scope: String
  /// Samples that share a mask, under `scope: batch`.
  var batch: Int?
  /// The `basis_sha256` of the PCA.
  var basis: String?

  init(_ mask: Recipe.Mask, count: Int, epoch: UInt64, basis: String?) {
    bit = "component"
    self.count = count
    ratio = [mask.low, mask.high]
    (rule, mode) = (mask.rule.rawValue, mask.mode.rawValue)
    (seed, self.epoch, scope) = (mask.seed, epoch, mask.scope.rawValue)
    batch = mask.scope == .batch ? mask.batch : nil
    self.basis = basis
  }

  init(_ patches: Recipe.Patches, epoch: UInt64) {
    bit = "patch"
    count = patches.rows * patches.columns
    grid = [patches.rows, patches.columns]
    kind = patches.kind.rawValue
    ratio = [patches.low, patches.high]
    (seed, self.epoch, scope) = (patches.seed, epoch, patches.scope.rawValue)
    batch = patches.scope == .batch ? patches.batch : nil
  }
}
