/// Count, sums and products of Float64 rows about a given shift.
///
/// The float counterpart of `ExactGram`, for input that is not 8-bit. Rows are taken in blocks of 512 in the
/// order they are added, each block added in Float64 by single-threaded BLAS, so the bits are the same for
/// any thread count **but depend on the order of the rows**: only 8-bit input is order-free. Two passes give
/// the best accuracy: `FeatureMeans` first, its means as the shift of the second. Any shift near the means
/// serves.
public struct FloatGram: ~Copyable, Sendable {
  /// D, the values of a row.
  public let features: Int
  /// N, the rows added so far.
  public private(set) var count = 0

  private static let blockRows = 512

  private let threads: Int
  private let shift: [Double]
  private let triangle: PanelTriangle
  private var sums: [Double]
  private var block: [Double] = []
  private var pending = 0

  /// An empty accumulator of rows x − `shift`; D is the length of `shift`.
  public init(shift: [Double], threads: Int = 1) {
    precondition(!shift.isEmpty && threads >= 1, "features and threads must be positive")
    self.features = shift.count
    self.shift = shift
    self.threads = threads
    self.triangle = PanelTriangle(order: shift.count)
    self.sums = [Double](repeating: 0, count: shift.count)
  }

  /// Bytes that an accumulator of this many features takes at most.
  public static func bytes(features: Int) -> Int {
    PanelTriangle.bytes(order: features) + 8 * features * (blockRows + 2)
  }

  /// Adds rows of D values each, back to back.
  ///
  /// - Throws: `PCAError.notFinite` naming the first row with a NaN or infinity; the accumulator is then of
  ///   no further use.
  public mutating func add(_ rows: Span<Double>) throws(PCAError) {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    if block.isEmpty { block = [Double](repeating: 0, count: Self.blockRows * features) }
    for first in stride(from: 0, to: rows.count, by: features) {
      var finite = true
      for j in 0..<features {
        let value = rows[first + j] - shift[j]
        finite = finite && value.isFinite
        block[pending * features + j] = value
        sums[j] += value
      }
      if !finite { throw .notFinite(row: count) }
      pending += 1
      count += 1
      if pending == Self.blockRows { flush() }
    }
  }

  private mutating func flush() {
    let rows = pending
    guard rows > 0 else { return }
    let (block, features, triangle, threads) = (self.block, self.features, self.triangle, self.threads)
    OpenBLAS.withThreads(1) {
      triangle.update(threads: threads) { range, sums in
        OpenBLAS.addPanelProduct(n: features, k: rows, rows: range, block, &sums)
      }
    }
    pending = 0
  }

  /// Mean and covariance of the rows as given.
  ///
  /// - Throws: `PCAError.tooFewRows` for N < 2.
  public consuming func covariance() throws(PCAError) -> CovarianceMatrix {
    flush()
    guard count >= 2 else { throw .tooFewRows(count) }
    let n = Double(count)
    let sums = self.sums
    var upper = [Double](repeating: 0, count: features * features)
    var deviation = [Double](repeating: 0, count: features)
    triangle.forEachRow { i, entries in
      let start = i * features + i
      for (offset, entry) in entries.enumerated() {
        let centred = entry - sums[i] * sums[i + offset] / n
        upper[start + offset] = centred / (n - 1)
        if offset == 0 { deviation[i] = (max(0, centred) / n).squareRoot() }
      }
    }
    let mean = zip(shift, sums).map { $0 + $1 / n }
    return CovarianceMatrix(count: count, mean: mean, deviation: deviation, upper: upper)
  }
}

/// Means of Float64 rows, summed in row order: the first pass before a `FloatGram`.
public struct FeatureMeans: Sendable {
  /// The rows added so far.
  public private(set) var count = 0
  private var sums: [Double]

  /// No rows of `features` values.
  public init(features: Int) {
    precondition(features >= 1, "features must be positive")
    sums = [Double](repeating: 0, count: features)
  }

  /// Adds rows of D values each, back to back.
  public mutating func add(_ rows: Span<Double>) {
    precondition(rows.count.isMultiple(of: sums.count), "not a whole number of rows")
    for first in stride(from: 0, to: rows.count, by: sums.count) {
      for j in sums.indices { sums[j] += rows[first + j] }
      count += 1
    }
  }

  /// The means, D values; zeros before the first row.
  public var means: [Double] { sums.map { $0 / Double(max(1, count)) } }
}
