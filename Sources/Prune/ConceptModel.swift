public import Algebra

/// What the concepts stage fitted: the arrays of `models/concepts`.
public struct ConceptModel: Sendable {
  /// `<f4 (k, d)`, unit rows.
  public var centroids: EmbeddingMatrix
  /// Rows in each cluster, `(k,)`.
  public var size: [Int]
  /// Mean distance to the centroid, `(k,)`; NaN for an empty cluster, as the next two.
  public var dIntra: [Double]
  /// Mean distance to the nearest other centroids, `(k,)`.
  public var dInter: [Double]
  /// d_intra · d_inter, `(k,)`.
  public var complexity: [Double]
  /// Rows to keep before bounds, `(k,)`.
  public var target: [Double]
  /// Rows kept, `(k,)`.
  public var quota: [Int]
  /// What the last kept row has: its distance, or its random value · 2⁻⁶⁴ under `random`. With quota 0 it is
  /// +∞, and −∞ under `easy`. `(k,)`.
  public var threshold: [Float]
  /// What was seen when it was fitted; nil for a model read from its arrays.
  public var diagnostics: ConceptDiagnostics?
  /// What drift is measured against; nil for a model without it.
  public var drift: DriftReference?

  /// A model from its arrays, as read from `models/concepts`.
  public init(
    centroids: EmbeddingMatrix, size: [Int], dIntra: [Double], dInter: [Double], complexity: [Double],
    target: [Double], quota: [Int], threshold: [Float], diagnostics: ConceptDiagnostics? = nil,
    drift: DriftReference? = nil
  ) {
    self.centroids = centroids
    self.size = size
    self.dIntra = dIntra
    self.dInter = dInter
    self.complexity = complexity
    self.target = target
    self.quota = quota
    self.threshold = threshold
    self.diagnostics = diagnostics
    self.drift = drift
  }
}
