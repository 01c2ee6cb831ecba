internal import Synchronization

/// The leading eigenvectors of Σzzᵀ for rows z that are read again and again in one fixed order: block power
/// iterations (subspace iteration) with Cholesky-QR in Float64 and a Rayleigh-Ritz step at the end (Halko,
/// Martinsson and Tropp, "Finding structure with randomness", 2011, section 4.5; Cholesky-QR twice as in Yamamoto
/// et al. 2015).
///
///     repeat { add every block of rows } while power.endPass()
///     add every block once more
///     let (values, vectors) = power.finish()
///
/// Products are Float32 and not exact, so the bits depend on the order of the rows and their blocks; they do not
/// depend on the thread count: tiles have fixed sizes and one owner each. Callers keep the order canonical.
public struct BlockPower: ~Copyable, Sendable {
  /// D.
  public let features: Int
  /// k, the vectors wanted.
  public let components: Int
  /// Rows of each block but the last.
  public let blockRows: Int
  /// Power passes done.
  public private(set) var passes = 0

  /// k and some more, which speed up convergence.
  private let width: Int
  private let count: Int
  private let threads: Int
  private let tiles: [Tile]
  private var isLast = false
  private var refills: UInt64 = 0
  // Σ|Q·z|² of this pass and the last, and Σ|z|².
  private var captured = 0.0
  private var capturedBefore = 0.0
  private var energy = 0.0
  private var ritz: PanelTriangle?

  /// Rows of Q of a tile.
  private static let tileRows = 128
  /// Columns worked on at once in Float64.
  private static let chunk = 512
  /// A pass that gains less than this share of the whole is the last but the Rayleigh-Ritz one.
  private static let gain = 5e-4
  private static let mostPasses = 6

  /// Some rows of Q, orthonormal over all tiles, and the same rows of Y = Q·Σzzᵀ.
  private final class Tile: Sendable {
    struct State {
      var q: [Float]
      var y: [Float]
    }

    let rows: Range<Int>
    let state: Mutex<State>

    init(rows: Range<Int>, features: Int) {
      self.rows = rows
      state = Mutex(
        State(
          q: [Float](repeating: 0, count: rows.count * features),
          y: [Float](repeating: 0, count: rows.count * features)))
    }
  }

  /// Starts from random signs, the same for the same sizes.
  ///
  /// - Parameters:
  ///   - count: N, the rows of a pass.
  ///   - components: k ≤ D.
  ///   - threads: they change the time, never the result.
  /// - Throws: `PCAError.tooFewRows` for N < 2.
  public static func start(
    features: Int, count: Int, components: Int, threads: Int = 1
  ) throws(PCAError) -> BlockPower {
    precondition(features >= 1 && components >= 1 && components <= features && threads >= 1, "wrong sizes")
    guard count >= 2 else { throw .tooFewRows(count) }
    var power = BlockPower(features, count, components, threads)
    power.refill(Array(0..<power.width))
    try power.orthonormalize()
    return power
  }

  private init(_ features: Int, _ count: Int, _ components: Int, _ threads: Int) {
    (self.features, self.count, self.components, self.threads) = (features, count, components, threads)
    let width = Self.width(features: features, components: components)
    self.width = width
    blockRows = Self.blockRows(features: features)
    tiles = stride(from: 0, to: width, by: Self.tileRows).map {
      Tile(rows: $0..<min($0 + Self.tileRows, width), features: features)
    }
  }

  private static func width(features: Int, components: Int) -> Int {
    min(features, components + max(8, components / 10))
  }

  private static func blockRows(features: Int) -> Int {
    min(256, max(32, (16 << 20) / features / 16 * 16))
  }

  /// Most bytes of a fit, the block of rows in the caller's hands (as bytes, twice, and as Float32) included.
  public static func bytes(features: Int, components: Int, threads: Int) -> Int {
    let width = width(features: features, components: components)
    let blocks = 6 * blockRows(features: features) * features
    let chunks = (threads + 1) * 16 * width * chunk + 16 * 4 * width * chunk
    return 8 * width * features + blocks + chunks + 5 * 8 * width * width
  }

  // MARK: - Passes

  /// Adds the next block of rows.
  public mutating func add(_ rows: [Float]) {
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    let (count, features, isLast, tiles) = (rows.count / features, self.features, self.isLast, self.tiles)
    let parts = OpenBLAS.withThreads(1) {
      parallelMap(tiles.count, threads: threads, scratch: {}) { (index, _: inout Void) in
        tiles[index].state.withLock { Self.project(rows, count, features, isLast, &$0) }
      }
    }
    // (rows, width) in the order of the rows.
    var products = [Double](repeating: 0, count: count * width)
    for (tile, part) in zip(tiles, parts) {
      for row in 0..<count {
        for (local, column) in tile.rows.enumerated() {
          products[row * width + column] = Double(part[row * tile.rows.count + local])
        }
      }
    }
    for value in products { captured += value * value }
    if passes == 0 { for value in rows { energy += Double(value) * Double(value) } }
    guard isLast, let ritz else { return }
    let (width, block) = (self.width, products)
    OpenBLAS.withThreads(1) {
      ritz.update(threads: threads) { range, sums in
        OpenBLAS.addPanelProduct(n: width, k: count, rows: range, block, &sums)
      }
    }
  }

  /// Z·Qᵀ of a tile, which is returned, and Y += (Z·Qᵀ)ᵀ·Z.
  private static func project(
    _ rows: [Float], _ count: Int, _ features: Int, _ isLast: Bool, _ state: inout Tile.State
  ) -> [Float] {
    let size = state.q.count / features
    var products = [Float](repeating: 0, count: count * size)
    var target = products.mutableSpan
    OpenBLAS.sgemm(.no, .yes, m: count, n: size, k: features, rows.span, state.q.span, &target)
    if isLast { return products }
    var sums = state.y.mutableSpan
    OpenBLAS.sgemm(.yes, .no, m: size, n: features, k: count, products.span, rows.span, beta: 1, &sums)
    return products
  }

  /// Ends a power pass. False: one more pass, then `finish()`.
  public mutating func endPass() throws(PCAError) -> Bool {
    precondition(!isLast, "finish() ends the last pass")
    guard energy.isFinite, captured.isFinite else { throw .overflow }
    passes += 1
    for tile in tiles {
      tile.state.withLock {
        swap(&$0.q, &$0.y)
        for i in $0.y.indices { $0.y[i] = 0 }
      }
    }
    try orthonormalize()
    let goesOn =
      passes < 2 || (passes < Self.mostPasses && captured - capturedBefore > Self.gain * energy)
    (capturedBefore, captured) = (captured, 0)
    if !goesOn {
      isLast = true
      ritz = PanelTriangle(order: width)
      for tile in tiles { tile.state.withLock { $0.y = [] } }
    }
    return goesOn
  }

  // MARK: - Cholesky-QR

  /// Makes the rows of Q orthonormal, each from itself and the ones before it; rows that depend on those are
  /// replaced by random ones.
  private mutating func orthonormalize() throws(PCAError) {
    var rounds = 0
    var good = 0
    while good < 2 {
      var gram = gramOfRows()
      let dependent = Cholesky.factor(&gram, order: width)
      solve(gram)
      if dependent.isEmpty {
        good += 1
      } else {
        good = 0
        refill(dependent)
        rounds += 1
        guard rounds <= 8 else { throw .notConverged(dependent[0] + 1) }
      }
    }
  }

  /// Q·Qᵀ in Float64, (width, width), upper triangle.
  private func gramOfRows() -> [Double] {
    let triangle = PanelTriangle(order: width)
    let width = self.width
    for first in stride(from: 0, to: features, by: Self.chunk) {
      let columns = first..<min(first + Self.chunk, features)
      let block = gather(columns, transposed: true)
      OpenBLAS.withThreads(1) {
        triangle.update(threads: threads) { range, sums in
          OpenBLAS.addPanelProduct(n: width, k: columns.count, rows: range, block, &sums)
        }
      }
    }
    return triangle.upper()
  }

  /// Q := L⁻¹·Q.
  private func solve(_ lower: [Double]) {
    let width = self.width
    inChunks { _, block in
      OpenBLAS.solveLower(lower, order: width, columns: block.count / width, &block)
    }
  }

  /// Runs `body` on columns of Q as Float64 (width, columns), some at a time, and stores what it makes of them.
  private func inChunks(_ body: @Sendable (Range<Int>, inout [Double]) -> Void) {
    let features = self.features
    let chunks = (features + Self.chunk - 1) / Self.chunk
    for start in stride(from: 0, to: chunks, by: 16) {
      let parts = OpenBLAS.withThreads(1) {
        parallelMap(min(16, chunks - start), threads: threads, scratch: {}) {
          [tiles, width] (index, _: inout Void) in
          let first = (start + index) * Self.chunk
          let columns = first..<min(first + Self.chunk, features)
          var block = Self.gather(tiles, columns, width: width, features: features, transposed: false)
          body(columns, &block)
          return block.map { Float($0) }
        }
      }
      for (index, part) in parts.enumerated() {
        let first = (start + index) * Self.chunk
        let size = part.count / width
        for tile in tiles {
          tile.state.withLock {
            for (local, row) in tile.rows.enumerated() {
              let place = local * features + first
              $0.q.replaceSubrange(place..<(place + size), with: part[(row * size)..<((row + 1) * size)])
            }
          }
        }
      }
    }
  }

  private func gather(_ columns: Range<Int>, transposed: Bool) -> [Double] {
    Self.gather(tiles, columns, width: width, features: features, transposed: transposed)
  }

  /// Columns of Q in Float64: (width, columns), or (columns, width) transposed.
  private static func gather(
    _ tiles: [Tile], _ columns: Range<Int>, width: Int, features: Int, transposed: Bool
  ) -> [Double] {
    var block = [Double](repeating: 0, count: width * columns.count)
    for tile in tiles {
      tile.state.withLock {
        var target = block.mutableSpan
        for (local, row) in tile.rows.enumerated() {
          for (offset, column) in columns.enumerated() {
            let place = transposed ? offset * width + row : row * columns.count + offset
            target[place] = Double($0.q[local * features + column])
          }
        }
      }
    }
    return block
  }

  /// Random signs for some rows of Q: bits of the Philox stream of (row, refill).
  private mutating func refill(_ rows: [Int]) {
    let scale = Float(1 / Double(features).squareRoot())
    for row in rows {
      var generator = Philox(seed: 0, keyHash: UInt64(row), epoch: refills)
      let tile = tiles[row / Self.tileRows]
      tile.state.withLock {
        var bits: UInt64 = 0
        let start = (row - tile.rows.lowerBound) * features
        for j in 0..<features {
          if j & 63 == 0 { bits = generator.next() }
          $0.q[start + j] = bits & 1 == 0 ? scale : -scale
          bits >>= 1
        }
      }
    }
    refills += 1
  }

  // MARK: - Rayleigh-Ritz

  /// The k largest eigenvalues of Σzzᵀ/(N − 1), descending, and their unit vectors (k, D), in each of which the
  /// entry of the largest magnitude (the first on ties, in Float64) is positive.
  ///
  /// - Throws: `PCAError` when LAPACK gives up.
  /// - Precondition: `endPass()` has said false, and every row was added once more.
  public consuming func finish() throws(PCAError) -> (values: [Double], vectors: [Float]) {
    guard let ritz else { preconditionFailure("the last pass is missing") }
    let eigen = try SymmetricEigen(upper: ritz.upper(), order: width)
    let (features, width, kept) = (self.features, self.width, components)
    let rotation = Array(eigen.vectors[..<(kept * width)])
    // What is largest decides the sign, over all chunks.
    let largest = Mutex([Double](repeating: 0, count: kept))
    var vectors = [Float](repeating: 0, count: kept * features)
    for first in stride(from: 0, to: features, by: Self.chunk) {
      let columns = first..<min(first + Self.chunk, features)
      let block = gather(columns, transposed: false)
      var rotated = [Double](repeating: 0, count: kept * columns.count)
      OpenBLAS.withThreads(1) {
        OpenBLAS.dgemm(m: kept, n: columns.count, k: width, rotation, block, &rotated)
      }
      for l in 0..<kept {
        var most = largest.withLock { $0[l] }
        for offset in 0..<columns.count {
          let value = rotated[l * columns.count + offset]
          if abs(value) > abs(most) { most = value }
          vectors[l * features + first + offset] = Float(value)
        }
        largest.withLock { $0[l] = most }
      }
    }
    for (l, most) in largest.withLock({ $0 }).enumerated() where most < 0 {
      for j in (l * features)..<((l + 1) * features) { vectors[j] = -vectors[j] }
    }
    let divisor = Double(count - 1)
    return (eigen.values.prefix(kept).map { max(0, $0) / divisor }, vectors)
  }
}
