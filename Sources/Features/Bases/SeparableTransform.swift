internal import Algebra
internal import Glibc

/// Components that are products of three small bases, over channels, rows and columns:
/// V_l[c, y, x] = A[a, c]·R[i, y]·K[j, x] for the l-th triple (a, i, j) of the order.
///
/// An image is transformed in O(D·(C + H + W)) operations, each image on its own.
public struct SeparableTransform: Sendable {
  public let shape: PixelShape
  /// A, (C, C) unit rows.
  public let channel: [Float]
  /// R, (H, H) unit rows.
  public let rows: [Float]
  /// K, (W, W) unit rows.
  public let columns: [Float]
  /// For component l the place (a·H + i)·W + j of its triple, D values.
  public let order: [Int32]

  private let transposedRows: [Float]

  /// A transform of given factors.
  ///
  /// - Parameter order: a permutation of 0..<D; nil: as they come.
  /// - Precondition: sizes as stated.
  public init(shape: PixelShape, channel: [Float], rows: [Float], columns: [Float], order: [Int32]? = nil) {
    let (c, h, w) = (shape.channels, shape.height, shape.width)
    precondition(channel.count == c * c && rows.count == h * h && columns.count == w * w, "wrong factors")
    precondition(order.map { Self.isPermutation($0, shape.features) } ?? true, "the order is no permutation")
    self.shape = shape
    self.channel = channel
    self.rows = rows
    self.columns = columns
    self.order = order ?? (0..<Int32(shape.features)).map { $0 }
    var transposed = rows
    for i in 0..<h {
      for y in 0..<h { transposed[y * h + i] = rows[i * h + y] }
    }
    transposedRows = transposed
  }

  /// The same components in another order.
  public func ordered(_ order: [Int32]) -> SeparableTransform {
    SeparableTransform(shape: shape, channel: channel, rows: rows, columns: columns, order: order)
  }

  static func isPermutation(_ order: [Int32], _ count: Int) -> Bool {
    guard order.count == count else { return false }
    var seen = [Bool](repeating: false, count: count)
    for place in order {
      guard place >= 0, place < count, !seen[Int(place)] else { return false }
      seen[Int(place)] = true
    }
    return true
  }

  /// (n, D) → (n, D).
  func forward(_ images: Span<Float>) -> [Float] {
    let (h, w, d) = (shape.height, shape.width, shape.features)
    var result = [Float](repeating: 0, count: images.count)
    for first in stride(from: 0, to: images.count, by: d) {
      let wide = LaneProduct.withTransposed(
        columns.span, images.extracting(first..<(first + d)), width: w)
      var planes: [Float] = []
      planes.reserveCapacity(d)
      for c in 0..<shape.channels {
        planes += LaneProduct.with(
          wide.span.extracting((c * h * w)..<((c + 1) * h * w)), rows.span, width: h)
      }
      let mixed = mix(planes, transposed: false)
      for l in 0..<d { result[first + l] = mixed[Int(order[l])] }
    }
    return result
  }

  /// (n, D) → (n, D), the way back.
  func inverse(_ coefficients: Span<Float>) -> [Float] {
    let (h, w, d) = (shape.height, shape.width, shape.features)
    var result: [Float] = []
    result.reserveCapacity(coefficients.count)
    var placed = [Float](repeating: 0, count: d)
    for first in stride(from: 0, to: coefficients.count, by: d) {
      for l in 0..<d { placed[Int(order[l])] = coefficients[first + l] }
      let mixed = mix(placed, transposed: true)
      let wide = LaneProduct.with(columns.span, mixed.span, width: w)
      for c in 0..<shape.channels {
        result += LaneProduct.with(
          wide.span.extracting((c * h * w)..<((c + 1) * h * w)), transposedRows.span, width: h)
      }
    }
    return result
  }

  /// Σ_c A[a, c]·plane c, or with the transposed A; added in the order of c.
  private func mix(_ planes: [Float], transposed: Bool) -> [Float] {
    let (channels, pixels) = (shape.channels, shape.height * shape.width)
    var result = [Float](repeating: 0, count: planes.count)
    var target = result.mutableSpan
    for a in 0..<channels {
      for c in 0..<channels {
        let weight = transposed ? channel[c * channels + a] : channel[a * channels + c]
        for p in 0..<pixels { target[a * pixels + p] += weight * planes[c * pixels + p] }
      }
    }
    return result
  }
}

extension SeparableTransform {
  /// The orthonormal DCT-II over channels, rows and columns: `scipy.fft.dctn(z, norm="ortho")` before ordering.
  public static func dct(shape: PixelShape) -> SeparableTransform {
    SeparableTransform(
      shape: shape, channel: dctMatrix(shape.channels), rows: dctMatrix(shape.height),
      columns: dctMatrix(shape.width))
  }

  /// Row k: √(2/n)·cos(π(2x + 1)k/2n), row 0 divided by √2.
  private static func dctMatrix(_ n: Int) -> [Float] {
    (0..<(n * n)).map { index in
      let (k, x) = (index / n, index % n)
      if k == 0 { return Float((1 / Double(n)).squareRoot()) }
      // (2x + 1)·k counted modulo the period 4n keeps the angle small and exact.
      let angle = Double.pi * Double((2 * x + 1) * k % (4 * n)) / Double(2 * n)
      return Float((2 / Double(n)).squareRoot() * cos(angle))
    }
  }
}
