/// Total orders of numbers as sortable integers, ties broken by a position.
///
/// Positions are places in the canonical order of the rows (key bytes, shard, row), so every ranking in Tamis
/// is a function of the rows and not of the order they came in.
public enum TopK {
  /// The positions of `values` in ascending order of value, ties by position. NaN sorts last.
  public static func ascending(_ values: [Float]) -> [Int32] {
    positions(values.indices.map { packed(key(values[$0]), $0) })
  }

  /// The positions of `values` in descending order of value, ties by position. NaN sorts last.
  public static func descending(_ values: [Float]) -> [Int32] {
    positions(values.indices.map { packed(values[$0].isNaN ? .max : ~key(values[$0]), $0) })
  }

  /// The positions of `values` in ascending order of value, ties by position.
  public static func ascending(_ values: [UInt64]) -> [Int32] {
    values.indices.map { (value: values[$0], position: Int32($0)) }
      .sorted { ($0.value, $0.position) < ($1.value, $1.position) }
      .map(\.position)
  }

  /// The positions of the `count` smallest of `values` in ascending order, ties by position.
  public static func smallest(_ count: Int, of values: [UInt64]) -> [Int32] {
    Array(ascending(values).prefix(count))
  }

  /// The bits of `value` as an unsigned integer of the same order: −0 and 0 are equal, NaN is above +∞.
  private static func key(_ value: Float) -> UInt32 {
    if value.isNaN { return .max }
    let bits = (value == 0 ? Float(0) : value).bitPattern
    return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
  }

  private static func packed(_ key: UInt32, _ position: Int) -> UInt64 {
    UInt64(key) << 32 | UInt64(position)
  }

  private static func positions(_ packed: [UInt64]) -> [Int32] {
    packed.sorted().map { Int32(truncatingIfNeeded: $0) }
  }
}
