public import Features
import Shards

/// `tamis masks`: masks as one array, for later epochs or other trainers.
public enum ArrayMasks {
  /// What to draw.
  public struct Request: Sendable {
    /// Directory with `eigenvalues_ratio.npy`.
    public var pca: String
    /// Number of masks; with `keys` nil or equal to its number of lines.
    public var count: Int?
    /// File of keys, one a line; nil: row i has the key decimal ASCII of i.
    public var keys: String?
    public var low: Double
    public var high: Double
    public var rule = ComponentMasker.Rule.closest
    public var seed: UInt64 = 0
    public var epoch: UInt64 = 0
    /// `P.npy`; `P.ratio.npy` goes beside it.
    public var output: String

    public init(pca: String, low: Double, high: Double, output: String) {
      (self.pca, self.low, self.high, self.output) = (pca, low, high, output)
    }
  }

  /// Writes `|u1 (N, ceil(L/8))` and `P.ratio.npy <f4 (N, 2)` = drawn, realised. Returns N.
  public static func run(_ request: Request) throws -> Int {
    let reader = try ArrayFiles.open(request.pca + "/eigenvalues_ratio.npy")
    guard reader.shape.count == 1 else { throw NpyError(path: reader.path, "one axis is wanted") }
    var masker = try MaskField.masker(
      ratios: try reader.floats(0..<reader.rowCount), low: request.low, high: request.high,
      rule: request.rule,
      seed: request.seed, epoch: request.epoch)
    let keys = try request.keys.map(ArrayFiles.keys)
    let count = keys?.count ?? request.count ?? 0
    guard count > 0 else { throw PipelineError(.usage, "--count: at least one mask") }
    if let keys, let wanted = request.count, wanted != keys.count {
      throw PipelineError(.usage, "--count \(wanted), but \(request.keys!) has \(keys.count) keys")
    }
    guard try FileStatus(path: request.output)?.isDirectory != true else {
      throw PipelineError(.usage, "\(request.output): is a directory, not a file")
    }
    try Directory.create(Directory.parent(of: request.output))
    let stem = request.output.hasSuffix(".npy") ? String(request.output.dropLast(4)) : request.output
    let paths = (masks: stem + ".npy", ratios: stem + ".ratio.npy")
    var masks = try NpyWriter(path: temporary(paths.masks), type: .uint8, rowShape: [masker.byteCount])
    var ratios = try NpyWriter(path: temporary(paths.ratios), type: .float32, rowShape: [2])
    for row in 0..<count {
      let key = keys?[row] ?? Array("\(row)".utf8)[...]
      let (bits, draw) = masker.mask(keyHash: KeyUniqueness.hashWords(key).0)
      try masks.append(bits)
      try ratios.append(NpyFile.bytes(of: [draw.drawn, draw.realised]))
    }
    try masks.finish()
    try ratios.finish()
    try Directory.rename(temporary(paths.ratios), to: paths.ratios)
    try Directory.rename(temporary(paths.masks), to: paths.masks)
    return count
  }

  private static func temporary(_ path: String) -> String {
    Directory.parent(of: path) + "/." + Directory.name(of: path) + ".tmp"
  }
}
