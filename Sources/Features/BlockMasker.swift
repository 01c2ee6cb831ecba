internal import Algebra

/// Draws masks of image patches in rectangles, as masked-image trainers without components do (the block-wise masking
/// of BEiT, arXiv 2106.08254, worked out here so that NumPy gives the same bits).
///
/// A mask of a grid of H × W patches hides exactly m = nearest to r·H·W of them (the smaller on a tie, at least 1). It
/// is a pure function of (seed, key, epoch): with the generator g of `ComponentMasker` and unit(v) = (v >> 11)·2⁻⁵³,
///
///     r = A + (B − A)·unit(g)
///     until m patches are masked, at most 64 times:
///       a, b, c, d = four units
///       area = low + (max(low, m − masked) − low)·a,  low = H·W/12
///       q = 0.3 + 0.7·|2b − 1|
///       h, w = floor(sqrt(area·q) + 0.5), floor(sqrt(area/q) + 0.5);  swapped if b < 0.5;  clamped to 1…H, 1…W
///       y, x = floor(c·(H − h + 1)), floor(d·(W − w + 1))
///       mask the patches of the rectangle in row-major order, up to m in all
///     what is then missing: in the order argsort(the next H·W values, stable)
///
/// Only operations that IEEE 754 rounds exactly are used. (Single patches need no code of their own: they are
/// components of equal ratios, `ComponentMasker` with H·W times 1/(H·W).)
public struct BlockMasker: Sendable {
  /// H, W.
  public let grid: (rows: Int, columns: Int)
  /// Patches of the grid.
  public var patchCount: Int { grid.rows * grid.columns }
  /// Bytes of a mask: ceil(H·W/8); patch y·W + x is bit (y·W + x) mod 8 of byte (y·W + x)/8, 1 = masked.
  public var byteCount: Int { (patchCount + 7) / 8 }

  private static let attempts = 64

  private let low: Double
  private let high: Double
  private let seed: UInt64
  private let epoch: UInt64
  private var permutation: Permutation

  /// A masker of a grid of patches.
  ///
  /// - Precondition: at least one patch, fewer than 2²⁴.
  /// - Throws: `badShare`, as `ComponentMasker`.
  public init(
    rows: Int, columns: Int, share: ComponentMasker.Share, seed: UInt64, epoch: UInt64 = 0
  ) throws(ComponentMasker.Failure) {
    precondition(rows >= 1 && columns >= 1, "a grid has patches")
    (low, high) =
      switch share {
      case .fixed(let r): (r, r)
      case .uniform(let a, let b): (a, b)
      }
    guard low > 0, high < 1, low <= high else { throw .badShare }
    grid = (rows, columns)
    self.seed = seed
    self.epoch = epoch
    permutation = Permutation(count: rows * columns)
  }

  /// The mask of a key, with the share drawn and the share of patches masked.
  ///
  /// - Parameter keyHash: the first 8 bytes of SHA-256 of the key, little-endian.
  public mutating func mask(keyHash: UInt64) -> (bits: [UInt8], draw: ComponentMasker.Draw) {
    var generator = Philox(seed: seed, keyHash: keyHash, epoch: epoch)
    func unit() -> Double { Double(generator.next() >> 11) * 0x1p-53 }
    let target = low + (high - low) * unit()
    let (wanted, count) = (wanted(target), patchCount)
    var bits = [UInt8](repeating: 0, count: byteCount)
    var masked = 0
    func add(_ patch: Int) {
      let bit: UInt8 = 1 << UInt8(truncatingIfNeeded: patch & 7)
      guard masked < wanted, bits[patch >> 3] & bit == 0 else { return }
      bits[patch >> 3] |= bit
      masked += 1
    }
    let least = Double(count) / 12
    for _ in 0..<Self.attempts where masked < wanted {
      let (a, b, c, d) = (unit(), unit(), unit(), unit())
      let area = least + (max(least, Double(wanted - masked)) - least) * a
      let ratio = 0.3 + 0.7 * abs(2 * b - 1)
      var height = Int((area * ratio).squareRoot() + 0.5)
      var width = Int((area / ratio).squareRoot() + 0.5)
      if b < 0.5 { (height, width) = (width, height) }
      height = min(max(height, 1), grid.rows)
      width = min(max(width, 1), grid.columns)
      let top = Int(c * Double(grid.rows - height + 1))
      let left = Int(d * Double(grid.columns - width + 1))
      for y in top..<(top + height) {
        for x in left..<(left + width) { add(y * grid.columns + x) }
      }
    }
    if masked < wanted {
      permutation.draw(&generator)
      _ = permutation.nearest(to: .infinity, [Double](repeating: 1, count: count))
      for patch in permutation.leading(count) { add(patch) }
    }
    return (bits, .init(drawn: Float(target), realised: Float(Double(wanted) / Double(count))))
  }

  /// The number of patches nearest `share` of them: at least 1, the smaller on a tie.
  private func wanted(_ share: Double) -> Int {
    let exact = share * Double(patchCount)
    let below = exact.rounded(.down)
    return max(1, Int(exact - below > 0.5 ? below + 1 : below))
  }
}
