/// Rows of an embedding array, exactly as they are stored: `<f2` or `<f4`, C order, shape `(rows, dimension)`; in
/// memory, or outside it (``RowStore``) and read a tile at a time.
///
/// Half-precision rows are widened to Float32 when they are used, which is exact, so that a million rows of 512
/// values stay 1 GiB, wherever they are.
public struct EmbeddingMatrix: Sendable {
  /// The stored values.
  package enum Storage: Sendable {
    case float16([Float16])
    case float32([Float])
    case stored(StoredRows)
  }

  /// Number of rows, n.
  public let rows: Int
  /// Number of values in a row, d ≥ 1.
  public let dimension: Int
  package let storage: Storage
  /// What each row is divided by when it is widened, `(n,)`; nil takes the rows as they are.
  private var lengths: [Double]?

  /// A matrix of `<f4` values, shape `(values.count / dimension, dimension)`.
  ///
  /// Precondition: `dimension ≥ 1` divides `values.count`.
  public init(_ values: [Float], dimension: Int) {
    self.init(.float32(values), count: values.count, dimension)
  }

  /// A matrix of `<f2` values, shape `(values.count / dimension, dimension)`.
  ///
  /// Precondition: `dimension ≥ 1` divides `values.count`.
  public init(_ values: [Float16], dimension: Int) {
    self.init(.float16(values), count: values.count, dimension)
  }

  /// Matrices in memory one below the other: `<f2` where all are, Float32 otherwise.
  ///
  /// Precondition: at least one, all of one dimension.
  public init(stacking parts: [EmbeddingMatrix]) {
    let dimension = parts[0].dimension
    precondition(parts.allSatisfy { $0.dimension == dimension }, "rows of different dimensions")
    if parts.count == 1 {
      self = parts[0]
    } else if parts.allSatisfy({ $0.isHalf && !$0.isStored }) {
      self.init(
        parts.flatMap { part in
          if case .float16(let values) = part.storage { values } else { [Float16]() }
        }, dimension: dimension)
    } else {
      self.init(parts.flatMap { part in (0..<part.rows).flatMap { part.row($0) } }, dimension: dimension)
    }
  }

  /// A matrix whose rows stay where they are.
  public init(_ store: some RowStore) {
    self.init(.stored(StoredRows(store)), count: store.rows * store.dimension, store.dimension)
  }

  private init(_ storage: Storage, count: Int, _ dimension: Int) {
    precondition(dimension >= 1 && count % dimension == 0, "values do not fill whole rows")
    rows = count / dimension
    self.dimension = dimension
    self.storage = storage
  }

  /// Why rows could not be read, nil if all could; rows in memory never fail.
  public var failure: (any Error)? {
    guard case .stored(let stored) = storage else { return nil }
    return stored.failure
  }

  /// True when rows are read when they are used, so that the order of reading matters for speed.
  package var isStored: Bool {
    if case .stored = storage { true } else { false }
  }

  /// True for rows in memory that are used as they are.
  package var isPlain: Bool { !isStored && lengths == nil }

  /// Bytes of one row as it is stored.
  package var rowBytes: Int { dimension * (isHalf ? 2 : 4) }

  /// The same rows, each divided by its Float64 length and rounded to Float32; rows of length 0 stay.
  ///
  /// - Parameter lengths: `(n,)`.
  package func divided(by lengths: [Double]) -> EmbeddingMatrix {
    precondition(lengths.count == rows)
    var matrix = self
    matrix.lengths = lengths
    return matrix
  }

  /// The rows `range` in memory, as they are stored: not divided by anything.
  package func loaded(_ range: Range<Int>) -> EmbeddingMatrix {
    let values = range.lowerBound * dimension..<range.upperBound * dimension
    switch storage {
    case .float16(let all): return EmbeddingMatrix(Array(all[values]), dimension: dimension)
    case .float32(let all): return EmbeddingMatrix(Array(all[values]), dimension: dimension)
    case .stored(let stored):
      if stored.store.isHalf { return EmbeddingMatrix(stored.halves(range), dimension: dimension) }
      var single = [Float](repeating: 0, count: values.count)
      stored.singles(range, into: &single, at: 0)
      return EmbeddingMatrix(single, dimension: dimension)
    }
  }

  /// The rows `indices` in memory, row i being row `indices[i]`: as they are stored, or divided and widened.
  package func loaded(_ indices: [Int32]) -> EmbeddingMatrix {
    guard lengths == nil, isHalf else {
      var values = [Float](repeating: 0, count: indices.count * dimension)
      gather(indices, indices.indices, into: &values)
      return EmbeddingMatrix(values, dimension: dimension)
    }
    var values: [Float16] = []
    values.reserveCapacity(indices.count * dimension)
    for row in indices {
      let range = Int(row)..<Int(row) + 1
      switch storage {
      case .float16(let all): values += all[Int(row) * dimension..<(Int(row) + 1) * dimension]
      case .stored(let stored): values += stored.halves(range)
      case .float32: preconditionFailure("not of half precision")
      }
    }
    return EmbeddingMatrix(values, dimension: dimension)
  }

  /// All values as Float32 where they lie in memory as such, nil otherwise.
  package var singles: [Float]? {
    if lengths == nil, case .float32(let values) = storage { values } else { nil }
  }

  private var isHalf: Bool {
    switch storage {
    case .float16: true
    case .float32: false
    case .stored(let stored): stored.store.isHalf
    }
  }

  /// Row `row` widened to Float32.
  public func row(_ row: Int) -> [Float] {
    var result = [Float](repeating: 0, count: dimension)
    widen(row: row, into: &result, at: 0)
    return result
  }

  /// Writes row `row`, widened exactly, to `target[offset ..< offset + dimension]`.
  ///
  /// NaN and infinite half-precision values come out as finite numbers; rows are checked before this is used
  /// (``isFinite(row:)``).
  @inline(__always)
  public func widen(row: Int, into target: inout [Float], at offset: Int) {
    widen(rows: row..<row + 1, into: &target, at: offset)
  }

  /// The same of several rows that lie one after the other.
  private func widen(rows range: Range<Int>, into target: inout [Float], at offset: Int) {
    precondition(offset >= 0 && target.count - offset >= range.count * dimension)
    let values = range.lowerBound * dimension..<range.upperBound * dimension
    switch storage {
    case .float32(let all):
      let source = all.span.extracting(values)
      var slot = target.mutableSpan
      for i in source.indices { slot[offset &+ i] = source[i] }
    case .float16(let all): Self.widen(all.span.extracting(values), into: &target, at: offset)
    case .stored(let stored):
      if stored.store.isHalf {
        let halves = stored.halves(range)
        Self.widen(halves.span, into: &target, at: offset)
      } else {
        stored.singles(range, into: &target, at: offset)
      }
    }
    if let lengths { divide(&target, at: offset, by: lengths[range]) }
  }

  private static func widen(_ source: Span<Float16>, into target: inout [Float], at offset: Int) {
    var slot = target.mutableSpan
    for i in source.indices { slot[offset &+ i] = widened(source[i]) }
  }

  private func divide(_ target: inout [Float], at offset: Int, by lengths: ArraySlice<Double>) {
    var slot = target.mutableSpan
    var start = offset
    for length in lengths {
      if length != 0 {
        for i in start..<start + dimension { slot[i] = Float(Double(slot[i]) / length) }
      }
      start += dimension
    }
  }

  /// Whether row `row` holds neither NaN nor an infinity; rows in memory only.
  package func isFinite(row: Int) -> Bool {
    let range = row * dimension..<(row + 1) * dimension
    var bad = 0
    switch storage {
    case .float32(let values):
      let source = values.span.extracting(range)
      for i in source.indices { bad &+= source[i].bitPattern & 0x7f80_0000 == 0x7f80_0000 ? 1 : 0 }
    case .float16(let values):
      let source = values.span.extracting(range)
      for i in source.indices { bad &+= source[i].bitPattern & 0x7c00 == 0x7c00 ? 1 : 0 }
    case .stored: return loaded(row..<row + 1).isFinite(row: 0)
    }
    return bad == 0
  }

  /// Writes the rows `indices[range]`, widened, one after the other to the start of `target`.
  ///
  /// Rows outside memory are read in their own order, neighbours at once.
  package func gather(_ indices: [Int32], _ range: Range<Int>, into target: inout [Float]) {
    guard isStored else {
      for (slot, i) in range.enumerated() { widen(row: Int(indices[i]), into: &target, at: slot * dimension) }
      return
    }
    let places = range.sorted { indices[$0] < indices[$1] }
    var next = 0
    while next < places.count {
      var end = next + 1
      while end < places.count, places[end] == places[end - 1] + 1,
        indices[places[end]] == indices[places[end - 1]] + 1
      {
        end += 1
      }
      let first = Int(indices[places[next]])
      widen(
        rows: first..<first + end - next, into: &target, at: (places[next] - range.lowerBound) * dimension)
      next = end
    }
  }

  /// The order in which the rows `indices` are best read, as places in `indices`: from front to back. nil where they are
  /// in memory or in that order already.
  package func readingOrder(_ indices: [Int32]) -> [Int32]? {
    guard isStored, zip(indices, indices.dropFirst()).contains(where: { $0 > $1 }) else { return nil }
    return indices.enumerated().map { UInt64(UInt32(bitPattern: $1)) << 32 | UInt64($0) }.sorted()
      .map { Int32(truncatingIfNeeded: $0) }
  }

  /// A hash of the stored bits of row `row`; equal rows have equal hashes.
  package func bitHash(row: Int) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    let range = row * dimension..<(row + 1) * dimension
    // Several values enter each multiplication: the chain of multiplications is what takes the time.
    var word: UInt64 = 0
    switch storage {
    case .float32(let values):
      let source = values.span.extracting(range)
      for i in source.indices {
        word = word << 32 | UInt64(source[i].bitPattern)
        if i & 1 == 1 { Self.mix(word, into: &hash) }
      }
    case .float16(let values):
      let source = values.span.extracting(range)
      for i in source.indices {
        word = word << 16 | UInt64(source[i].bitPattern)
        if i & 3 == 3 { Self.mix(word, into: &hash) }
      }
    case .stored: return loaded(row..<row + 1).bitHash(row: 0)
    }
    Self.mix(word, into: &hash)
    return hash
  }

  /// Whether rows `a` and `b` have the same stored bits.
  package func equalBits(_ a: Int, _ b: Int) -> Bool {
    let first = a * dimension..<(a + 1) * dimension
    let second = b * dimension..<(b + 1) * dimension
    switch storage {
    case .float32(let values):
      return zip(values[first], values[second]).allSatisfy { $0.bitPattern == $1.bitPattern }
    case .float16(let values):
      return zip(values[first], values[second]).allSatisfy { $0.bitPattern == $1.bitPattern }
    case .stored:
      var stored = self
      stored.lengths = nil
      return stored.loaded([Int32(a), Int32(b)]).equalBits(0, 1)
    }
  }

  @inline(__always)
  private static func mix(_ value: UInt64, into hash: inout UInt64) {
    hash = (hash ^ value) &* 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 32
  }
}

/// A finite half-precision value as Float32: the exponent is rebased by an exact multiplication with 2¹¹²,
/// which also handles subnormals. The base x86-64 instruction set has no conversion, and this form vectorises.
@inline(__always)
func widened(_ value: Float16) -> Float {
  let bits = UInt32(value.bitPattern)
  let magnitude = Float(bitPattern: (bits & 0x7fff) << 13) * 0x1p112
  return Float(bitPattern: magnitude.bitPattern | (bits & 0x8000) << 16)
}
