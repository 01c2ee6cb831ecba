internal import Algebra

/// Draws masks of principal components: random sets that hold a wanted share of the variance.
///
/// The sampling of PMAE ("From Pixels to Components", arXiv 2502.06314, section 3): permute the components,
/// add their variance ratios in that order, mask the leading ones up to the sum nearest the share r. A mask
/// is a pure function of (seed, key, epoch), and equals bit for bit what NumPy gives with
///
///     g = numpy.random.Philox(key=[seed, keyHash], counter=[0, epoch, 0, 0])
///     u, v = g.random_raw(1), g.random_raw(L)
///     r = A + (B - A) * (u >> 11) * 2**-53
///     order = numpy.argsort(v, kind="stable")
///     c = numpy.cumsum(ratios.astype("<f8")[order])
///
/// u is drawn for a fixed share too. The modes `top` and `bottom` draw u only: their order is that of the components,
/// or its reverse, so that masks of a fixed share are all the same. One masker per worker: it owns its scratch memory.
public struct ComponentMasker: Sendable {
  /// The share of variance to mask, 0 < r < 1.
  public enum Share: Sendable, Equatable {
    /// The same for every mask.
    case fixed(Double)
    /// Uniform between the two.
    case uniform(Double, Double)
  }

  /// How many components of a permutation are masked.
  public enum Rule: String, Sendable, CaseIterable {
    /// The first m ≥ 1 whose sum is nearest r (the smaller m on a tie).
    case closest
    /// The published rule: m = argmin_j |c_j − r| counted from 0, so the nearest sum itself is *not* reached.
    /// While m = 0 another permutation is drawn; after 64 redraws m = 1.
    case reference
  }

  /// Which components are candidates, in which order they are taken.
  public enum Mode: String, Sendable, CaseIterable {
    /// A permutation for each mask: the published method.
    case random
    /// From the largest variance on: the leading components are masked (`bvt` of the authors' older code).
    case top
    /// From the smallest variance on: the trailing components are masked (`tvb`).
    case bottom
  }

  /// Why no mask can be drawn.
  public enum Failure: Error, Equatable {
    /// There is no component.
    case noComponents
    /// A ratio is negative or not finite.
    case badRatio(component: Int)
    /// The share is not between 0 and 1, or its bounds are in the wrong order.
    case badShare
  }

  /// What was drawn beside the mask itself.
  public struct Draw: Sendable, Equatable {
    /// r.
    public let drawn: Float
    /// The sum of the masked ratios.
    public let realised: Float
  }

  /// L.
  public let componentCount: Int
  /// Bytes of a mask: ceil(L/8).
  public var byteCount: Int { (componentCount + 7) / 8 }

  private static let redraws = 64

  private let ratios: [Double]
  private let share: Share
  private let rule: Rule
  private let mode: Mode
  private let seed: UInt64
  private let epoch: UInt64
  private var permutation: Permutation

  /// A masker over the variance ratios of a basis.
  ///
  /// - Parameters:
  ///   - ratios: `eigenvalues_ratio.npy`, L values.
  ///   - seed: the seed s of the run.
  ///   - epoch: the epoch e; published masks have 0.
  public init(
    ratios: [Float], share: Share, rule: Rule = .closest, mode: Mode = .random, seed: UInt64,
    epoch: UInt64 = 0
  ) throws(Failure) {
    if ratios.isEmpty { throw .noComponents }
    if let bad = ratios.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) { throw .badRatio(component: bad) }
    let (low, high) =
      switch share {
      case .fixed(let r): (r, r)
      case .uniform(let a, let b): (a, b)
      }
    guard low > 0, high < 1, low <= high else { throw .badShare }
    self.componentCount = ratios.count
    self.ratios = ratios.map { Double($0) }
    self.share = share
    self.rule = rule
    self.mode = mode
    self.seed = seed
    self.epoch = epoch
    self.permutation = Permutation(count: ratios.count)
  }

  /// Draws the mask of a key: bit l is bit l mod 8 of byte l/8, 1 = masked, padding 0.
  ///
  /// - Parameters:
  ///   - keyHash: the first 8 bytes of SHA-256 of the key, little-endian.
  ///   - bits: `byteCount` bytes, overwritten.
  public mutating func draw(keyHash: UInt64, into bits: inout MutableSpan<UInt8>) -> Draw {
    precondition(bits.count == byteCount, "a mask takes ceil(L/8) bytes")
    var generator = Philox(seed: seed, keyHash: keyHash, epoch: epoch)
    let unit = Double(generator.next() >> 11) * 0x1p-53
    let target =
      switch share {
      case .fixed(let r): r
      case .uniform(let a, let b): a + (b - a) * unit
      }
    if mode == .random { permutation.draw(&generator) } else { permutation.setOrder(mode == .bottom) }
    var masked = permutation.nearest(to: target, ratios)
    if rule == .reference {
      var redrawn = 0
      while masked == 1 && redrawn < Self.redraws && mode == .random {
        permutation.draw(&generator)
        masked = permutation.nearest(to: target, ratios)
        redrawn += 1
      }
      masked = max(1, masked - 1)
    }
    for i in bits.indices { bits[i] = 0 }
    var realised = 0.0
    for component in permutation.leading(masked) {
      bits[component >> 3] |= 1 << UInt8(truncatingIfNeeded: component & 7)
      realised += ratios[component]
    }
    return Draw(drawn: Float(target), realised: Float(realised))
  }

  /// The mask of a key as a new array; see `draw(keyHash:into:)`.
  public mutating func mask(keyHash: UInt64) -> (bits: [UInt8], draw: Draw) {
    var bits = [UInt8](repeating: 0, count: byteCount)
    var span = bits.mutableSpan
    let draw = draw(keyHash: keyHash, into: &span)
    return (bits, draw)
  }
}
