import Features
import Shards

/// `tamis masks`: masks as one array, for later epochs or other trainers, and on request what a basis makes of rows
/// with them.
public enum ArrayMasks {
  /// What to draw.
  public struct Request: Sendable {
    /// Which bits a mask has.
    public enum Kind: Sendable {
      /// Components of the basis in this directory.
      case components(String, Recipe.Mask)
      /// Patches of a grid.
      case patches(Recipe.Patches)
    }

    public var kind: Kind
    /// Number of masks; with `keys` nil or equal to its number of lines.
    public var count: Int?
    /// File of keys, one a line; nil: row i has the key decimal ASCII of i.
    public var keys: String?
    public var epoch: UInt64 = 0
    /// Rows for what `emit` lists: `|u1 (n, H, W, 3)`, or `(n, D)` of u8, f2, f4 or f8, one a mask.
    public var pixels: String?
    /// Of coefficients, visible and target; each is an array `P.<name>.npy`.
    public var emit: [Recipe.Publish.Added] = []
    public var limits = Recipe.Limits()
    /// `P.npy`; `P.ratio.npy` and `P.json` go beside it.
    public var output: String

    public init(_ kind: Kind, output: String) { (self.kind, self.output) = (kind, output) }
  }

  /// Writes `|u1 (N, ceil(L/8))`, `P.ratio.npy <f4 (N, 2)` = drawn, realised, and `P.json`, which says what a bit is.
  /// Returns N.
  public static func run(_ request: Request) throws -> Int {
    var drawer: MaskDrawer
    switch request.kind {
    case .components(let pca, let mask):
      let ratios = try ArrayFiles.floats(pca + "/eigenvalues_ratio.npy")
      drawer = try MaskDrawer(
        mask, ratios: ratios, epoch: request.epoch, basis: try PCAFiles.manifest(pca)?.basisSHA256)
    case .patches(let patches):
      drawer = try MaskDrawer(patches, epoch: request.epoch)
    }
    let keys = try request.keys.map(ArrayFiles.keys)
    var rows = try MaskedRows(request)
    let count = keys?.count ?? request.count ?? rows?.count ?? 0
    guard count > 0 else { throw PipelineError(.usage, "--count: at least one mask") }
    if let keys, let wanted = request.count, wanted != keys.count {
      throw PipelineError(.usage, "--count \(wanted), but \(request.keys!) has \(keys.count) keys")
    }
    if let there = rows?.count, there != count {
      throw PipelineError(.usage, "\(count) masks, but \(request.pixels!) has \(there) rows")
    }
    guard try FileStatus(path: request.output)?.isDirectory != true else {
      throw PipelineError(.usage, "\(request.output): is a directory, not a file")
    }
    try Directory.create(Directory.parent(of: request.output))
    let stem = request.output.hasSuffix(".npy") ? String(request.output.dropLast(4)) : request.output
    let paths = (masks: stem + ".npy", ratios: stem + ".ratio.npy")
    var masks = try NpyWriter(path: temporary(paths.masks), type: .uint8, rowShape: [drawer.byteCount])
    var ratios = try NpyWriter(path: temporary(paths.ratios), type: .float32, rowShape: [2])
    let step = rows?.blockRows ?? 1024
    for first in stride(from: 0, to: count, by: step) {
      var bits: [UInt8] = []
      for row in first..<min(first + step, count) {
        let key = keys?[row] ?? Array("\(row)".utf8)[...]
        let mask = drawer.mask(key: key, position: row)
        bits += mask.bits
        try ratios.append(NpyFile.bytes(of: [mask.draw.drawn, mask.draw.realised]))
      }
      try masks.append(bits)
      try rows?.write(first..<min(first + step, count), masks: bits, to: stem)
    }
    try rows?.finish(stem)
    try masks.finish()
    try ratios.finish()
    try AtomicFile.write(try JSON.file(drawer.manifest), to: stem + ".json")
    try Directory.rename(temporary(paths.ratios), to: paths.ratios)
    try Directory.rename(temporary(paths.masks), to: paths.masks)
    return count
  }

  static func temporary(_ path: String) -> String {
    Directory.parent(of: path) + "/." + Directory.name(of: path) + ".tmp"
  }
}
