import Shards

/// What a worker finds in one shard.
struct IndexedShard: Sendable {
  var shard: Index.Shard
  /// `gzip`, `zstd` or `none`.
  var compression = "none"
  /// Samples that have each field.
  var fields: [String: Int] = [:]
  var hasIndex = false
  /// For `subset.npy`, in the order of the samples.
  var uids: [SampleUid] = []
  /// 64 bits of the hash of each key.
  var keys: [UInt64] = []
  var notices: [String] = []
}

/// Reads one shard front to back and writes its DALI index as it goes.
struct IndexWorker: MapWorker, ~Copyable {
  private static let shownFaults = 20

  let directory: String
  let staging: String
  let wanted: Set<Sidecar>
  let progress: IndexProgress

  mutating func map(_ shard: IndexFolder.Shard) throws -> IndexedShard {
    var found = IndexedShard(shard: Index.Shard(name: shard.name, bytes: shard.size))
    do { try read(shard, &found) } catch let fault as ShardFault { Self.add(fault, to: &found) }
    return found
  }

  private static func add(_ fault: ShardFault, to found: inout IndexedShard) {
    found.shard.faultCount += 1
    guard found.shard.faults.count < shownFaults else { return }
    found.shard.faults.append(Reject(shard: found.shard.name, key: nil, fault: fault))
  }

  private func read(_ shard: IndexFolder.Shard, _ found: inout IndexedShard) throws {
    let limits = try MemoryPlan(Recipe.Limits()).shardLimits
    var reader = try ShardReader(
      try File.regular(directory + "/" + shard.name), limits: limits, hashing: true)
    found.compression = reader.summary.compression ?? "none"
    let path = staging + Sidecar.index.fileName(ofShard: shard.name)!
    var index: DaliIndexWriter? =
      wanted.contains(.index) && found.compression == "none" ? try DaliIndexWriter(path: path) : nil
    var reported: (samples: Int, bytes: UInt64) = (0, 0)
    func report(upTo bytes: UInt64) {
      let reached = max(reported.bytes, min(bytes, shard.size))
      progress.add(samples: found.shard.samples - reported.samples, bytes: reached - reported.bytes)
      reported = (found.shard.samples, reached)
    }
    do {
      while let sample = try reader.next() {
        found.shard.samples += 1
        if let fault = sample.fault { Self.add(fault, to: &found) }
        found.keys.append(KeyUniqueness.hashWords(sample.key[...]).0)
        for field in sample.fields { found.fields[field.name, default: 0] += 1 }
        if wanted.contains(.subset), sample.fault == nil { try addUid(of: sample, to: &found) }
        if index != nil, let places = places(of: sample, &found) {
          try index!.add(places)
        } else if let unfinished = index.take() {
          try unfinished.discard()
        }
        if found.shard.samples % 64 == 0 { report(upTo: sample.offset) }
      }
    } catch {
      if let unfinished = index.take() { try unfinished.discard() }
      report(upTo: shard.size)
      throw error
    }
    report(upTo: shard.size)
    try check(reader.summary, shard, &found)
    if let index = index.take() {
      if found.shard.faultCount == 0, found.shard.samples > 0 {
        try index.finish()
        found.hasIndex = true
      } else {
        try index.discard()
      }
    }
  }

  /// What only the end of the shard shows.
  private func check(
    _ summary: ShardSummary, _ shard: IndexFolder.Shard, _ found: inout IndexedShard
  ) throws {
    found.shard.sha256 = summary.digest
    guard summary.storedBytes == shard.size else {
      throw PipelineError(.temporary, "\(directory)/\(shard.name): changed while it was read")
    }
    if let offset = summary.trailingDataOffset {
      Self.add(
        ShardFault(.badHeader, at: offset, "data behind the end of the tar: readers do not see it"),
        to: &found)
    }
    if let announced = shard.announced, announced != summary.samples, found.shard.faultCount == 0 {
      let stats = Sidecar.stats.fileName(ofShard: shard.name)!
      Self.add(
        ShardFault(
          .truncatedShard, at: summary.endOffset,
          "\(summary.samples) samples are here, \(stats) counts \(announced)"), to: &found)
    }
    if summary.samples == 0 {
      found.notices.append("\(shard.name): holds no sample, which some readers take for an error")
    }
    if summary.skippedMembers > 0 {
      found.notices.append(
        "\(shard.name): \(summary.skippedMembers) members belong to no sample; wids and Hugging Face may count them"
      )
    }
  }

  private func addUid(of sample: Sample, to found: inout IndexedShard) throws {
    let json = sample.field(["json"])
    do throws(PipelineError) {
      found.uids.append(
        try SampleUid(json.map { sample.bytes[$0.range] }, of: "this sample"))
    } catch {
      let member = json?.member ?? printable(sample.storedKey)
      throw PipelineError(
        .badData, "\(found.shard.name):\(json?.offset ?? sample.offset):\(member): \(error.description)")
    }
  }

  /// A line of the index; nil, with a notice, where a name does not fit one: such a shard gets no index.
  private func places(of sample: Sample, _ found: inout IndexedShard) -> [TarPlace]? {
    guard sample.fault == nil else { return nil }
    let places = sample.fields.map {
      TarPlace(
        name: Array($0.member.utf8), keyBytes: sample.storedKey.count, offset: $0.dataOffset,
        size: $0.range.count)
    }
    // From 200 bytes on, `member` may be a part of the name only.
    if let place = places.first(where: { !$0.fitsIndex || $0.name.count >= 200 }) {
      found.notices.append(
        "\(found.shard.name): no .idx: \(printable(place.name)) is not ASCII without spaces below 200 bytes")
      return nil
    }
    return places
  }
}

/// What all shards are, once all were read.
struct IndexedShards: Sendable {
  var shards: [PublishManifest.Shard] = []
  var hasIndex: [Bool] = []
  /// In use, by name.
  var compressions: Set<String> = []
  var fields: [String: Int] = [:]
  var faults = 0
  var notices: [String] = []
  var samples: Int { shards.reduce(0) { $0 + $1.samples } }
}

/// Gathers what workers find, in the order of the shards.
struct IndexSink: OrderedSink, ~Copyable {
  /// Keys compared with those of other shards, 8 bytes each.
  private static let comparedKeys = 8 << 20

  private let onShard: @Sendable (Index.Shard) -> Void
  private var subset: SubsetWriter?
  private var found = IndexedShards()
  private var keys: Set<UInt64> = []
  private var uncompared = 0

  init(wanted: Set<Sidecar>, subset: String, onShard: @escaping @Sendable (Index.Shard) -> Void) {
    self.subset = wanted.contains(.subset) ? SubsetWriter(path: subset) : nil
    self.onShard = onShard
  }

  mutating func consume(_ result: IndexedShard) throws {
    let shard = result.shard
    onShard(shard)
    found.faults += shard.faultCount
    found.notices += result.notices
    found.compressions.insert(result.compression)
    found.fields.merge(result.fields) { $0 + $1 }
    found.hasIndex.append(result.hasIndex)
    found.shards.append(
      PublishManifest.Shard(
        name: shard.name, samples: shard.samples, bytes: shard.bytes, sha256: shard.sha256 ?? ""))
    for uid in result.uids { try subset!.add(uid) }
    compare(result)
  }

  /// Readers that see shards as one stream merge neighbours of one key.
  private mutating func compare(_ result: IndexedShard) {
    guard keys.count + result.keys.count <= Self.comparedKeys else { return uncompared += 1 }
    let repeated = result.keys.count { keys.contains($0) }
    if repeated > 0 {
      found.notices.append(
        "\(result.shard.name): \(repeated) of its keys are in shards before it; readers may merge such samples"
      )
    }
    keys.formUnion(result.keys)
  }

  mutating func finish() throws -> IndexedShards {
    if uncompared > 0 {
      found.notices.append("keys of \(uncompared) shards were not compared; `tamis verify` compares all")
    }
    if let subset = subset.take() {
      if found.faults == 0 { try subset.finish() }
    }
    for (field, count) in found.fields.sorted(by: { $0.key < $1.key }) where count < found.samples {
      found.notices.append("\(found.samples - count) of \(found.samples) samples have no \(field)")
    }
    return found
  }
}
