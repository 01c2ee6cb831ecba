/// Which fields each key of a shard has had, as bits.
struct FieldSets {
  /// One bit for each of the first 63 field names of the shard; all others share the last.
  private var bits: [String: UInt64] = [:]
  private var fieldsOfKey: [KeyHash: UInt64] = [:]

  /// Number of keys.
  var count: Int { fieldsOfKey.count }

  /// Records a part of a key. Returns nil for a new one, else whether one of its fields had occurred before.
  mutating func insert(_ fields: [String], for key: KeyHash) -> Bool? {
    var new: UInt64 = 0
    for field in fields { new |= bit(of: field) }
    guard let old = fieldsOfKey[key] else {
      fieldsOfKey[key] = new
      return nil
    }
    fieldsOfKey[key] = old | new
    return old & new != 0
  }

  func contains(_ key: KeyHash) -> Bool { fieldsOfKey[key] != nil }

  private mutating func bit(of field: String) -> UInt64 {
    if let known = bits[field] { return known }
    guard bits.count < 63 else { return 1 << 63 }
    let new: UInt64 = 1 << UInt64(bits.count)
    bits[field] = new
    return new
  }
}
