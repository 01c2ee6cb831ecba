/// What is wrong with a shard, or with one sample of it, and where.
///
/// Thrown, it means that nothing after `offset` can be trusted; held by a ``Sample``, that this sample alone is
/// rejected and reading goes on.
public struct ShardFault: Error, Sendable, Equatable {
  /// The reject codes that reading can give; the raw values are those of the contract.
  public enum Code: String, Sendable, CaseIterable {
    case truncatedShard = "truncated_shard"
    case badHeader = "bad_header"
    case badName = "bad_name"
    case duplicateKey = "duplicate_key"
    case interleavedKey = "interleaved_key"
    case sparseMember = "sparse_member"
    case memberTooLarge = "member_too_large"
  }

  public let code: Code
  /// Byte offset in the decompressed tar stream.
  public let offset: UInt64
  /// The member's name, shortened and made printable; empty where there is none.
  public let member: String
  public let message: String

  public init(_ code: Code, at offset: UInt64, member: String = "", _ message: String) {
    self.code = code
    self.offset = offset
    self.member = member
    self.message = message
  }
}

/// Limits on what a shard may claim (spec/ecosystem.md d). None is a memory promise: bytes are allocated as they
/// arrive, never as a header announces them.
public struct ShardLimits: Sendable, Equatable {
  /// Largest member in bytes.
  public var memberBytes: UInt64 = 256 << 20
  /// Largest sample in bytes, all fields together.
  public var sampleBytes: UInt64 = 512 << 20
  /// Most fields in one sample.
  public var fieldsPerSample = 64
  /// Most members in one shard.
  public var membersPerShard = 1_000_000
  /// Longest key in bytes.
  public var keyBytes = 1024
  /// Largest PAX or GNU extended header in bytes.
  public var extendedHeaderBytes: UInt64 = 64 << 10
  /// Most extended headers before one member.
  public var extendedHeadersInARow = 8
  /// Most bytes of parts that wait for others of their key (``DuplicatePolicy/merge``).
  public var heldBytes: UInt64 = 256 << 20
  /// Most decompressed bytes of one compressed shard.
  public var decompressedBytes: UInt64 = 64 << 30
  /// Most decompressed bytes for each stored one, once ``expansionGrace`` bytes came out.
  public var expansion: UInt64 = 1000
  /// Decompressed bytes below which the ratio does not matter.
  public var expansionGrace: UInt64 = 1 << 30
  /// Base-2 logarithm of the largest zstd window accepted.
  public var zstdWindowLog = 27
  /// Bytes read and inflated at a time, at least 512. Not a limit: no result depends on it.
  public var bufferBytes = 256 << 10

  public init() {}
}

/// Makes bytes from a file printable in an error message: invalid UTF-8 and control characters are replaced, long
/// text is cut.
public func printable(_ bytes: some Sequence<UInt8>, limit: Int = 200) -> String {
  let start = Array(bytes.prefix(limit))
  let text = String(decoding: start, as: UTF8.self)
  if start.allSatisfy({ 0x20 <= $0 && $0 < 0x7f }) { return text }
  func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
  }
  return String(
    String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
}
