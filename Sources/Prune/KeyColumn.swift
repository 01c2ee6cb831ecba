/// The keys of all rows, and with them the canonical order that every tie is broken by.
public struct KeyColumn: Sendable {
  /// First 8 bytes, little-endian, of SHA-256 of each key, `(n,)`.
  public let hashes: [UInt64]
  /// All key bytes one after the other, and where each key ends; nil where keys are row numbers.
  private let packed: (bytes: [UInt8], ends: [Int])?

  /// Keys given as bytes: key i is `bytes[ends[i − 1] ..< ends[i]]`.
  ///
  /// Precondition: `ends` is ascending, as long as `hashes`, and ends at `bytes.count`.
  public init(bytes: [UInt8], ends: [Int], hashes: [UInt64]) {
    precondition(ends.count == hashes.count && (ends.last ?? 0) == bytes.count)
    self.hashes = hashes
    packed = (bytes, ends)
  }

  /// Rows without keys: `hashes[i]` is the hash of the decimal ASCII of i, and ties go to the lower row.
  public init(rowNumberHashes hashes: [UInt64]) {
    self.hashes = hashes
    packed = nil
  }

  /// Number of rows.
  public var count: Int { hashes.count }

  /// The key of a row: its bytes, or the row's number in decimal ASCII.
  public func key(_ row: Int) -> ArraySlice<UInt8> {
    guard let packed else { return Array(String(row).utf8)[...] }
    return packed.bytes[(row == 0 ? 0 : packed.ends[row - 1])..<packed.ends[row]]
  }

  /// All rows sorted by key bytes, then shard, then row of `origin`, then row number.
  func canonicalOrder(_ origin: RowOrigin?) -> [Int32] {
    let rows = (0..<Int32(count)).map { $0 }
    guard let packed else { return rows }
    let sorted = (0..<count).map { row in
      let start = row == 0 ? 0 : packed.ends[row - 1]
      return SortableKey(packed.bytes, start..<packed.ends[row], row: Int32(row))
    }
    .sorted { a, b in
      switch a.compare(b, packed.bytes) {
      case ..<0: return true
      case 1...: return false
      default: break
      }
      guard let origin else { return a.row < b.row }
      let (i, j) = (Int(a.row), Int(b.row))
      return (origin.shard[i], origin.row[i], a.row) < (origin.shard[j], origin.row[j], b.row)
    }
    return sorted.map(\.row)
  }
}

/// Where rows come from, `(n,)` each: the shard's index and the row inside the shard.
public struct RowOrigin: Sendable {
  public let shard: [Int32]
  public let row: [Int32]

  /// Precondition: both arrays have the same length.
  public init(shard: [Int32], row: [Int32]) {
    precondition(shard.count == row.count)
    self.shard = shard
    self.row = row
  }
}

/// A key with its first 16 bytes at hand as big-endian numbers, which decides most comparisons.
private struct SortableKey {
  let head: UInt64
  let next: UInt64
  let range: Range<Int>
  let row: Int32

  init(_ bytes: [UInt8], _ range: Range<Int>, row: Int32) {
    func word(_ from: Int) -> UInt64 {
      var value: UInt64 = 0
      for i in from..<from + 8 { value = value << 8 | (i < range.upperBound ? UInt64(bytes[i]) : 0) }
      return value
    }
    head = word(range.lowerBound)
    next = word(range.lowerBound + 8)
    self.range = range
    self.row = row
  }

  /// −1, 0 or 1 by bytes; a prefix comes first.
  func compare(_ other: SortableKey, _ bytes: [UInt8]) -> Int {
    if head != other.head { return head < other.head ? -1 : 1 }
    if next != other.next { return next < other.next ? -1 : 1 }
    for (a, b) in zip(bytes[range].dropFirst(16), bytes[other.range].dropFirst(16)) where a != b {
      return a < b ? -1 : 1
    }
    return range.count == other.range.count ? 0 : (range.count < other.range.count ? -1 : 1)
  }
}
