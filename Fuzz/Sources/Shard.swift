import Shards

/// How the reading of a shard went.
struct ShardOutcome {
  var samples: [Sample] = []
  var summary: ShardSummary?
  var fault: ShardFault?

  /// Reads all of a shard in one pass.
  init(path: String, limits: ShardLimits) {
    var rules = ShardRules()
    rules.limits = limits
    self.init(path: path, rules, .rejectLater)
  }

  /// Reads all of a shard, its repeated keys known before.
  init(scanned path: String, _ rules: ShardRules) {
    do {
      let conflicts = try KeyConflicts(scanning: File(path: path, .read), rules)
      self.init(path: path, rules, .known(conflicts))
    } catch {
      fatalError("a scan threw \(error)")
    }
  }

  /// Reads all of a shard. Anything thrown that is not a ``ShardFault`` is a finding.
  init(path: String, _ rules: ShardRules, _ repeats: RepeatedKeys) {
    do {
      var reader = try ShardReader(File(path: path, .read), rules, repeats: repeats, hashing: true)
      while let sample = try reader.next() { samples.append(sample) }
      let again = try reader.next()
      require(again == nil, "a sample after the end")
      summary = reader.summary
    } catch let error as ShardFault {
      fault = error
    } catch {
      fatalError("not a ShardFault: \(error)")
    }
  }

  /// Checks that two readings gave the same; the file's own bytes are compared only `asStored`.
  func expectSame(_ other: ShardOutcome, asStored: Bool = true) {
    require(samples.count == other.samples.count, "\(samples.count) samples, then \(other.samples.count)")
    for (a, b) in zip(samples, other.samples) {
      require(
        a.key == b.key && a.storedKey == b.storedKey && a.bytes == b.bytes && a.fields == b.fields
          && a.offset == b.offset && a.fault == b.fault, "two readings differ")
    }
    if asStored {
      require(summary == other.summary && fault == other.fault, "two readings end differently")
    } else {
      require(
        summary?.samples == other.summary?.samples
          && summary?.skippedMembers == other.summary?.skippedMembers
          && summary?.trailingDataOffset == other.summary?.trailingDataOffset,
        "the plain copy ends differently")
    }
  }

  /// What holds for every sample of every shard.
  func checkSamples(_ limits: ShardLimits) {
    if let summary { require(summary.samples == samples.count, "the summary counts other samples") }
    var published: Set<[UInt8]> = []
    for sample in samples {
      var end = 0
      var names: Set<String> = []
      for field in sample.fields {
        require(field.range.lowerBound == end, "fields do not lie back to back")
        end = field.range.upperBound
        require(UInt64(field.range.count) <= limits.memberBytes, "a field above the limit")
        require(field.dataOffset >= field.offset + 512, "data before its header")
        require(names.insert(field.name).inserted, "a field twice")
        require(isFieldName(field.name), "the field name '\(field.name)'")
      }
      require(end == sample.bytes.count, "bytes that no field has")
      require(UInt64(end) <= limits.sampleBytes, "a sample above the limit")
      require(sample.fields.count <= limits.fieldsPerSample, "more fields than the limit")
      require(isPublishedKey(sample.key), "the key '\(printable(sample.key))'")
      if sample.fault == nil {
        require(!sample.fields.isEmpty, "a sample without fields and without fault")
        require(published.insert(sample.key).inserted, "two good samples of one key")
        for name in names {
          require(sample.key.count + 1 + name.utf8.count <= 100, "key and field exceed a USTAR name")
        }
      }
    }
  }
}

/// Letters, digits, `_`, `-` and single `/` between other bytes, at most 90 bytes: no dots, so no `..`.
private func isPublishedKey(_ key: [UInt8]) -> Bool {
  let slash = UInt8(ascii: "/")
  return (1...90).contains(key.count) && key.first != slash && key.last != slash
    && key.allSatisfy { $0 == slash || isWord($0) }
}

private func isFieldName(_ name: String) -> Bool {
  (1...98).contains(name.utf8.count)
    && name.utf8.allSatisfy {
      $0 == UInt8(ascii: ".") || isWord($0) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
    }
}

private func isWord(_ byte: UInt8) -> Bool {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "_")
    || byte == UInt8(ascii: "-")
}

/// The laxer readings: what salvage, `--ignore-zeros` and the policies of repeated keys make of the same file.
private func readLaxly(_ path: String, _ limits: ShardLimits, _ strict: ShardOutcome) {
  var rules = ShardRules()
  rules.limits = limits
  rules.salvages = true
  let salvaged = ShardOutcome(path: path, rules, .rejectLater)
  salvaged.checkSamples(limits)
  // Everything given before the fault, and at most one more: what was being read.
  let more = salvaged.samples.count - strict.samples.count
  require(strict.fault == nil ? more == 0 : (0...1).contains(more), "\(more) more samples by salvage")
  for (a, b) in zip(strict.samples, salvaged.samples) {
    require(a.key == b.key && a.bytes == b.bytes && a.fault == b.fault, "salvage changes a sample")
  }
  rules.salvages = false
  rules.ignoresZeros = true
  ShardOutcome(path: path, rules, .rejectLater).checkSamples(limits)
  for policy in DuplicatePolicy.allCases {
    rules.duplicates = policy
    rules.limits.heldBytes = 8192
    let outcome = ShardOutcome(scanned: path, rules)
    outcome.checkSamples(limits)
    rules.limits.bufferBytes = 1024
    ShardOutcome(scanned: path, rules).expectSame(outcome)
    rules.limits.bufferBytes = limits.bufferBytes
  }
}

/// Target `tar`: the input is a shard file, plain, gzip or zstd.
func fuzzShard(_ bytes: [UInt8]) {
  var limits = ShardLimits()
  limits.memberBytes = 1 << 14
  limits.sampleBytes = 1 << 15
  limits.fieldsPerSample = 6
  limits.membersPerShard = 100
  limits.keyBytes = 128
  limits.extendedHeaderBytes = 4096
  limits.extendedHeadersInARow = 4
  limits.decompressedBytes = 4 << 20
  limits.zstdWindowLog = 20
  limits.bufferBytes = 512 + bytes.count % 700
  let path = MemoryFile.write(bytes)
  let outcome = ShardOutcome(path: path, limits: limits)
  outcome.checkSamples(limits)
  // Where the reads end must not matter.
  limits.bufferBytes = 4096
  ShardOutcome(path: path, limits: limits).expectSame(outcome)
  readLaxly(path, limits, outcome)
  if let summary = outcome.summary {
    require(summary.storedBytes == UInt64(bytes.count), "the shard was not read to its end")
  }

  // The plain copy holds the same samples, and of a plain shard it is the shard.
  let copy = MemoryFile.write([], to: 1)
  var copyFault: ShardFault?
  do {
    try PlainTarCopy.run(from: File(path: path, .read), to: File(path: copy, .create), limits: limits)
  } catch let error as ShardFault {
    copyFault = error
  } catch {
    fatalError("not a ShardFault: \(error)")
  }
  require((copyFault == nil) == (outcome.fault == nil), "copied but not read, or the other way round")
  let plain = MemoryFile.read(1)
  for field in outcome.samples.lazy.flatMap(\.fields) {
    require(Int(field.dataOffset) + field.range.count <= plain.count, "a field beyond the tar")
  }
  for sample in outcome.samples {
    for field in sample.fields {
      let start = Int(field.dataOffset)
      require(
        plain[start..<(start + field.range.count)] == sample.bytes[field.range], "bytes from elsewhere")
    }
  }
  guard let summary = outcome.summary else { return }
  if summary.compression == nil {
    require(plain == bytes, "the copy of a plain shard is another")
  } else {
    let again = ShardOutcome(path: copy, limits: limits)
    // The first member's name may itself look like a compressed file.
    let looksCompressed = [0x1f, 0x28].contains(plain.first) || (plain.first ?? 0) & 0xf0 == 0x50
    if again.fault == nil { again.expectSame(outcome, asStored: false) }
    require(again.fault == nil || looksCompressed, "the plain copy is no shard: \(again.fault!.message)")
  }
}
