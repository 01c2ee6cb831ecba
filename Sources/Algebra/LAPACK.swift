internal import CBLAS

/// The LAPACK routine we use, from the same library as BLAS.
enum LAPACK {
  /// Why an eigendecomposition gave nothing.
  enum Failure: Error {
    /// LAPACK's `info` > 0: an eigenvalue did not converge.
    case notConverged(Int)
    /// The workspace would be beyond the 32-bit sizes of this build.
    case tooLarge
  }

  /// Threads of an eigendecomposition, whatever the job count is, so that its bits are fixed.
  static let eigenThreads = 2

  /// Largest order whose workspace size 1 + 6n + 2n² fits the 32-bit integers of LAPACK.
  static let largestOrder = 32_765

  /// Eigenvalues and orthonormal eigenvectors of a real symmetric matrix.
  ///
  /// `dsyevd` (Cuppen's divide and conquer) and not `dsyevr` (MRRR): on our correlation matrices it is as
  /// fast, its vectors are orthogonal to 1e-14 instead of 1e-11, and it gains from the large null space of
  /// few images. It takes 3n² doubles where `dsyevr` takes 2n².
  ///
  /// - Parameters:
  ///   - order: n.
  ///   - matrix: (n, n) row-major, finite; only the upper triangle is read. On return row i is the unit
  ///     eigenvector of value i; its sign is arbitrary.
  /// - Returns: the n eigenvalues, ascending.
  static func symmetricEigen(order: Int, _ matrix: inout [Double]) throws(Failure) -> [Double] {
    precondition(order >= 1 && matrix.count == order * order, "symmetricEigen: wrong size")
    guard order <= largestOrder else { throw .tooLarge }
    var n = OpenBLAS.blasInt(order)
    var values = [Double](repeating: 0, count: order)
    // dsyevd asks for 6n + 2n² + 1 and 5n + 3; a block of n reflectors more lets dsytrd and dormtr use
    // blocks.
    var lwork = OpenBLAS.blasInt(1 + 6 * order + 2 * order * order)
    var liwork = OpenBLAS.blasInt(3 + 5 * order)
    var work = [Double](repeating: 0, count: Int(lwork))
    var iwork = [blasint](repeating: 0, count: Int(liwork))
    var info: blasint = 0
    // Row-major upper is Fortran's lower, and Fortran's columns are our rows.
    OpenBLAS.withThreads(eigenThreads) {
      unsafe dsyevd_("V", "L", &n, &matrix, &n, &values, &work, &lwork, &iwork, &liwork, &info, 1, 1)
    }
    precondition(info >= 0, "dsyevd: illegal argument \(-info)")
    guard info == 0 else { throw .notConverged(Int(info)) }
    return values
  }
}
