/// A fitted principal component basis: the arrays of `models/pca` with the numbers behind them.
///
/// L = min(N, D) components unless fewer were asked for. A row z of standardised values has the coefficients
/// `components · z`.
public struct PCABasis: Sendable, Equatable {
  /// N, the rows it was fitted on.
  public let count: Int
  /// L, the components kept.
  public let componentCount: Int
  /// D, the features of a row.
  public let features: Int
  /// How features were scaled.
  public let standardization: Standardization
  /// Unit rows (L, D), row-major, by descending eigenvalue.
  public let components: [Float]
  /// λ, L values, descending, ≥ 0: variances (ddof 1) of the coefficients.
  public let eigenvalues: [Double]
  /// λ / `totalVariance`, L values; zeros if there is no variance at all.
  public let ratios: [Float]
  /// μ to subtract, D values.
  public let mean: [Float]
  /// σ to divide by, D values, floored, never 0.
  public let deviation: [Float]
  /// Features whose σ was raised to the floor, ascending.
  public let floored: [Int]
  /// Sum of all λ, also of those not kept.
  public let totalVariance: Double

  /// A basis from its parts, as read from `models/pca`.
  ///
  /// - Precondition: the arrays have the sizes stated above.
  public init(
    count: Int, standardization: Standardization, components: [Float], eigenvalues: [Double], ratios: [Float],
    mean: [Float], deviation: [Float], floored: [Int], totalVariance: Double
  ) {
    precondition(components.count == eigenvalues.count * mean.count, "components are not (L, D)")
    precondition(ratios.count == eigenvalues.count && deviation.count == mean.count, "arrays do not fit")
    self.count = count
    self.componentCount = eigenvalues.count
    self.features = mean.count
    self.standardization = standardization
    self.components = components
    self.eigenvalues = eigenvalues
    self.ratios = ratios
    self.mean = mean
    self.deviation = deviation
    self.floored = floored
    self.totalVariance = totalVariance
  }

  /// Component l, D values.
  public func component(_ l: Int) -> ArraySlice<Float> {
    components[(l * features)..<((l + 1) * features)]
  }

  /// The basis of the leading `count` components (all, if it has fewer). Ratios stay relative to the total.
  public func leading(_ count: Int) -> PCABasis {
    precondition(count >= 1, "a basis needs a component")
    let kept = min(count, componentCount)
    return PCABasis(
      count: self.count, standardization: standardization,
      components: Array(components[..<(kept * features)]),
      eigenvalues: Array(eigenvalues[..<kept]), ratios: Array(ratios[..<kept]), mean: mean,
      deviation: deviation, floored: floored, totalVariance: totalVariance)
  }
}
