public import Algebra

/// The `pixels` encoder: whitened leading principal components of a thumbnail, as a unit row.
///
/// Coefficient l of a row x of D bytes is Σ_j V_lj·(x_j/255 − μ_j)/σ_j / √λ_l for the leading d = min(128, L)
/// components; the row of d coefficients is divided by its norm and rounded to Float16.
///
/// - A component whose λ is at most 10⁻¹⁰ of the largest carries rounding noise only; its coefficient is 0
///   (the row keeps d entries).
/// - A row without any coefficient (an image equal to the mean, or a basis without variance) is e₀ = (1, 0,
///   0…).
/// - A row's bits depend on that row and the basis only, not on its batch or thread: no BLAS, and every sum
///   is taken in Float32 in eight lanes (lane q adds the products of j = q, q + 8, q + 16… in this order,
///   multiply and add rounded apart), the lanes then as ((0+4)+(2+6))+((1+5)+(3+7)).
public struct PixelEncoder: Sendable {
  /// d, the entries of a row.
  public let dimension: Int
  /// D, the bytes of an image, channel planes one after the other.
  public let features: Int
  /// The components used; the others have coefficient 0.
  public let usedComponents: Int

  /// Largest d.
  public static let largestDimension = 128
  /// λ at or below this share of the largest λ counts as none.
  public static let relativeTolerance = 1e-10

  private typealias Lanes = SIMD8<Float>

  /// Components worked on side by side.
  private static let tile = 4

  private let blocks: Int
  /// 255·μ_j, padded with zeros to whole blocks of eight.
  private let mean: [Lanes]
  /// V_lj/(255·σ_j·√λ_l), (components rounded up to tiles, blocks).
  private let weights: [Lanes]

  /// The encoder of a full basis fitted on 8-bit images.
  public init(basis: PCABasis) { self.init(basis: ComponentBasis(basis, shape: nil)) }

  /// The encoder of any basis fitted on 8-bit images; structured components are written out, 4·D bytes each.
  public init(basis: ComponentBasis) {
    features = basis.features
    dimension = min(Self.largestDimension, basis.componentCount)
    blocks = (features + 7) / 8
    let least = (basis.eigenvalues.first ?? 0) * Self.relativeTolerance
    usedComponents = basis.eigenvalues[..<dimension].prefix { $0 > least }.count
    let tiles = (usedComponents + Self.tile - 1) / Self.tile
    let components = basis.components(leading: usedComponents)
    var mean = [Lanes](repeating: .zero, count: blocks)
    var weights = [Lanes](repeating: .zero, count: tiles * Self.tile * blocks)
    for j in 0..<features {
      mean[j / 8][j % 8] = Float(255 * Double(basis.mean[j]))
      for l in 0..<usedComponents {
        let scale = 255 * Double(basis.deviation[j]) * basis.eigenvalues[l].squareRoot()
        weights[l * blocks + j / 8][j % 8] = Float(Double(components[l * features + j]) / scale)
      }
    }
    self.mean = mean
    self.weights = weights
  }

  /// Unit rows (n, d) of n images of D bytes each, planar, back to back.
  ///
  /// - Precondition: `images.count` is a multiple of D.
  public func encode(_ images: Span<UInt8>) -> [Float16] {
    precondition(images.count.isMultiple(of: features), "not a whole number of images")
    var result: [Float16] = []
    result.reserveCapacity(images.count / features * dimension)
    var centred = mean
    var coefficients = [Float](repeating: 0, count: dimension)
    for first in stride(from: 0, to: images.count, by: features) {
      centre(images.extracting(first..<(first + features)), into: &centred)
      project(centred, into: &coefficients)
      appendUnit(coefficients, to: &result)
    }
    return result
  }

  /// x_j − 255·μ_j; the padding stays 0.
  private func centre(_ image: Span<UInt8>, into centred: inout [Lanes]) {
    let whole = features / 8
    for b in 0..<whole {
      var lanes = SIMD8<UInt8>()
      for q in 0..<8 { lanes[q] = image[8 * b + q] }
      centred[b] = Lanes(lanes) - mean[b]
    }
    for j in (8 * whole)..<features { centred[whole][j % 8] = Float(image[j]) - mean[whole][j % 8] }
  }

  private func project(_ centred: [Lanes], into coefficients: inout [Float]) {
    let z = centred.span
    for first in stride(from: 0, to: usedComponents, by: Self.tile) {
      let w0 = weights.span.extracting((first * blocks)..<((first + 1) * blocks))
      let w1 = weights.span.extracting(((first + 1) * blocks)..<((first + 2) * blocks))
      let w2 = weights.span.extracting(((first + 2) * blocks)..<((first + 3) * blocks))
      let w3 = weights.span.extracting(((first + 3) * blocks)..<((first + 4) * blocks))
      var (s0, s1, s2, s3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      for b in z.indices {
        let lanes = z[b]
        s0 += lanes * w0[b]
        s1 += lanes * w1[b]
        s2 += lanes * w2[b]
        s3 += lanes * w3[b]
      }
      for (offset, sums) in [s0, s1, s2, s3].enumerated() where first + offset < usedComponents {
        coefficients[first + offset] = Self.sum(sums)
      }
    }
  }

  /// ((0+4)+(2+6))+((1+5)+(3+7)).
  private static func sum(_ lanes: Lanes) -> Float {
    let four = lanes.lowHalf + lanes.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
  }

  /// Divides by the norm (Float64, in component order) and appends, or e₀ for a row of zeros.
  private func appendUnit(_ row: [Float], to result: inout [Float16]) {
    var squares = 0.0
    for value in row { squares += Double(value) * Double(value) }
    if squares == 0 {
      result.append(1)
      result.append(contentsOf: repeatElement(0, count: dimension - 1))
      return
    }
    let norm = squares.squareRoot()
    for value in row { result.append(Float16(Float(Double(value) / norm))) }
  }
}
