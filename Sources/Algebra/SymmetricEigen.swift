/// Eigenvectors of a small symmetric matrix as the bases of this project are stored.
public struct SymmetricEigen: Sendable {
  /// Eigenvalues, descending, n.
  public let values: [Double]
  /// Unit rows (n, n) in that order; in each the entry of the largest magnitude (the first on ties) is positive.
  public let vectors: [Double]

  /// Decomposes a symmetric (n, n) row-major matrix of which only the upper triangle is read; equal values stay in
  /// LAPACK's order. The same matrix gives the same bits on one OpenBLAS kernel.
  ///
  /// - Throws: `PCAError.overflow` for values that are not finite, `.notConverged`, `.tooManyFeatures`.
  public init(upper: consuming [Double], order n: Int) throws(PCAError) {
    var matrix = upper
    guard matrix.allSatisfy({ $0.isFinite }) else { throw .overflow }
    let ascending: [Double]
    do {
      ascending = try LAPACK.symmetricEigen(order: n, &matrix)
    } catch {
      switch error {
      case .notConverged(let info): throw .notConverged(info)
      case .tooLarge: throw .tooManyFeatures(n)
      }
    }
    let order = ascending.indices.sorted { (ascending[$1], $0) < (ascending[$0], $1) }
    values = order.map { ascending[$0] }
    var vectors: [Double] = []
    vectors.reserveCapacity(n * n)
    for row in order {
      let vector = matrix[(row * n)..<((row + 1) * n)]
      let sign = Self.signOfLargest(vector)
      for value in vector { vectors.append(sign * value) }
    }
    self.vectors = vectors
  }

  /// −1 if the entry of the largest magnitude (first on ties) is negative, else 1.
  static func signOfLargest(_ vector: ArraySlice<Double>) -> Double {
    var largest = 0.0
    for value in vector where abs(value) > abs(largest) { largest = value }
    return largest < 0 ? -1 : 1
  }
}
