/// One part of a sample: `jpg`, `txt`, `json`.
public struct Field: Sendable, Equatable {
  /// Extension after the key's dot, lower case.
  public var name: String
  /// Where its bytes are in ``Sample/bytes``.
  public var range: Range<Int>
  /// Offset of its first header block in the decompressed tar, for messages.
  public var offset: UInt64
  /// Offset of its data in the decompressed tar.
  public var dataOffset: UInt64
  /// Member name as stored, made printable.
  public var member: String
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
  /// Offset of the first header in the decompressed tar.
  public var offset: UInt64
  /// Why this sample is rejected, if reading alone shows it.
  public var fault: ShardFault?

  /// The first of `names` that the sample has.
  public func field(_ names: [String]) -> Field? {
    for name in names { if let field = fields.first(where: { $0.name == name }) { return field } }
    return nil
  }
}

/// How a shard ended.
public struct ShardSummary: Sendable, Equatable {
  public var samples = 0
  /// Members that belong to no sample: links, devices, names without a field, metadata.
  public var skippedMembers = 0
  /// Offset of the first non-zero byte after the end marker, if any: a second tar, or garbage.
  public var trailingDataOffset: UInt64?
  /// Bytes of the file as stored.
  public var storedBytes: UInt64 = 0
  /// SHA-256 of the file as stored, if asked for.
  public var digest: String?
  /// `gzip`, `zstd`, or nil for a plain tar.
  public var compression: String?

  public init() {}
}

/// Reads one shard front to back and yields its samples: the adjacent members that share a key.
///
/// A member that cannot be part of a sample marks only its sample (``Sample/fault``); anything that leaves the
/// rest of the stream in doubt is thrown as ``ShardFault``, and nothing follows. File errors are thrown as
/// ``FileError``.
public struct ShardReader: ~Copyable {
  private var tar: TarReader
  private let limits: ShardLimits
  private let keyPrefix: [UInt8]
  private var pending: TarMember?
  private var fieldSets = FieldSets()
  private var hasFinished = false
  /// Complete after ``next()`` has returned nil.
  public private(set) var summary = ShardSummary()

  /// - Parameters:
  ///   - hashing: compute the SHA-256 of the stored file.
  ///   - keyPrefix: put before every key before it is made safe (`keys: prefix`).
  public init(
    _ file: consuming File, limits: ShardLimits = ShardLimits(), hashing: Bool = false,
    keyPrefix: [UInt8] = []
  ) throws {
    let stream = try ShardStream(file, limits: limits, hashing: hashing)
    summary.compression = stream.compression
    tar = TarReader(stream, limits: limits)
    self.limits = limits
    self.keyPrefix = keyPrefix
  }

  /// The next sample, or nil after the last one of a complete shard.
  public mutating func next() throws -> Sample? {
    var sample: Sample?
    while let member = try pending.take() ?? tar.next() {
      guard let (key, name) = nameParts(member) else { continue }
      if sample == nil {
        sample = Sample(key: [], storedKey: Array(key), offset: member.headerOffset)
      } else if !sample!.storedKey.elementsEqual(key) {
        pending = member
        break
      }
      try add(member, field: name, to: &sample!)
    }
    guard var sample else {
      try finish()
      return nil
    }
    close(&sample)
    summary.samples += 1
    return sample
  }

  /// Key and field of a member, or nil (and counted) if it belongs to no sample.
  private mutating func nameParts(_ member: TarMember) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
    if member.kind == .directory { return nil }
    guard member.kind == .file || member.kind == .sparse, !SampleKey.isMetadata(member.name[...]),
      let parts = SampleKey.split(member.name[...])
    else {
      summary.skippedMembers += 1
      return nil
    }
    return parts
  }

  private mutating func add(_ member: TarMember, field: ArraySlice<UInt8>, to sample: inout Sample) throws {
    func reject(_ code: ShardFault.Code, _ message: String) {
      guard sample.fault == nil else { return }
      sample.fault = ShardFault(code, at: member.headerOffset, member: printable(member.name), message)
    }
    if let reason = SampleKey.hostility(of: member.name[...]) { return reject(.badName, reason) }
    if sample.storedKey.count > limits.keyBytes {
      return reject(.badName, "a key of \(sample.storedKey.count) bytes")
    }
    if field.isEmpty { return reject(.badName, "the name ends in a dot: no field") }
    guard let name = SampleKey.fieldName(field) else {
      return reject(.badName, "the field is not made of up to 98 letters, digits, '.', '_' and '-'")
    }
    if member.kind == .sparse { return reject(.sparseMember, "sparse members are not expanded") }
    if member.size > limits.memberBytes {
      return reject(.memberTooLarge, "\(member.size) bytes, the limit is \(limits.memberBytes)")
    }
    if UInt64(sample.bytes.count) + member.size > limits.sampleBytes {
      return reject(.memberTooLarge, "the sample has more than \(limits.sampleBytes) bytes")
    }
    if sample.fields.count == limits.fieldsPerSample {
      return reject(.memberTooLarge, "the sample has more than \(limits.fieldsPerSample) fields")
    }
    if sample.fields.contains(where: { $0.name == name }) {
      return reject(.duplicateKey, "the field \(printable(name.utf8)) occurs twice")
    }
    let start = sample.bytes.count
    try tar.readData(of: member, into: &sample.bytes)
    sample.fields.append(
      Field(
        name: name, range: start..<sample.bytes.count, offset: member.headerOffset,
        dataOffset: member.dataOffset,
        member: printable(member.name)))
  }

  /// Gives the sample its published key and checks it against those before it.
  private mutating func close(_ sample: inout Sample) {
    sample.key = SampleKey.safe((keyPrefix + sample.storedKey)[...]) { sha256($0) }
    let longest = sample.fields.max { $0.name.utf8.count < $1.name.utf8.count }
    if let longest, sample.key.count + 1 + longest.name.utf8.count > 100, sample.fault == nil {
      sample.fault = ShardFault(
        .badName, at: longest.offset, member: longest.member, "key and field do not fit 100 bytes")
    }
    if let repeated = fieldSets.insert(sample.fields.map(\.name), for: sample.key), sample.fault == nil {
      sample.fault = ShardFault(
        repeated ? .duplicateKey : .interleavedKey, at: sample.offset,
        member: sample.fields.first?.member ?? printable(sample.storedKey),
        repeated ? "this key occurred before in the shard" : "the members of this key are not adjacent")
    }
  }

  private mutating func finish() throws {
    guard !hasFinished else { return }
    hasFinished = true
    summary.trailingDataOffset = try tar.stream.drain()
    summary.storedBytes = tar.stream.storedBytes
    summary.digest = tar.stream.digest()
  }
}
