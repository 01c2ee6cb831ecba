import Decode
import Shards

/// Why a sample or a shard never got as far as a verdict: the contract's list, append-only.
public enum RejectCode: String, Sendable, CaseIterable, Codable {
  case truncatedShard = "truncated_shard"
  case badHeader = "bad_header"
  case badName = "bad_name"
  case duplicateKey = "duplicate_key"
  case interleavedKey = "interleaved_key"
  case sparseMember = "sparse_member"
  case memberTooLarge = "member_too_large"
  case noImage = "no_image"
  case notAnImage = "not_an_image"
  case unsupported
  case pixelLimit = "pixel_limit"
  case costLimit = "cost_limit"
  case jpegWarning = "jpeg_warning"
  case truncatedImage = "truncated_image"
  case corruptImage = "corrupt_image"
  case captionNotUTF8 = "caption_not_utf8"
  case deadline
  /// A stream's input shard that is gone, cannot be read, or does not stop to change.
  case unreadable

  init(_ code: ShardFault.Code) { self = RejectCode(rawValue: code.rawValue)! }
  init(_ code: DecodeError.Code) { self = RejectCode(rawValue: code.rawValue)! }
}

/// One rejected sample, or a whole shard when `key` is nil.
public struct Reject: Sendable, Equatable, Codable {
  public var shard: String
  public var key: String?
  public var member: String
  /// In the decompressed tar.
  public var offset: UInt64
  public var code: RejectCode
  public var message: String

  init(shard: String, key: String?, fault: ShardFault) {
    self.init(
      shard: shard, key: key, member: fault.member, offset: fault.offset, code: RejectCode(fault.code),
      message: fault.message)
  }

  init(shard: String, key: String?, member: String, offset: UInt64, code: RejectCode, message: String) {
    self.shard = shard
    self.key = key
    self.member = member
    self.offset = offset
    self.code = code
    self.message = message
  }

  /// `shard:offset:member: code: message`.
  public var description: String {
    "\(shard):\(offset):\(member.isEmpty ? "-" : member): \(code.rawValue): \(message)"
  }
}

/// Counts by reject code; every code is present.
public struct RejectCounts: Sendable, Equatable {
  public private(set) var counts: [RejectCode: Int] = [:]

  public init() {}
  public mutating func add(_ code: RejectCode, _ count: Int = 1) { counts[code, default: 0] += count }
  public mutating func add(_ other: RejectCounts) { counts.merge(other.counts, uniquingKeysWith: +) }
  public var total: Int { counts.values.reduce(0, +) }
  /// Those that occurred, in the contract's order.
  public var occurring: [(code: RejectCode, count: Int)] {
    RejectCode.allCases.compactMap { code in counts[code].map { (code, $0) } }
  }
  /// `truncated_image` → 1, for manifests.
  var byName: [String: Int] { Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }) }
  init(byName: [String: Int]) {
    for (name, count) in byName { if let code = RejectCode(rawValue: name) { counts[code] = count } }
  }
}
