public import Algebra

/// 8-bit rows about the feature means, over σ: what a fit works on. With `feature` standardisation it is z itself;
/// the others keep their own mean in z, which is no variance.
public struct CentredRows: Sendable {
  /// 255·μ_j and 1/(255·σ_j).
  private let centre: [Float]
  private let factor: [Float]

  /// - Parameter mean: feature means (0…1), D values.
  public init(mean: [Double], scaling: FeatureScaling) {
    precondition(mean.count == scaling.deviation.count, "means and deviations of different length")
    centre = mean.map { Float(255 * $0) }
    factor = scaling.deviation.map { Float(1 / (255 * $0)) }
  }

  /// Rows (n, D) of 8-bit rows back to back.
  ///
  /// - Precondition: whole rows.
  public func rows(of images: Span<UInt8>) -> [Float] {
    precondition(images.count.isMultiple(of: centre.count), "not a whole number of rows")
    var result = [Float](repeating: 0, count: images.count)
    var target = result.mutableSpan
    for first in stride(from: 0, to: images.count, by: centre.count) {
      for j in centre.indices {
        target[first + j] = (Float(images[first + j]) - centre[j]) * factor[j]
      }
    }
    return result
  }
}

extension FeatureScaling {
  /// The sum of the variances (ddof 1) of all standardised features: the total a ratio refers to.
  ///
  /// - Parameter deviation: population deviations before flooring, D values.
  public func totalVariance(deviation: [Double], count: Int) -> Double {
    zip(deviation, self.deviation).reduce(0.0) { $0 + ($1.0 / $1.1) * ($1.0 / $1.1) } * Double(count)
      / Double(count - 1)
  }
}

extension ComponentBasis {
  /// A basis from its fit; ratios are eigenvalues over the total.
  public init(
    kind: Kind, shape: PixelShape?, count: Int, scaling: FeatureScaling, eigenvalues: [Double],
    totalVariance: Double, transform: ComponentTransform
  ) {
    self.init(
      kind: kind, shape: shape, count: count, standardization: scaling.standardization,
      mean: scaling.mean.map { Float($0) }, deviation: scaling.deviation.map { Float($0) },
      floored: scaling.floored, eigenvalues: eigenvalues,
      ratios: eigenvalues.map { totalVariance > 0 ? Float($0 / totalVariance) : 0 },
      totalVariance: totalVariance, transform: transform)
  }
}
