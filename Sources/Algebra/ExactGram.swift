/// Count, sums and products of 8-bit rows, all exact integers.
///
/// For rows x of D values 0…255, shifted to v = x − 128, it holds
/// - `count` = number of rows N,
/// - `sums[j]` = Σ v_j,
/// - the triangle G_ij = Σ v_i·v_j, i ≤ j, as Float64 integers (exact below 2⁵³, that is N < 5·10¹¹).
///
/// Because every number is exact, the result depends on the *set* of rows only: any order, split, merge tree
/// and thread count gives the same bits. Mean and covariance follow in closed form, in one pass over the
/// data.
///
/// Products are made by single-precision BLAS in blocks. By Cauchy–Schwarz each partial sum of a block obeys
/// |Σ v_i·v_j| ≤ max_j Σ v_j², so a block whose largest feature energy is at most 2²⁴ is exact in Float32 in
/// whatever order BLAS adds. Any 1024 rows are safe (1024 · 128² = 2²⁴); real images fill blocks of several
/// thousand.
public struct ExactGram: ~Copyable, Sendable {
  /// D, the values of a row.
  public let features: Int
  /// N, the rows added so far.
  public internal(set) var count = 0
  /// Threads for the products. It changes the time, never the result.
  public var threads: Int

  private let blockRows: Int
  let triangle: PanelTriangle
  /// Σ(x_j − 128) of the rows that are folded into the triangle.
  var totals: [Int64]

  // The open block: rows as Float32 (k, D), and Σv, Σv² of each feature within it.
  private var block: [Float] = []
  private var blockSums: [Int32]
  private var blockEnergies: [Int32]
  private var pending = 0
  /// Further rows that are safe whatever they hold; see `reserveRow`.
  private var safeRows = Self.alwaysSafe

  private static let energyLimit: Int32 = 1 << 24
  private static let largestSquare: Int32 = 128 * 128
  private static let alwaysSafe = Int(energyLimit / largestSquare)
  /// A block that can only be known safe for fewer further rows is closed.
  private static let fewestRows = 16

  /// An empty accumulator.
  ///
  /// - Parameters:
  ///   - features: D ≥ 1.
  ///   - threads: threads for the products, ≥ 1. OpenBLAS itself should be set to one thread.
  ///   - blockRows: upper limit of the rows of one block; `nil` chooses at most 4096 rows and 128 MiB. It
  ///     changes the time and memory, never the result.
  public init(features: Int, threads: Int = 1, blockRows: Int? = nil) {
    precondition(features >= 1 && threads >= 1, "features and threads must be positive")
    self.features = features
    self.threads = threads
    self.blockRows = max(1, blockRows ?? Self.defaultBlockRows(features: features))
    self.triangle = PanelTriangle(order: features)
    self.totals = [Int64](repeating: 0, count: features)
    self.blockSums = [Int32](repeating: 0, count: features)
    self.blockEnergies = [Int32](repeating: 0, count: features)
  }

  private static func defaultBlockRows(features: Int) -> Int {
    min(4096, max(256, (128 << 20) / (4 * features)))
  }

  /// Bytes that an accumulator of this many features takes at most, so that a memory limit can be checked
  /// first.
  public static func bytes(features: Int, threads: Int = 1) -> Int {
    let block = 4 * features * defaultBlockRows(features: features)
    return PanelTriangle.bytes(order: features) + block + threads * 4 * PanelTriangle.height * features
      + 16 * features
  }

  /// Adds rows of D values each, back to back.
  ///
  /// - Precondition: `rows.count` is a multiple of D.
  public mutating func add(_ rows: Span<UInt8>) {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    for first in stride(from: 0, to: rows.count, by: features) {
      reserveRow()
      append(rows.extracting(first..<(first + features)))
    }
  }

  /// Adds everything `other` has seen.
  ///
  /// - Precondition: both have the same number of features.
  public mutating func merge(_ other: borrowing ExactGram) {
    precondition(features == other.features, "accumulators of different width")
    triangle.add(other.triangle)
    for j in totals.indices { totals[j] += other.totals[j] }
    count += other.count - other.pending
    for row in 0..<other.pending {
      let values = other.block[(row * features)..<((row + 1) * features)].map { UInt8(Int($0) + 128) }
      reserveRow()
      append(values.span)
    }
  }

  /// Makes room for one row: closes the open block if one more row could make it inexact.
  private mutating func reserveRow() {
    if pending == blockRows { flush() }
    if safeRows > 0 { return }
    let energy = blockEnergies.max() ?? 0
    safeRows = Int((Self.energyLimit - energy) / Self.largestSquare)
    if safeRows < Self.fewestRows { flush() }
  }

  private mutating func append(_ row: Span<UInt8>) {
    let start = pending * features
    if block.count < start + features {
      // Grow in steps: small data sets never pay for a full block.
      let rows = min(blockRows, max(64, 2 * pending))
      block.append(contentsOf: repeatElement(0, count: rows * features - block.count))
    }
    Self.append(row, at: start, &block, &blockSums, &blockEnergies)
    pending += 1
    safeRows -= 1
    count += 1
  }

  /// The pass over a row: v to the block, v and v² to the block's sums.
  private static func append(
    _ row: Span<UInt8>, at start: Int, _ block: inout [Float], _ sums: inout [Int32],
    _ energies: inout [Int32]
  ) {
    precondition(block.count >= start + row.count && sums.count == row.count && energies.count == row.count)
    var block = block.mutableSpan
    var sums = sums.mutableSpan
    var energies = energies.mutableSpan
    for j in 0..<row.count {
      let v = Int16(row[j]) &- 128
      block[start + j] = Float(v)
      sums[j] &+= Int32(v)  // |v| ≤ 128 and a block is far below 2²⁴ rows
      energies[j] &+= Int32(v &* v)  // v² ≤ 2¹⁴ fits Int16; the block keeps the total ≤ 2²⁴
    }
  }

  /// Folds the open block into the triangle.
  mutating func flush() {
    let rows = pending
    guard rows > 0 else { return }
    let (block, features) = (self.block, self.features)
    triangle.update(threads: threads) { range, sums in
      var products = [Float](repeating: 0, count: sums.count)
      OpenBLAS.panelProduct(n: features, k: rows, rows: range, block, &products)
      var target = sums.mutableSpan
      for i in products.indices { target[i] += Double(products[i]) }
    }
    for j in 0..<features {
      totals[j] += Int64(blockSums[j])
      blockSums[j] = 0
      blockEnergies[j] = 0
    }
    pending = 0
    safeRows = Self.alwaysSafe
  }

  // MARK: - State

  /// The state from which an equal accumulator can be built: what partial statistics on disk hold.
  public struct State: Sendable, Equatable {
    /// N.
    public var count: Int
    /// Σ(x_j − 128), D values.
    public var sums: [Int64]
    /// Σ(x_i − 128)(x_j − 128) for i ≤ j, row by row: D(D+1)/2 values.
    public var products: [Int64]

    /// A state as read from disk.
    public init(count: Int, sums: [Int64], products: [Int64]) {
      self.count = count
      self.sums = sums
      self.products = products
    }
  }

  /// The state so far; equal for equal sets of rows.
  public mutating func state() -> State {
    flush()
    var products: [Int64] = []
    products.reserveCapacity(features * (features + 1) / 2)
    triangle.forEachRow { _, entries in
      for entry in entries { products.append(Int64(entry)) }
    }
    return State(count: count, sums: totals, products: products)
  }

  /// An accumulator that goes on from `state`.
  ///
  /// - Throws: `PCAError.inconsistentState` if the arrays do not fit together.
  public init(_ state: State, threads: Int = 1) throws(PCAError) {
    let features = state.sums.count
    guard features >= 1, state.count >= 0, state.products.count == features * (features + 1) / 2 else {
      throw .inconsistentState
    }
    self.init(features: features, threads: threads)
    triangle.add(packed: state.products)
    totals = state.sums
    count = state.count
  }

  // MARK: - Covariance

  /// Mean and covariance of the rows scaled to 0…1 (divided by 255).
  ///
  /// Each entry is N·G_ij − S_i·S_j, exact in 128 bits, rounded once to Float64 and divided once by
  /// N(N−1)·255²: its bits depend on the data only.
  ///
  /// - Throws: `PCAError.tooFewRows` for N < 2.
  public consuming func covariance() throws(PCAError) -> CovarianceMatrix {
    flush()
    guard count >= 2 else { throw .tooFewRows(count) }
    let n = Int128(count)
    let sums = totals
    let scale = Double(count) * Double(count - 1) * 65025
    var upper = [Double](repeating: 0, count: features * features)
    var deviation = [Double](repeating: 0, count: features)
    triangle.forEachRow { i, entries in
      let start = i * features + i
      for (offset, entry) in entries.enumerated() {
        let exact = n * Int128(Int64(entry)) - Int128(sums[i]) * Int128(sums[i + offset])
        upper[start + offset] = Self.rounded(exact) / scale
        if offset == 0 { deviation[i] = Self.rounded(exact).squareRoot() / (Double(count) * 255) }
      }
    }
    let mean = sums.map { Self.rounded(n * 128 + Int128($0)) / (Double(count) * 255) }
    return CovarianceMatrix(count: count, mean: mean, deviation: deviation, upper: upper)
  }

  /// The nearest Float64; the usual case fits 64 bits and is one instruction.
  static func rounded(_ value: Int128) -> Double {
    Int64(exactly: value).map { Double($0) } ?? Double(value)
  }
}
