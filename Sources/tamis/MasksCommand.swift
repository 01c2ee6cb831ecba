import ArgumentParser
import Features
import Pipeline

struct MasksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "masks", abstract: "Masks of components or patches for keys and an epoch, as one array.",
    discussion: """
      Bit l of a row is byte l/8, bit l mod 8 (LSB first); 1 = masked. P.ratio.npy holds the ratio drawn and the
      ratio realised, P.json what a bit is. NumPy's Philox gives the same masks. With --emit, what the basis makes of
      the rows of --pixels goes to P.coefficients.npy, P.visible.npy and P.target.npy.

      Examples:
        tamis masks --pca models/pca --count 1000 --ratio 0.2 -o masks.npy
        tamis masks --pca models/pca --keys keys.txt --ratio-range 0.1:0.9 --epoch 3 -o epoch3.npy
        tamis masks --pca models/pca --count 5120 --ratio 0.2 --scope batch --batch 512 -o batches.npy
        tamis masks --patches 14x14 --patch-kind blocks --count 1000 --ratio 0.4 -o blocks.npy
        tamis masks --pca .tamis/models/pca --pixels .tamis/columns/00000/thumbnail.npy \\
          --keys .tamis/columns/00000/keys.txt --ratio 0.2 --emit visible,target -o 00000.npy
      """)

  @Option(help: "Directory with eigenvalues_ratio.npy; with --emit, a whole basis.")
  var pca: String?

  @Option(help: "HxW: mask the patches of such a grid instead of components.")
  var patches: String?

  @Option(help: "random: patch by patch; blocks: rectangles.")
  var patchKind = Recipe.PatchKind.random

  @Option(help: "Number of masks. With --keys: its number of lines. With --pixels: its number of rows.")
  var count: Int?

  @Option(help: "Share of the variance, or of the patches, to mask, between 0 and 1.")
  var ratio: Double?

  @Option(help: "A:B, the share is drawn uniformly between the two.")
  var ratioRange: String?

  @Option(help: "closest: the nearest sum; reference: the published rule.")
  var rule = ComponentMasker.Rule.closest

  @Option(help: "random; top: the leading components are masked; bottom: the trailing ones.")
  var mode = ComponentMasker.Mode.random

  @Option(help: "sample: a mask for each key; batch: row i has the key batch:<i div B>.")
  var scope = Recipe.MaskScope.sample

  @Option(help: "B, rows that share a mask under --scope batch.")
  var batch = Recipe.Mask().batch

  @Option(help: "Seed.")
  var seed: UInt64 = 0

  @Option(help: "Epoch.")
  var epoch: UInt64 = 0

  @Option(help: "Keys, one a line. Default: row i has the key i in decimal.")
  var keys: String?

  @Option(help: "Images |u1 (n, H, W, 3), or rows (n, D), for --emit.")
  var pixels: String?

  @Option(help: "Comma-separated: coefficients, visible, target.")
  var emit: String?

  @Option(help: "coefficients: the masked ones, zero elsewhere; pixels: the masked part of the image.")
  var target = Recipe.MaskTarget.coefficients

  @Option(help: "float32 or float16, of what --emit makes.")
  var dtype = Recipe.FieldType.float32

  @OptionGroup var limits: LimitOptions

  @Option(name: .shortAndLong, help: "File to write: P.npy, with P.ratio.npy and P.json beside it.")
  var output: String

  private var range: (Double, Double)? {
    if let ratio, ratioRange == nil { return (ratio, ratio) }
    guard ratio == nil, let parts = ratioRange?.split(separator: ":").map({ Double($0) }), parts.count == 2,
      let low = parts[0], let high = parts[1]
    else { return nil }
    return (low, high)
  }

  private var grid: (Int, Int)? {
    guard let sides = patches?.split(separator: "x").map({ Int($0) }), sides.count == 2,
      let rows = sides[0], let columns = sides[1], (1...4000).contains(rows), (1...4000).contains(columns)
    else { return nil }
    return (rows, columns)
  }

  private var fields: [Recipe.Publish.Added]? {
    let names = (emit ?? "").split(separator: ",").map { Recipe.Publish.Added(rawValue: String($0)) }
    let known = names.compactMap(\.self).filter { [.coefficients, .visible, .target].contains($0) }
    return known.count == names.count ? known : nil
  }

  func validate() throws {
    guard range != nil else { throw ValidationError("Give --ratio R or --ratio-range A:B.") }
    if count == nil, keys == nil, pixels == nil {
      throw ValidationError("Give --count N, --keys FILE or --pixels FILE.")
    }
    guard (pca == nil) != (patches == nil) else { throw ValidationError("Give --pca DIR or --patches HxW.") }
    if patches != nil, grid == nil { throw ValidationError("--patches: HxW, each 1 to 4000.") }
    guard batch >= 1 else { throw ValidationError("--batch must be at least 1.") }
    if scope == .batch, keys != nil {
      throw ValidationError("--scope batch has keys of its own; give --count instead of --keys.")
    }
    guard let fields else { throw ValidationError("--emit: coefficients, visible or target.") }
    guard fields.isEmpty == (pixels == nil) else { throw ValidationError("--emit and --pixels go together.") }
    if patches != nil, pixels != nil { throw ValidationError("--emit needs --pca.") }
  }

  func run() throws {
    let (low, high) = range!
    var request: ArrayMasks.Request
    if let pca {
      var mask = Recipe.Mask()
      (mask.low, mask.high, mask.rule, mask.mode, mask.seed) = (low, high, rule, mode, seed)
      (mask.scope, mask.batch, mask.target, mask.dtype) = (scope, batch, target, dtype)
      request = ArrayMasks.Request(.components(pca, mask), output: output)
    } else {
      var masks = Recipe.Patches()
      (masks.rows, masks.columns) = grid!
      (masks.low, masks.high, masks.kind, masks.seed) = (low, high, patchKind, seed)
      (masks.scope, masks.batch) = (scope, batch)
      request = ArrayMasks.Request(.patches(masks), output: output)
    }
    (request.count, request.keys, request.epoch) = (count, keys, epoch)
    (request.pixels, request.emit, request.limits) = (pixels, fields!, limits.limits)
    _ = try ArrayMasks.run(request)
  }
}
