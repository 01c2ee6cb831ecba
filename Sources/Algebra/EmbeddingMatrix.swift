/// Rows of an embedding array in memory, exactly as they are stored: `<f2` or `<f4`, C order, shape
/// `(rows, dimension)`.
///
/// Half-precision rows are widened to Float32 a tile at a time, which is exact, so that a million rows of 512
/// values stay 1 GiB.
public struct EmbeddingMatrix: Sendable {
  /// The stored values.
  public enum Storage: Sendable {
    case float16([Float16])
    case float32([Float])
  }

  /// Number of rows, n.
  public let rows: Int
  /// Number of values in a row, d ≥ 1.
  public let dimension: Int
  public let storage: Storage

  /// A matrix of `<f4` values, shape `(values.count / dimension, dimension)`.
  ///
  /// Precondition: `dimension ≥ 1` divides `values.count`.
  public init(_ values: [Float], dimension: Int) {
    precondition(dimension >= 1 && values.count % dimension == 0, "values do not fill whole rows")
    rows = values.count / dimension
    self.dimension = dimension
    storage = .float32(values)
  }

  /// A matrix of `<f2` values, shape `(values.count / dimension, dimension)`.
  ///
  /// Precondition: `dimension ≥ 1` divides `values.count`.
  public init(_ values: [Float16], dimension: Int) {
    precondition(dimension >= 1 && values.count % dimension == 0, "values do not fill whole rows")
    rows = values.count / dimension
    self.dimension = dimension
    storage = .float16(values)
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
    precondition(offset >= 0 && target.count - offset >= dimension)
    var slot = target.mutableSpan
    switch storage {
    case .float32(let values):
      let source = values.span.extracting(row * dimension..<(row + 1) * dimension)
      for i in source.indices { slot[offset &+ i] = source[i] }
    case .float16(let values):
      let source = values.span.extracting(row * dimension..<(row + 1) * dimension)
      for i in source.indices { slot[offset &+ i] = widened(source[i]) }
    }
  }

  /// Whether row `row` holds neither NaN nor an infinity.
  public func isFinite(row: Int) -> Bool {
    let range = row * dimension..<(row + 1) * dimension
    var bad = 0
    switch storage {
    case .float32(let values):
      let source = values.span.extracting(range)
      for i in source.indices { bad &+= source[i].bitPattern & 0x7f80_0000 == 0x7f80_0000 ? 1 : 0 }
    case .float16(let values):
      let source = values.span.extracting(range)
      for i in source.indices { bad &+= source[i].bitPattern & 0x7c00 == 0x7c00 ? 1 : 0 }
    }
    return bad == 0
  }

  /// Writes the rows `indices[range]`, widened, one after the other to the start of `target`.
  package func gather(_ indices: [Int32], _ range: Range<Int>, into target: inout [Float]) {
    var offset = 0
    for i in range {
      widen(row: Int(indices[i]), into: &target, at: offset)
      offset += dimension
    }
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
