import Shards

/// Totals over the shards of an ingest.
public struct IngestReport: Sendable, Equatable {
  /// Input shards, those found finished included.
  public var shards = 0
  /// Of them, already in the workspace.
  public var shardsKnown = 0
  /// Rejected as a whole.
  public var shardsRejected = 0
  /// Broken, the whole samples before the fault kept.
  public var shardsSalvaged = 0
  public var samples = 0
  public var accepted = 0
  public var rejected = RejectCounts()
  /// Keys made safe, or told apart from others of their shard.
  public var renamed = 0
  /// Fields made safe.
  public var renamedFields = 0
  /// Members that belong to no sample: links, devices, names without a field.
  public var skippedMembers = 0

  public init() {}

  mutating func add(_ manifest: ColumnManifest) {
    shards += 1
    samples += manifest.samples
    accepted += manifest.accepted
    rejected.add(RejectCounts(byName: manifest.rejected))
    renamed += manifest.renamed
    renamedFields += manifest.renamedFields
    if manifest.input.fault != nil { shardsSalvaged += 1 }
    skippedMembers += manifest.input.skippedMembers
  }

  mutating func add(_ shard: InputState.RejectedShard) {
    shards += 1
    shardsRejected += 1
    samples += shard.samples
    if let code = RejectCode(rawValue: shard.code), shard.samples > 0 { rejected.add(code, shard.samples) }
  }
}

/// Writes results into the workspace, shard by shard, in order.
struct IngestSink: OrderedSink, ~Copyable {
  private let workspacePath: String
  private let shards: [ShardFile]
  private let recipe: Recipe
  private let recipeHash: String
  private let encoders: SampleEncoders?
  private let events: EventHandler
  private var index = -1
  private var columns: ColumnWriter?
  private var quarantine: Quarantine?
  /// Bytes of all quarantine tars so far.
  private var quarantined: UInt64
  private var rejects: RejectSpool
  private var samples = 0
  private var samplesBefore = 0
  private var bytesBefore: UInt64 = 0
  private var bytesInShard: UInt64 = 0
  /// What was learnt of each shard ingested.
  private(set) var states: [String: InputState] = [:]

  init(
    workspace: String, shards: [ShardFile], recipe: Recipe, recipeHash: String,
    encoders: SampleEncoders?, events: @escaping EventHandler
  ) throws {
    quarantined = try QuarantineStore.bytes(workspace, without: Set(shards.map(\.name)))
    workspacePath = workspace
    self.shards = shards
    self.recipe = recipe
    self.recipeHash = recipeHash
    self.encoders = encoders
    self.events = events
    rejects = RejectSpool(directory: workspace)
  }

  mutating func consume(_ result: IngestResult) throws {
    switch result {
    case .begin(let index):
      try begin(index)
    case .accepted(let sample):
      try columns!.append(sample)
      count(sample.bytes)
    case .rejected(let sample, let code, let member, let offset, let message):
      let reject = Reject(
        shard: shards[index].name, key: String(decoding: sample.key, as: UTF8.self), member: member,
        offset: offset,
        code: code, message: message)
      try columns!.append(reject, of: sample)
      try quarantine!.add(sample, reject)
      try rejects.add(reject)
      count(sample.bytes.count)
    case .end(let index, let summary, let fault):
      self.index = index
      if let fault { try end(summary, fault) } else { try end(summary) }
    }
  }

  /// Begins a shard, or begins it anew.
  private mutating func begin(_ index: Int) throws {
    self.index = index
    if let started = columns.take() { try started.discard() }
    if let started = quarantine.take() { try started.abandon() }
    rejects.clear()
    (samples, bytesInShard) = (samplesBefore, 0)
    let name = shards[index].name
    columns = try ColumnWriter(
      shard: name, path: workspacePath + "/columns/" + name, features: recipe.features,
      jsonFields: recipe.prune.jsonFields, encoders: encoders)
    quarantine = newQuarantine(name)
  }

  private func newQuarantine(_ shard: String) -> Quarantine {
    let limit = UInt64(recipe.limits.quarantine)
    return Quarantine(
      directory: workspacePath + "/quarantine", shard: shard, recipeHash: recipeHash,
      room: limit - min(limit, quarantined))
  }

  private mutating func count(_ bytes: Int) {
    samples += 1
    bytesInShard = min(bytesInShard + UInt64(bytes), shards[index].status.size)
    events(.progress(samples: samples, bytes: bytesBefore + bytesInShard))
  }

  private mutating func end(_ summary: ShardSummary) throws {
    let shard = shards[index]
    try rejects.send(to: events)
    if let fault = summary.fault { events(.rejected(Reject(shard: shard.name, key: nil, fault: fault))) }
    for notice in summary.notices { events(.notice("\(shard.name):\(notice)")) }
    try commitQuarantine(shard.name)
    let columns = columns.take()!
    let accepted = columns.accepted
    let rules = recipe.input.rules(ShardLimits(), shard: shard.name)
    try columns.commit(summary, rules, recipe: recipeHash)
    states[shard.name] = InputState(
      status: shard.status, sha256: summary.digest ?? "", stats: shard.stats?.status)
    finishShard(accepted)
  }

  private mutating func commitQuarantine(_ shard: String) throws {
    let quarantine = quarantine.take()!
    let leftOut = quarantine.samplesLeftOut
    quarantined += try quarantine.commit()
    if leftOut > 0 {
      let limit = ByteSize.text(recipe.limits.quarantine)
      events(
        .notice(
          "\(shard): the quarantine is full (limits.quarantine: \(limit)): \(leftOut) rejected samples are listed "
            + "without their bytes"))
    }
  }

  /// A shard that cannot be read to its end gives no sample at all.
  private mutating func end(_ summary: ShardSummary, _ fault: ShardFault) throws {
    let shard = shards[index]
    let reject = Reject(shard: shard.name, key: nil, fault: fault)
    try rejects.send(to: events)
    events(.rejected(reject))
    if let columns = columns.take() { try columns.discard() }
    try Directory.remove(workspacePath + "/columns/" + shard.name)
    let quarantine = quarantine.take() ?? newQuarantine(shard.name)
    try quarantine.commit(shard: shard, reject)
    states[shard.name] = InputState(
      status: shard.status, sha256: summary.digest ?? "", stats: shard.stats?.status,
      rejected: .init(
        recipe: recipeHash, code: reject.code.rawValue, offset: reject.offset, member: reject.member,
        message: reject.message, samples: summary.samples))
    finishShard(0)
  }

  private mutating func finishShard(_ accepted: Int) {
    bytesBefore += shards[index].status.size
    (bytesInShard, samplesBefore) = (0, samples)
    events(.progress(samples: samples, bytes: bytesBefore))
    events(.committed(path: shards[index].name, samples: accepted))
  }
}

extension ShardSummary {
  /// What the user should know of a shard that is no fault; each begins with an offset.
  var notices: [String] {
    var notices: [String] = []
    if let offset = trailingDataOffset {
      notices.append("\(offset): data behind the end of the tar was not read; see --ignore-zeros")
    }
    if let announcedSamples, distinctKeys > announcedSamples {
      notices.append("\(endOffset): \(distinctKeys) samples, its stats file counts \(announcedSamples)")
    }
    return notices
  }
}
