public import Algebra

/// An orthonormal component basis over standardised pixels: what masks, coefficients and visible images are made
/// of, whatever the basis is.
///
/// A row x of D values (0…1) becomes z_j = (x_j − μ_j)/σ_j, and its coefficients are c_l = Σ_j V_lj·z_j for L
/// orthonormal components V_l, ordered by the variance λ_l of c_l over the samples it was fitted on. Dense bases
/// hold V and use GEMM; structured ones hold small factors and use fast transforms.
///
/// - All rows are Float32, back to back, planar (`PixelShape`). Masks are as `ComponentMasker` draws them: bit l
///   is byte l/8, bit l mod 8, 1 = masked.
/// - A row's bits do not depend on its batch: dense products are `LaneProduct`s, structured transforms are done
///   image by image. They hold for one OpenBLAS kernel, with one BLAS thread.
/// - The value is immutable and may be shared by all workers.
public struct ComponentBasis: Sendable {
  /// The ways to choose the components.
  public enum Kind: String, Sendable, CaseIterable {
    /// All min(N, D) principal components, or the leading ones.
    case full
    /// Karhunen-Loève bases of channels, rows and columns, and their products: lossless.
    case separable
    /// The orthonormal DCT-II over channels, rows and columns: lossless, the same for all data.
    case dct
    /// The leading k principal components by block power iterations; the rest is a residual.
    case truncated
    /// The principal components of all p × p patches, for each patch: lossless.
    case patch
  }

  public let kind: Kind
  /// The image a row is; nil for rows that are no images.
  public let shape: PixelShape?
  /// N, the samples it was fitted on.
  public let count: Int
  public let standardization: Standardization
  /// μ, D values.
  public let mean: [Float]
  /// σ, D values, floored, never 0.
  public let deviation: [Float]
  /// Features whose σ was raised to the floor, ascending.
  public let floored: [Int]
  /// λ, L values, descending, ≥ 0: variances (ddof 1) of the coefficients.
  public let eigenvalues: [Double]
  /// λ / `totalVariance`, L values; zeros if there is no variance at all.
  public let ratios: [Float]
  /// Variance of all z together, also of what no component holds.
  public let totalVariance: Double
  /// The components themselves.
  public let transform: ComponentTransform

  /// L.
  public var componentCount: Int { eigenvalues.count }
  /// D.
  public var features: Int { mean.count }
  /// The share of the variance that no component holds: it is in every visible image.
  public var residualRatio: Double { max(0, 1 - ratios.reduce(0.0) { $0 + Double($1) }) }
  /// True when L = D, so that coefficients give the row back.
  public var isLossless: Bool { componentCount == features }
  /// Bytes of a mask: ceil(L/8).
  public var maskBytes: Int { (componentCount + 7) / 8 }

  /// A basis from its parts.
  ///
  /// - Precondition: the arrays have the sizes stated above.
  public init(
    kind: Kind, shape: PixelShape?, count: Int, standardization: Standardization, mean: [Float],
    deviation: [Float], floored: [Int], eigenvalues: [Double], ratios: [Float], totalVariance: Double,
    transform: ComponentTransform
  ) {
    precondition(transform.features == mean.count && deviation.count == mean.count, "arrays do not fit")
    precondition(transform.componentCount == eigenvalues.count, "as many eigenvalues as components")
    precondition(ratios.count == eigenvalues.count, "as many ratios as components")
    precondition(shape.map { $0.features == mean.count } ?? true, "the shape does not fit")
    self.kind = kind
    self.shape = shape
    self.count = count
    self.standardization = standardization
    self.mean = mean
    self.deviation = deviation
    self.floored = floored
    self.eigenvalues = eigenvalues
    self.ratios = ratios
    self.totalVariance = totalVariance
    self.transform = transform
  }

  /// The full basis, or the leading components of it.
  public init(_ basis: PCABasis, shape: PixelShape?) {
    self.init(
      kind: .full, shape: shape, count: basis.count, standardization: basis.standardization,
      mean: basis.mean, deviation: basis.deviation, floored: basis.floored, eigenvalues: basis.eigenvalues,
      ratios: basis.ratios, totalVariance: basis.totalVariance,
      transform: .dense(DenseTransform(components: basis.components, features: basis.features)))
  }
}

// MARK: - Rows

extension ComponentBasis {
  /// z of 8-bit rows (divided by 255 first), n rows of D values.
  ///
  /// - Precondition: a whole number of rows; here and below.
  public func standardized(_ images: Span<UInt8>) -> [Float] {
    precondition(images.count.isMultiple(of: features), "not a whole number of rows")
    var rows = [Float](repeating: 0, count: images.count)
    var target = rows.mutableSpan
    for first in stride(from: 0, to: images.count, by: features) {
      for j in 0..<features {
        target[first + j] = (Float(images[first + j]) / 255 - mean[j]) / deviation[j]
      }
    }
    return rows
  }

  /// z of rows in the units the basis was fitted in.
  public func standardized(_ values: Span<Float>) -> [Float] {
    precondition(values.count.isMultiple(of: features), "not a whole number of rows")
    var rows = [Float](repeating: 0, count: values.count)
    var target = rows.mutableSpan
    for first in stride(from: 0, to: values.count, by: features) {
      for j in 0..<features { target[first + j] = (values[first + j] - mean[j]) / deviation[j] }
    }
    return rows
  }

  /// The way back from z to values: z·σ + μ (0…1 for pixels, not clipped).
  public func values(of rows: Span<Float>) -> [Float] {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    var result = [Float](repeating: 0, count: rows.count)
    var target = result.mutableSpan
    for first in stride(from: 0, to: rows.count, by: features) {
      for j in 0..<features { target[first + j] = rows[first + j] * deviation[j] + mean[j] }
    }
    return result
  }

  /// The coefficients c = V·z, n rows of L values, of n rows z.
  public func coefficients(of rows: Span<Float>) -> [Float] {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    return transform.forward(rows)
  }

  /// The rows Vᵀ·c, n of D values, of n rows of L coefficients: z itself for a lossless basis, else its part in
  /// the span of the components.
  public func rows(of coefficients: Span<Float>) -> [Float] {
    precondition(coefficients.count.isMultiple(of: componentCount), "not a whole number of rows")
    return transform.inverse(coefficients)
  }

  /// The masked part x_M = V_Mᵀ·(V_M·z), n rows of D values, each row with its own mask.
  ///
  /// - Parameters:
  ///   - coefficients: of n rows, (n, L).
  ///   - masks: n masks of `maskBytes`.
  public func masked(coefficients: Span<Float>, masks: Span<UInt8>) -> [Float] {
    let count = coefficients.count / componentCount
    precondition(coefficients.count == count * componentCount, "not a whole number of rows")
    precondition(masks.count == count * maskBytes, "one mask a row")
    var kept = [Float](repeating: 0, count: coefficients.count)
    var target = kept.mutableSpan
    for row in 0..<count {
      let first = row * componentCount
      for l in 0..<componentCount
      where masks[row * maskBytes + l >> 3] >> UInt8(truncatingIfNeeded: l & 7) & 1 == 1 {
        target[first + l] = coefficients[first + l]
      }
    }
    return transform.inverse(kept.span)
  }

  /// The visible image x_vis = z − x_M, n rows of D values, in standardised units: what no component holds stays
  /// visible.
  ///
  /// - Parameters:
  ///   - rows: n rows z.
  ///   - masks: n masks of `maskBytes`.
  public func visible(_ rows: Span<Float>, masks: Span<UInt8>) -> [Float] {
    let coefficients = coefficients(of: rows)
    return visible(rows, coefficients: coefficients.span, masks: masks)
  }

  /// The visible image when the coefficients are at hand.
  public func visible(
    _ rows: Span<Float>, coefficients: Span<Float>, masks: Span<UInt8>
  ) -> [Float] {
    var result = masked(coefficients: coefficients, masks: masks)
    precondition(result.count == rows.count, "rows and coefficients of different samples")
    var target = result.mutableSpan
    for i in target.indices { target[i] = rows[i] - target[i] }
    return result
  }

  /// The leading components as dense unit rows, (min(count, L), D).
  public func components(leading count: Int) -> [Float] {
    let count = min(count, componentCount)
    if case .dense(let dense) = transform { return Array(dense.components[..<(count * features)]) }
    var result: [Float] = []
    result.reserveCapacity(count * features)
    var unit = [Float](repeating: 0, count: componentCount)
    for l in 0..<count {
      unit[l] = 1
      result += transform.inverse(unit.span)
      unit[l] = 0
    }
    return result
  }
}
