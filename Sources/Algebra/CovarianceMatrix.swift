/// Mean, deviation and covariance of N rows of D features: what a PCA needs to know of the data.
///
/// Made by `ExactGram.covariance()` (8-bit rows, order-free) or `FloatGram.covariance()`.
public struct CovarianceMatrix: Sendable {
  /// N.
  public let count: Int
  /// Feature means, D values.
  public let mean: [Double]
  /// Population standard deviations (ddof 0), D values, not floored.
  public let deviation: [Double]
  /// Sample covariance (ddof 1), (D, D) row-major; only the upper triangle is filled.
  public internal(set) var upper: [Double]

  /// D.
  public var features: Int { mean.count }
}

/// How features are scaled before the PCA.
public enum Standardization: String, Sendable, CaseIterable {
  /// Each feature by its own mean and deviation: the PCA of the correlation matrix.
  case feature
  /// One mean and deviation for each channel.
  case channel
  /// Not at all: mean 0, deviation 1.
  case none
}

/// Why there is no PCA.
public enum PCAError: Error, Equatable, CustomStringConvertible {
  /// Fewer than two rows have no covariance.
  case tooFewRows(Int)
  /// The first row with a NaN or infinite value.
  case notFinite(row: Int)
  /// Values so large that their squares are beyond Float64.
  case overflow
  /// LAPACK's divide and conquer did not converge (its `info`).
  case notConverged(Int)
  /// Saved partial statistics whose arrays do not fit together.
  case inconsistentState
  /// More features than the eigensolver takes.
  case tooManyFeatures(Int)

  public var description: String {
    switch self {
    case .tooFewRows(let count): "a PCA needs at least 2 samples, there are \(count)"
    case .notFinite(let row): "row \(row) holds a NaN or an infinite value"
    case .overflow: "values are too large: their squares overflow"
    case .notConverged(let info): "the eigenvalue solver did not converge (dsyevd info \(info))"
    case .inconsistentState: "the partial statistics do not fit together"
    case .tooManyFeatures(let count): "\(count) features are more than the eigensolver takes (32765)"
    }
  }
}
