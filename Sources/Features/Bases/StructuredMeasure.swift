internal import Algebra

/// The second pass of a structured basis over the same 8-bit images: the variance of every component.
///
/// Squared coefficients (about the feature means) are rounded to fixed point and added as integers, so any order,
/// split and thread count gives the same bits.
public struct StructuredMeasure: Sendable {
  private let kind: ComponentBasis.Kind
  private let shape: PixelShape
  private let scaling: FeatureScaling
  private let transform: ComponentTransform
  private let count: Int
  private let threads: Int
  private let totalVariance: Double
  private let centre: CentredRows
  private let scale: Double
  private var totals: [Int128]
  private var seen = 0

  /// Images of one item of work: their sum of squares fits Int64 whatever they hold, see `scale`.
  private static let chunk = 8

  init(
    kind: ComponentBasis.Kind, shape: PixelShape, mean: [Double], deviation: [Double],
    scaling: FeatureScaling, transform: ComponentTransform, count: Int, threads: Int
  ) {
    (self.kind, self.shape, self.scaling, self.transform) = (kind, shape, scaling, transform)
    (self.count, self.threads) = (count, threads)
    // |z| ≤ 1/σ, so a squared coefficient is at most |z|² ≤ D/min σ²: eight of them stay below 2⁶².
    let least = scaling.deviation.min() ?? 1
    let bound = Double(Self.chunk) * Double(shape.features) / (least * least)
    scale = Double(sign: .plus, exponent: min(40, 61 - Int(bound.exponent)), significand: 1)
    totalVariance = scaling.totalVariance(deviation: deviation, count: count)
    centre = CentredRows(mean: mean, scaling: scaling)
    totals = [Int128](repeating: 0, count: shape.features)
  }

  /// Measures planar images, back to back; every image of the first pass is measured once.
  public mutating func add(_ images: [UInt8]) {
    let d = shape.features
    precondition(images.count.isMultiple(of: d), "not a whole number of images")
    let count = images.count / d
    let (centre, scale, transform) = (self.centre, self.scale, self.transform)
    let parts = parallelMap((count + Self.chunk - 1) / Self.chunk, threads: threads, scratch: {}) {
      (index, _: inout Void) in
      var squares = [Int64](repeating: 0, count: d)
      for image in (index * Self.chunk)..<min((index + 1) * Self.chunk, count) {
        let bytes = images.span.extracting((image * d)..<((image + 1) * d))
        let z = centre.rows(of: bytes)
        Self.addSquares(transform.forward(z.span), scale, to: &squares)
      }
      return squares
    }
    for part in parts { Self.fold(part, into: &totals) }
    seen += count
  }

  private static func addSquares(_ coefficients: [Float], _ scale: Double, to squares: inout [Int64]) {
    var target = squares.mutableSpan
    for l in coefficients.indices {
      let c = Double(coefficients[l])
      target[l] &+= Int64((c * c * scale).rounded(.toNearestOrEven))
    }
  }

  private static func fold(_ part: [Int64], into totals: inout [Int128]) {
    var target = totals.mutableSpan
    for l in part.indices { target[l] += Int128(part[l]) }
  }

  /// The finished basis: components by measured variance descending, ties by place.
  ///
  /// - Precondition: as many images were measured as were counted.
  public consuming func basis() -> ComponentBasis {
    precondition(seen == count, "both passes see the same images")
    let order = totals.indices.sorted { (totals[$1], $0) < (totals[$0], $1) }.map { Int32($0) }
    let divisor = scale * Double(count - 1)
    let eigenvalues = order.map { Double(totals[Int($0)]) / divisor }
    let ordered: ComponentTransform =
      switch transform {
      case .separable(let transform): .separable(transform.ordered(order))
      case .patch(let transform): .patch(transform.ordered(order))
      case .dense: transform
      }
    return ComponentBasis(
      kind: kind, shape: shape, count: count, scaling: scaling, eigenvalues: eigenvalues,
      totalVariance: totalVariance, transform: ordered)
  }
}
