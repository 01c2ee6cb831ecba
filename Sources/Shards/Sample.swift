/// One part of a sample: `jpg`, `txt`, `json`.
public struct Field: Sendable, Equatable {
  /// Extension after the key's dot, lower case, made safe (``SampleKey/safeField(_:digest:)``).
  public var name: String
  /// Where its bytes are in ``Sample/bytes``.
  public var range: Range<Int>
  /// Offset of its first header block in the decompressed tar, for messages.
  public var offset: UInt64
  /// Offset of its data in the decompressed tar.
  public var dataOffset: UInt64
  /// Member name as stored, made printable.
  public var member: String
  /// True when the stored field could not be published as it is, by more than its case.
  public var isRenamed = false
}

/// One image + caption + metadata, as it stands in a shard.
public struct Sample: Sendable {
  /// The key made safe to publish, see ``SampleKey/safe(_:digest:)``.
  public var key: [UInt8]
  /// The key as stored.
  public var storedKey: [UInt8]
  /// The data of all fields, back to back.
  public var bytes: [UInt8] = []
  /// In shard order.
  public var fields: [Field] = []
  /// Offset of the first header in the decompressed tar; of the last part's when parts were merged.
  public var offset: UInt64
  /// Why this sample is rejected, if reading alone shows it.
  public var fault: ShardFault?
  /// Bytes its members announce; more than `bytes.count` only while a shard is skimmed.
  var announcedBytes: UInt64 = 0

  init(storedKey: [UInt8], offset: UInt64) {
    key = []
    self.storedKey = storedKey
    self.offset = offset
  }

  /// The first of `names` that the sample has.
  public func field(_ names: [String]) -> Field? {
    for name in names { if let field = fields.first(where: { $0.name == name }) { return field } }
    return nil
  }

  /// Marks the sample as rejected; the first reason stays.
  mutating func reject(_ code: ShardFault.Code, at offset: UInt64, member: String, _ message: String) {
    guard fault == nil else { return }
    fault = ShardFault(code, at: offset, member: member, message)
  }
}

/// How a shard ended.
public struct ShardSummary: Sendable, Equatable {
  /// Samples given, those with a fault included.
  public var samples = 0
  /// Different keys among the samples.
  public var distinctKeys = 0
  /// Keys that came in several parts.
  public var repeatedKeys = 0
  /// Members that belong to no sample: links, devices, names without a field, metadata.
  public var skippedMembers = 0
  /// Offset of the first non-zero byte after the end marker, if any: a second tar, or garbage.
  public var trailingDataOffset: UInt64?
  /// Set when the shard breaks and the whole samples before the break were kept (``ShardRules/salvages``).
  public var fault: ShardFault?
  /// Samples that img2dataset's stats file counts, if the caller knows one.
  public var announcedSamples: Int?
  /// Bytes of the file as stored.
  public var storedBytes: UInt64 = 0
  /// Where reading ended in the decompressed tar.
  public var endOffset: UInt64 = 0
  /// SHA-256 of the file as stored, if asked for.
  public var digest: String?
  /// `gzip`, `zstd`, or nil for a plain tar.
  public var compression: String?

  public init() {}
}
