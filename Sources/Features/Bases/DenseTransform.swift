internal import Algebra

/// A basis as a matrix of unit rows, applied by GEMM.
public struct DenseTransform: Sendable {
  /// V, (L, D), row-major.
  public let components: [Float]
  /// D.
  public let features: Int
  /// L.
  public let componentCount: Int

  /// The transform of L unit rows.
  ///
  /// - Precondition: whole rows, at least one.
  public init(components: [Float], features: Int) {
    precondition(features >= 1 && !components.isEmpty, "a basis needs a component")
    precondition(components.count.isMultiple(of: features), "components are not (L, D)")
    self.components = components
    self.features = features
    self.componentCount = components.count / features
  }

  /// (n, D) → (n, L).
  func forward(_ rows: Span<Float>) -> [Float] {
    LaneProduct.withTransposed(components.span, rows, width: features)
  }

  /// (n, L) → (n, D).
  func inverse(_ coefficients: Span<Float>) -> [Float] {
    LaneProduct.with(components.span, coefficients, width: componentCount)
  }
}
