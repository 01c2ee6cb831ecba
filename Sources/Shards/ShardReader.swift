/// Reads one shard front to back and yields its samples.
///
/// Adjacent members that share a key are a *part*; a key has one part and that is its sample, or else
/// ``ShardRules/duplicates`` says what becomes of them. A member that cannot be in a sample marks only its sample
/// (``Sample/fault``); anything that leaves the rest of the stream in doubt is thrown as ``ShardFault``, and nothing
/// follows, unless the rules say to salvage. File errors are thrown as ``FileError``.
public struct ShardReader: ~Copyable {
  private var tar: TarReader
  private let rules: ShardRules
  private let isSkimming: Bool
  private var pending: TarMember?
  private var keys: KeyPolicy
  private var parts = 0
  private var hasFinished = false
  /// Complete after ``next()`` has returned nil.
  public private(set) var summary = ShardSummary()

  /// - Parameters:
  ///   - repeats: what to do when a key comes again.
  ///   - hashing: compute the SHA-256 of the stored file.
  public init(
    _ file: consuming File, _ rules: ShardRules, repeats: RepeatedKeys = .rejectLater, hashing: Bool = false
  ) throws {
    try self.init(file, rules, repeats, hashing: hashing, skimming: false)
  }

  /// With default rules but for the limits and the key prefix.
  public init(
    _ file: consuming File, limits: ShardLimits = ShardLimits(), hashing: Bool = false,
    keyPrefix: [UInt8] = []
  ) throws {
    var rules = ShardRules()
    rules.limits = limits
    rules.keyPrefix = keyPrefix
    try self.init(file, rules, .rejectLater, hashing: hashing, skimming: false)
  }

  /// Reads headers only: samples have fields without bytes.
  init(skimming file: consuming File, _ rules: ShardRules) throws {
    try self.init(file, rules, .rejectLater, hashing: false, skimming: true)
  }

  private init(
    _ file: consuming File, _ rules: ShardRules, _ repeats: RepeatedKeys, hashing: Bool, skimming: Bool
  ) throws {
    let stream = try ShardStream(file, limits: rules.limits, hashing: hashing, skimming: skimming)
    summary.compression = stream.compression
    tar = TarReader(stream, limits: rules.limits, ignoresZeros: rules.ignoresZeros)
    keys = KeyPolicy(rules, repeats: repeats)
    self.rules = rules
    isSkimming = skimming
  }

  /// The next sample, or nil after the last one of a complete (or salvaged) shard.
  public mutating func next() throws -> Sample? {
    let stream = tar.stream
    let reread: HeldParts.Reread? =
      stream.canReread ? { try stream.reread(at: $0.dataOffset, count: $0.range.count) } : nil
    while let part = try nextPart() {
      guard var sample = try keys.sample(from: part, reread: reread) else { continue }
      checkNames(&sample)
      summary.samples += 1
      return sample
    }
    if let left = keys.takeLeftover() {
      summary.samples += 1
      return left
    }
    summary.distinctKeys = keys.distinctKeys
    summary.repeatedKeys = keys.repeatedKeys
    return nil
  }

  /// The next run of adjacent members of one key, under its safe key.
  mutating func nextPart() throws -> Sample? {
    guard !hasFinished else { return nil }
    var part: Sample?
    do {
      while let member = try pending.take() ?? tar.next() {
        if part != nil, member.followsEndMarker {
          pending = member
          break
        }
        guard let (key, field) = nameParts(member) else { continue }
        if part == nil {
          part = Sample(storedKey: Array(key), offset: member.headerOffset)
        } else if !part!.storedKey.elementsEqual(key) || startsNewPart(field, of: part!) {
          pending = member
          break
        }
        try add(member, field: field, to: &part!)
      }
      if part == nil { try finish() }
    } catch let fault as ShardFault {
      try salvage(&part, from: fault)
    }
    guard var part else { return nil }
    part.key = SampleKey.safe((rules.keyPrefix + part.storedKey)[...]) { sha256($0) }
    parts += 1
    return part
  }

  /// Ends the shard at a fault when the rules say so and there is something to keep; `part` is what was being read.
  private mutating func salvage(_ part: inout Sample?, from fault: ShardFault) throws {
    let isWhole = tar.endsInZeros
    guard rules.salvages, parts > 0 || (part != nil && isWhole) else { throw fault }
    if !isWhole, let cut = part {
      // The member that the break cuts is no field.
      part!.bytes.removeLast(cut.bytes.count - (cut.fields.last?.range.upperBound ?? 0))
      part!.reject(
        fault.code, at: fault.offset,
        member: fault.member.isEmpty ? cut.fields.last?.member ?? printable(cut.storedKey) : fault.member,
        "the shard breaks before this sample is known to be whole: \(fault.message)")
    }
    summary.fault = fault
    try end(drained: false)
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

  /// Under `rename`, a field that comes again begins another sample of that key.
  private func startsNewPart(_ field: ArraySlice<UInt8>, of part: Sample) -> Bool {
    guard rules.duplicates == .rename else { return false }
    let name = SampleKey.safeField(field) { sha256($0) }
    return part.fields.contains { $0.name == name }
  }

  private mutating func add(_ member: TarMember, field: ArraySlice<UInt8>, to sample: inout Sample) throws {
    let limits = rules.limits
    func reject(_ code: ShardFault.Code, _ message: String) {
      sample.reject(code, at: member.headerOffset, member: printable(member.name), message)
    }
    if let reason = SampleKey.hostility(of: member.name[...]) { return reject(.badName, reason) }
    if sample.storedKey.count > limits.keyBytes {
      return reject(.badName, "a key of \(sample.storedKey.count) bytes")
    }
    let plain = SampleKey.plainField(field)
    let name = plain ?? SampleKey.safeField(field) { sha256($0) }
    if member.kind == .sparse { return reject(.sparseMember, "sparse members are not expanded") }
    if member.size > limits.memberBytes {
      return reject(.memberTooLarge, "\(member.size) bytes, the limit is \(limits.memberBytes)")
    }
    if let first = sample.fields.first(where: { $0.name == name }) {
      return try addAgain(member, first, to: &sample)
    }
    if sample.announcedBytes + member.size > limits.sampleBytes {
      return reject(.memberTooLarge, "the sample has more than \(limits.sampleBytes) bytes")
    }
    if sample.fields.count == limits.fieldsPerSample {
      return reject(.memberTooLarge, "the sample has more than \(limits.fieldsPerSample) fields")
    }
    let start = sample.bytes.count
    sample.announcedBytes += member.size
    if !isSkimming { try tar.readData(of: member, into: &sample.bytes) }
    sample.fields.append(
      Field(
        name: name, range: start..<sample.bytes.count, offset: member.headerOffset,
        dataOffset: member.dataOffset, member: printable(member.name),
        isRenamed: plain == nil))
  }

  /// A field that the sample has already: under `merge` it may be there once more with the same bytes.
  private mutating func addAgain(_ member: TarMember, _ first: Field, to sample: inout Sample) throws {
    if rules.duplicates == .merge, !isSkimming, member.size == first.range.count {
      var again: [UInt8] = []
      try tar.readData(of: member, into: &again)
      if sample.bytes[first.range].elementsEqual(again) { return }
    }
    guard rules.duplicates != .merge || !isSkimming else { return }
    sample.reject(
      .duplicateKey, at: member.headerOffset, member: printable(member.name),
      "the field \(first.name) occurs twice")
  }

  /// Key and longest field must fit a published name.
  private func checkNames(_ sample: inout Sample) {
    guard let longest = sample.fields.max(by: { $0.name.utf8.count < $1.name.utf8.count }),
      sample.key.count + 1 + longest.name.utf8.count > 100
    else { return }
    sample.reject(
      .badName, at: longest.offset, member: longest.member, "key and field do not fit 100 bytes")
  }

  private mutating func finish() throws {
    summary.trailingDataOffset = try tar.stream.drain()
    try end(drained: true)
  }

  private mutating func end(drained: Bool) throws {
    hasFinished = true
    summary.endOffset = tar.stream.offset
    if !drained { try tar.stream.readStoredRest() }
    summary.storedBytes = tar.stream.storedBytes
    summary.digest = tar.stream.digest()
  }
}
