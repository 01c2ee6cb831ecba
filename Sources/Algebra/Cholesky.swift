internal import CBLAS

/// The Cholesky factor of a Gram matrix, for orthonormal rows without Householder's many passes.
enum Cholesky {
  /// A pivot at or below this share of its diagonal entry says that the row depends on the ones before it.
  private static let tolerance = 1e-12

  /// Factors G = L·Lᵀ in place, row by row in Float64.
  ///
  /// A row that depends on the ones before it gets the unit row, so that a solve with L leaves it as it is and
  /// takes it out of no later row.
  ///
  /// - Parameter matrix: (n, n) row-major; the upper triangle is read, on return the lower one holds L.
  /// - Returns: the dependent rows, ascending.
  static func factor(_ matrix: inout [Double], order n: Int) -> [Int] {
    precondition(matrix.count == n * n, "factor: wrong size")
    var dependent: [Int] = []
    var entries = matrix.mutableSpan
    for i in 0..<n {
      let diagonal = entries[i * n + i]
      for j in 0...i {
        var sum = entries[j * n + i]
        for t in 0..<j { sum -= entries[i * n + t] * entries[j * n + t] }
        if j < i {
          entries[i * n + j] = sum / entries[j * n + j]
        } else if sum > tolerance * diagonal {
          entries[i * n + i] = sum.squareRoot()
        } else {
          dependent.append(i)
        }
      }
      if dependent.last == i {
        for j in 0..<i { entries[i * n + j] = 0 }
        entries[i * n + i] = 1
        for later in (i + 1)..<max(n, i + 1) { entries[i * n + later] = 0 }
      }
    }
    return dependent
  }
}

extension OpenBLAS {
  /// `b := l⁻¹·b` in Float64 for a lower triangular (n, n) `l` and an (n, columns) `b`. Its bits are fixed while
  /// OpenBLAS uses one thread.
  static func solveLower(_ l: [Double], order: Int, columns: Int, _ b: inout [Double]) {
    precondition(order >= 1 && columns >= 1, "negative size")
    precondition(l.count == order * order && b.count == order * columns, "solveLower: wrong size")
    let (n, m) = (blasInt(order), blasInt(columns))
    unsafe cblas_dtrsm(
      CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, n, m, 1, l, n, &b, m)
  }

  /// `c = a·b` in Float64: (m, k)·(k, n). Its bits are fixed while OpenBLAS uses one thread.
  static func dgemm(m: Int, n: Int, k: Int, _ a: [Double], _ b: [Double], _ c: inout [Double]) {
    precondition(m >= 1 && n >= 1 && k >= 1, "negative size")
    precondition(a.count == m * k && b.count == k * n && c.count == m * n, "dgemm: wrong size")
    let (rows, columns, depth) = (blasInt(m), blasInt(n), blasInt(k))
    unsafe cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1, a, depth, b, columns, 0, &c,
      columns)
  }
}

extension PanelTriangle {
  /// The triangle as a row-major (n, n) matrix, zeros below.
  func upper() -> [Double] {
    var matrix = [Double](repeating: 0, count: order * order)
    forEachRow { i, entries in
      for (offset, value) in entries.enumerated() { matrix[i * order + i + offset] = value }
    }
    return matrix
  }
}
