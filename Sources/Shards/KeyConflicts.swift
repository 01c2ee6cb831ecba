import Crypto

/// 128 bits of a key's SHA-256: keys are compared by it where a shard's keys are remembered, so that a hostile
/// shard of a million long keys costs tens of megabytes.
struct KeyHash: Hashable, Sendable {
  private var first: UInt64
  private var second: UInt64

  init(_ key: [UInt8]) {
    let digest = Array(SHA256.hash(data: key))
    first = digest[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    second = digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// The keys of a shard that come in several parts, found by reading its headers only.
///
/// Memory is some 40 bytes for each key of the shard while it is scanned, and for each repeated one afterwards.
public struct KeyConflicts: Sendable, Equatable {
  struct Parts: Sendable, Equatable {
    var count = 1
    /// True when a field occurs in more than one part.
    var overlap = false
  }

  private var parts: [KeyHash: Parts] = [:]

  /// None.
  init() {}

  /// Scans a shard; the data of members is seeked over where the shard is a plain tar in a regular file. A fault
  /// ends the scan: the reader meets it at the same place.
  public init(scanning file: consuming File, _ rules: ShardRules) throws {
    do {
      var reader = try ShardReader(skimming: file, rules)
      var fieldSets = FieldSets()
      while let part = try reader.nextPart() {
        let hash = KeyHash(part.key)
        guard let overlap = fieldSets.insert(part.fields.map(\.name), for: hash) else { continue }
        var known = parts[hash] ?? Parts()
        known.count += 1
        known.overlap = known.overlap || overlap
        parts[hash] = known
      }
    } catch is ShardFault {}
  }

  /// Number of keys.
  public var count: Int { parts.count }

  subscript(_ hash: KeyHash) -> Parts? { parts[hash] }
}
