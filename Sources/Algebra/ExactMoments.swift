/// Count, sums and squares of 8-bit rows, all exact integers: mean and deviation of every feature, whatever the
/// order and split of the rows.
public struct ExactMoments: Sendable {
  /// D.
  public let features: Int
  /// N, the rows added so far.
  public private(set) var count = 0
  /// Σ(x_j − 128).
  private var sums: [Int64]
  /// Σ(x_j − 128)².
  private var squares: [Int64]
  // Of the rows since the last fold: 2¹⁴ a square, so 2¹⁶ rows are safe in Int32.
  private var openSums: [Int32]
  private var openSquares: [Int32]
  private var open = 0

  private static let openRows = 1 << 16

  /// No rows of D values.
  public init(features: Int) {
    precondition(features >= 1, "features must be positive")
    self.features = features
    sums = [Int64](repeating: 0, count: features)
    squares = sums
    openSums = [Int32](repeating: 0, count: features)
    openSquares = openSums
  }

  /// Bytes of an accumulator.
  public static func bytes(features: Int) -> Int { 24 * features }

  /// Adds rows of D values each, back to back.
  ///
  /// - Precondition: `rows.count` is a multiple of D.
  public mutating func add(_ rows: Span<UInt8>) {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    for first in stride(from: 0, to: rows.count, by: features) {
      Self.add(rows.extracting(first..<(first + features)), &openSums, &openSquares)
      count += 1
      open += 1
      if open == Self.openRows { fold() }
    }
  }

  private static func add(_ row: Span<UInt8>, _ sums: inout [Int32], _ squares: inout [Int32]) {
    var sums = sums.mutableSpan
    var squares = squares.mutableSpan
    for j in 0..<row.count {
      let v = Int16(row[j]) &- 128
      sums[j] &+= Int32(v)
      squares[j] &+= Int32(v &* v)
    }
  }

  private mutating func fold() {
    for j in 0..<features {
      sums[j] += Int64(openSums[j])
      squares[j] += Int64(openSquares[j])
      openSums[j] = 0
      openSquares[j] = 0
    }
    open = 0
  }

  /// Means and population deviations (ddof 0) of the rows scaled to 0…1, D values each; the same bits as
  /// `ExactGram.covariance()` gives.
  ///
  /// - Throws: `PCAError.tooFewRows` for N < 2.
  public mutating func result() throws(PCAError) -> (mean: [Double], deviation: [Double]) {
    fold()
    guard count >= 2 else { throw .tooFewRows(count) }
    let (n, scale) = (Int128(count), Double(count) * 255)
    return (
      sums.map { ExactGram.rounded(n * 128 + Int128($0)) / scale },
      zip(sums, squares).map {
        ExactGram.rounded(n * Int128($0.1) - Int128($0.0) * Int128($0.0)).squareRoot() / scale
      }
    )
  }

  /// Σ(x_j − 128), D values.
  public mutating func shiftedSums() -> [Int64] {
    fold()
    return sums
  }
}
