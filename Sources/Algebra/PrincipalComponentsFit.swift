extension PCABasis {
  /// The least deviation of a feature: that of the rounding to 8 bits, 1/255/√12 (in units of 0…1).
  public static let deviationFloor = FeatureScaling.floor

  /// The most features `fit` takes: LAPACK counts its workspace in 32 bits.
  public static let largestFeatures = LAPACK.largestOrder

  /// Bytes that `fit` takes at its peak for this many features: covariance, eigenvectors and workspace.
  public static func fitBytes(features: Int) -> Int { 8 * 3 * features * features + 8 * 16 * features }

  /// Fits the principal components of a covariance (PMAE, arXiv 2502.06314, section 3; rule 6 of the
  /// contract).
  ///
  /// λ are the eigenvalues of N/(N−1)·Cov_ij/(σ_iσ_j), with σ the population deviation, floored; Cov is about
  /// the feature means for every standardisation. Negative λ (rounding) become 0. Rows are ordered by λ
  /// descending, equal ones as LAPACK gave them. In each row the entry of the largest magnitude (the first on
  /// ties, in Float64) is positive. The same covariance gives the same bits on one OpenBLAS kernel.
  ///
  /// When N ≤ D the rank is at most N − 1, so the last of the L = N eigenvalues is about 0 and its vector
  /// arbitrary (but orthogonal to the others).
  ///
  /// - Parameters:
  ///   - covariance: consumed; its memory is used for the decomposition.
  ///   - standardization: how features are scaled.
  ///   - channels: for `.channel`: features are `channels` planes of equal size, one after the other.
  ///   - components: leading components to keep; `nil` keeps all min(N, D).
  /// - Throws: `PCAError` when values overflow or LAPACK gives up.
  /// - Precondition: `channels` divides D; `components` ≥ 1.
  public static func fit(
    _ covariance: consuming CovarianceMatrix, standardization: Standardization = .feature, channels: Int = 3,
    components: Int? = nil
  ) throws(PCAError) -> PCABasis {
    let (n, d) = (covariance.count, covariance.features)
    precondition(components ?? 1 >= 1, "a basis needs a component")
    let scaling = FeatureScaling(
      mean: covariance.mean, deviation: covariance.deviation, standardization, channels: channels)
    var matrix = covariance.upper
    covariance.upper = []
    scaling.apply(toUpper: &matrix)
    // LAPACK may not end on a NaN; the lower triangle is zero.
    guard matrix.allSatisfy({ $0.isFinite }) else { throw .overflow }

    let ascending: [Double]
    do {
      ascending = try LAPACK.symmetricEigen(order: d, &matrix)
    } catch {
      switch error {
      case .notConverged(let info): throw .notConverged(info)
      case .tooLarge: throw .tooManyFeatures(d)
      }
    }
    let order = ascending.indices.sorted { (ascending[$1], $0) < (ascending[$0], $1) }
    let total = order.reduce(0.0) { $0 + max(0, ascending[$1]) }
    let kept = order.prefix(min(n, d, components ?? d))
    let eigenvalues = kept.map { max(0, ascending[$0]) }
    var rows: [Float] = []
    rows.reserveCapacity(kept.count * d)
    for row in kept {
      let vector = matrix[(row * d)..<((row + 1) * d)]
      let sign = SymmetricEigen.signOfLargest(vector)
      for value in vector { rows.append(Float(sign * value)) }
    }
    return PCABasis(
      count: n, standardization: standardization, components: rows, eigenvalues: eigenvalues,
      ratios: eigenvalues.map { total > 0 ? Float($0 / total) : 0 }, mean: scaling.mean.map { Float($0) },
      deviation: scaling.deviation.map { Float($0) }, floored: scaling.floored, totalVariance: total)
  }
}
