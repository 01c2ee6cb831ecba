/// How an image lies in a row: planes of rows of pixels, feature (c·H + y)·W + x.
public struct PixelShape: Sendable, Equatable {
  public let channels: Int
  public let height: Int
  public let width: Int

  /// A shape; all sides are at least 1.
  public init(channels: Int = 3, height: Int, width: Int) {
    precondition(channels >= 1 && height >= 1 && width >= 1, "an image has pixels")
    (self.channels, self.height, self.width) = (channels, height, width)
  }

  /// D.
  public var features: Int { channels * height * width }
}

/// The linear map of a basis, from rows of D values to L coefficients and back.
public enum ComponentTransform: Sendable {
  /// A stored matrix: full and truncated bases.
  case dense(DenseTransform)
  /// Factors over channels, rows and columns: separable and DCT bases.
  case separable(SeparableTransform)
  /// Patch vectors.
  case patch(PatchTransform)

  /// D.
  public var features: Int {
    switch self {
    case .dense(let transform): transform.features
    case .separable(let transform): transform.shape.features
    case .patch(let transform): transform.shape.features
    }
  }

  /// L.
  public var componentCount: Int {
    switch self {
    case .dense(let transform): transform.componentCount
    case .separable(let transform): transform.shape.features
    case .patch(let transform): transform.shape.features
    }
  }

  /// (n, D) → (n, L).
  func forward(_ rows: Span<Float>) -> [Float] {
    switch self {
    case .dense(let transform): transform.forward(rows)
    case .separable(let transform): transform.forward(rows)
    case .patch(let transform): transform.forward(rows)
    }
  }

  /// (n, L) → (n, D) by the transposed map.
  func inverse(_ coefficients: Span<Float>) -> [Float] {
    switch self {
    case .dense(let transform): transform.inverse(coefficients)
    case .separable(let transform): transform.inverse(coefficients)
    case .patch(let transform): transform.inverse(coefficients)
    }
  }
}
