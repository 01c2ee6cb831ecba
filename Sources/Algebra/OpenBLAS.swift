internal import CBLAS
internal import Synchronization

/// The one door to OpenBLAS: what is linked, how many threads it may use, and the dense products we need.
///
/// All matrices are Float32 or Float64, row-major and contiguous. Sizes are checked by preconditions, so that
/// a wrong shape stops the program here and never reads past an array in C. Empty products are done in Swift,
/// because BLAS rejects zero sizes.
///
/// Wrappers for one purpose each (triangle panels, eigenvectors) are in `PanelTriangle.swift` and
/// `LAPACK.swift`.
///
/// Products are *not* bit-stable: the order of a sum depends on shape, thread count and CPU kernel. Use them
/// where every sum is exact (`ExactGram`) or where the result only proposes.
public enum OpenBLAS {
  /// The CPU kernel in use, such as `SkylakeX` or `Haswell`. Bits are promised for one kernel only.
  public static var coreName: String {
    guard let name = unsafe openblas_get_corename() else { return "unknown" }
    return unsafe String(cString: name)
  }

  /// The build text of the linked library, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Zen
  /// MAX_THREADS=64`.
  public static var configuration: String {
    guard let text = unsafe openblas_get_config() else { return "unknown" }
    return unsafe String(cString: text).trimmed()
  }

  /// The version in `configuration`, such as `0.3.21`; `unknown` if the text has none.
  public static var version: String {
    let words = configuration.split(separator: " ")
    return words.first { $0.first?.isNumber == true }.map(String.init) ?? "unknown"
  }

  /// Threads that OpenBLAS uses for one call, for the whole process.
  public static var threads: Int { Int(openblas_get_num_threads()) }

  /// Sets the threads of later calls, for the whole process. Programs with workers of their own set 1, once,
  /// at the start. Waits for a running eigendecomposition, whose thread count must not change.
  ///
  /// - Precondition: `count` ≥ 1.
  public static func setThreads(_ count: Int) {
    precondition(count >= 1, "OpenBLAS needs at least one thread")
    fixedThreads.withLock { _ in openblas_set_num_threads(CInt(count)) }
  }

  /// Runs `body` while OpenBLAS uses exactly `count` threads, then restores the old number.
  ///
  /// Bits of Float64 products and eigenvectors depend on the thread count, so the calls whose bits are
  /// promised run in here. One such body runs at a time in the process; bodies must not nest. Other BLAS
  /// calls in flight see the number too, which is harmless: theirs only propose or are exact.
  static func withThreads<Result, Failure: Error>(
    _ count: Int, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try fixedThreads.withLock { (_) throws(Failure) -> Result in
      let before = threads
      openblas_set_num_threads(CInt(count))
      defer { openblas_set_num_threads(CInt(before)) }
      return try body()
    }
  }

  private static let fixedThreads = Mutex(())

  /// Whether a factor enters a product as stored or transposed.
  public enum Transpose: Sendable {
    case no, yes

    fileprivate var code: CBLAS_TRANSPOSE {
      switch self {
      case .no: CblasNoTrans
      case .yes: CblasTrans
      }
    }
  }

  /// `c = alpha · op(a) · op(b) + beta · c` in Float32.
  ///
  /// - Parameters:
  ///   - a: (m, k), or (k, m) when `transposeA` is `.yes`.
  ///   - b: (k, n), or (n, k) when `transposeB` is `.yes`.
  ///   - c: (m, n).
  /// - Precondition: the spans have exactly these sizes.
  public static func sgemm(
    _ transposeA: Transpose = .no, _ transposeB: Transpose = .no, m: Int, n: Int, k: Int,
    alpha: Float = 1, _ a: Span<Float>, _ b: Span<Float>, beta: Float = 0, _ c: inout MutableSpan<Float>
  ) {
    precondition(m >= 0 && n >= 0 && k >= 0, "negative size")
    precondition(a.count == m * k && b.count == k * n && c.count == m * n, "sgemm: wrong size")
    if m == 0 || n == 0 { return }
    if k == 0 { return scale(&c, by: beta) }
    let lda = blasInt(transposeA == .no ? k : m)
    let ldb = blasInt(transposeB == .no ? n : k)
    let (rows, columns, depth) = (blasInt(m), blasInt(n), blasInt(k))
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe c.withUnsafeMutableBufferPointer { c in
          unsafe cblas_sgemm(
            CblasRowMajor, transposeA.code, transposeB.code, rows, columns, depth, alpha, a.baseAddress, lda,
            b.baseAddress, ldb, beta, c.baseAddress, columns)
        }
      }
    }
  }

  /// Upper triangle of `c = alpha · aᵀa + beta · c` in Float32; entries below the diagonal are not touched.
  ///
  /// - Parameters:
  ///   - a: (k, n).
  ///   - c: (n, n).
  /// - Precondition: the spans have exactly these sizes.
  public static func ssyrk(
    n: Int, k: Int, alpha: Float = 1, _ a: Span<Float>, beta: Float = 0, _ c: inout MutableSpan<Float>
  ) {
    precondition(n >= 0 && k >= 0, "negative size")
    precondition(a.count == k * n && c.count == n * n, "ssyrk: wrong size")
    if n == 0 { return }
    if k == 0 { return scale(&c, by: beta) }
    let (order, depth) = (blasInt(n), blasInt(k))
    unsafe a.withUnsafeBufferPointer { a in
      unsafe c.withUnsafeMutableBufferPointer { c in
        unsafe cblas_ssyrk(
          CblasRowMajor, CblasUpper, CblasTrans, order, depth, alpha, a.baseAddress, order, beta,
          c.baseAddress, order)
      }
    }
  }

  /// A size as OpenBLAS takes it (32-bit build).
  static func blasInt(_ value: Int) -> blasint {
    guard let size = blasint(exactly: value) else { preconditionFailure("size \(value) is beyond BLAS") }
    return size
  }

  private static func scale(_ c: inout MutableSpan<Float>, by beta: Float) {
    for i in c.indices { c[i] = beta == 0 ? 0 : beta * c[i] }
  }
}

extension String {
  /// Without spaces at the end; OpenBLAS pads its text.
  fileprivate func trimmed() -> String {
    var text = self
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
