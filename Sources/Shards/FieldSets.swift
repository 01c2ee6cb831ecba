import Crypto

/// Which fields each key of a shard has had. Keys are held as 128 bits of their SHA-256 and field sets as bits, so
/// that a hostile shard of a million keys costs tens of megabytes.
struct FieldSets {
  private struct KeyHash: Hashable {
    var first: UInt64
    var second: UInt64

    init(_ key: [UInt8]) {
      let digest = Array(SHA256.hash(data: key))
      first = digest[..<8].reduce(0) { $0 << 8 | UInt64($1) }
      second = digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  /// One bit for each of the first 63 field names of the shard; all others share the last.
  private var bits: [String: UInt64] = [:]
  private var fieldsOfKey: [KeyHash: UInt64] = [:]

  /// Records a key. Returns nil for a new one, else whether one of its fields had occurred before.
  mutating func insert(_ fields: [String], for key: [UInt8]) -> Bool? {
    var new: UInt64 = 0
    for field in fields { new |= bit(of: field) }
    let hash = KeyHash(key)
    guard let old = fieldsOfKey[hash] else {
      fieldsOfKey[hash] = new
      return nil
    }
    fieldsOfKey[hash] = old | new
    return old & new != 0
  }

  private mutating func bit(of field: String) -> UInt64 {
    if let known = bits[field] { return known }
    guard bits.count < 63 else { return 1 << 63 }
    let new: UInt64 = 1 << UInt64(bits.count)
    bits[field] = new
    return new
  }
}
