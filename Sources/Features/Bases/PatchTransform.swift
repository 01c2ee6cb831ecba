internal import Algebra

/// Components that live in one p × p patch each: the same m = C·p·p unit vectors for every patch.
///
/// Component l is vector u of patch q for the l-th pair (q, u) of the order; patches count along rows of patches,
/// q = (y / p)·(W / p) + x / p, and a patch is flattened as an image is: (c·p + y)·p + x.
public struct PatchTransform: Sendable {
  public let shape: PixelShape
  /// p.
  public let side: Int
  /// (m, m) unit rows.
  public let components: [Float]
  /// For component l the place q·m + u of its pair, D values.
  public let order: [Int32]

  private let places: [Int32]

  /// m.
  public var patchFeatures: Int { shape.channels * side * side }
  /// P.
  public var patches: Int { (shape.height / side) * (shape.width / side) }

  /// A transform of given patch components.
  ///
  /// - Parameter order: a permutation of 0..<D; nil: as they come.
  /// - Precondition: p divides both sides; sizes as stated.
  public init(shape: PixelShape, side: Int, components: [Float], order: [Int32]? = nil) {
    precondition(Self.fits(shape, side: side), "patches must tile the image")
    precondition(order.map { SeparableTransform.isPermutation($0, shape.features) } ?? true, "no permutation")
    let size = shape.channels * side * side
    precondition(components.count == size * size, "wrong patch components")
    self.shape = shape
    self.side = side
    self.components = components
    self.places = Self.places(shape, side: side)
    self.order = order ?? (0..<Int32(shape.features)).map { $0 }
  }

  /// True if patches of this side tile the image.
  public static func fits(_ shape: PixelShape, side: Int) -> Bool {
    side >= 1 && shape.height.isMultiple(of: side) && shape.width.isMultiple(of: side)
  }

  /// The same components in another order.
  public func ordered(_ order: [Int32]) -> PatchTransform {
    PatchTransform(shape: shape, side: side, components: components, order: order)
  }

  /// (n, D) → (n, D).
  func forward(_ images: Span<Float>) -> [Float] {
    let d = shape.features
    var result = [Float](repeating: 0, count: images.count)
    var patched = [Float](repeating: 0, count: d)
    for first in stride(from: 0, to: images.count, by: d) {
      for j in 0..<d { patched[Int(places[j])] = images[first + j] }
      let products = LaneProduct.withTransposed(components.span, patched.span, width: patchFeatures)
      for l in 0..<d { result[first + l] = products[Int(order[l])] }
    }
    return result
  }

  /// (n, D) → (n, D), the way back.
  func inverse(_ coefficients: Span<Float>) -> [Float] {
    let d = shape.features
    var result = [Float](repeating: 0, count: coefficients.count)
    var placed = [Float](repeating: 0, count: d)
    for first in stride(from: 0, to: coefficients.count, by: d) {
      for l in 0..<d { placed[Int(order[l])] = coefficients[first + l] }
      let products = LaneProduct.with(components.span, placed.span, width: patchFeatures)
      for j in 0..<d { result[first + j] = products[Int(places[j])] }
    }
    return result
  }

  /// For each feature of an image its place q·m + (c·p + y mod p)·p + x mod p among the patches.
  static func places(_ shape: PixelShape, side p: Int) -> [Int32] {
    let size = shape.channels * p * p
    var places: [Int32] = []
    places.reserveCapacity(shape.features)
    for c in 0..<shape.channels {
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let patch = (y / p) * (shape.width / p) + x / p
          places.append(Int32(patch * size + (c * p + y % p) * p + x % p))
        }
      }
    }
    return places
  }
}
