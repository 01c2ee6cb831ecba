public import Shards

/// What checking found in one shard.
public struct ShardCheck: Sendable, Equatable {
  public var shard: String
  public var samples: Int
  public var rejected: RejectCounts
  /// Set when the shard cannot be read to its end, salvaged or not.
  public var fault: Reject?
  public var summary: ShardSummary
}

/// Reads shards as an ingest would (structure, keys, every image decoded) and writes nothing.
public enum Check {
  /// - Parameter onShard: called as each shard is done; rejects come through `events` before it.
  /// - Returns: true if nothing was wrong.
  public static func run(
    _ shards: [ShardFile], recipe: Recipe, events: @escaping EventHandler,
    onShard: @escaping @Sendable (ShardCheck) -> Void
  ) throws -> Bool {
    let memory = try MemoryPlan(recipe.limits)
    let limits = memory.decodeLimits(recipe.decode)
    let watchdog = ImageWatchdog(seconds: recipe.limits.imageSeconds)
    return try orderedMap(
      from: IngestSource(shards, recipe: recipe, memory: memory, hashing: false),
      into: CheckSink(shards: shards, events: events, onShard: onShard),
      workers: memory.workers, window: memory.window,
      makeWorker: { IngestWorker(recipe, limits: limits, watchdog: watchdog) },
      finish: { $0.isClean })
  }
}

/// Counts what an ingest would have written.
private struct CheckSink: OrderedSink, ~Copyable {
  let shards: [ShardFile]
  let events: EventHandler
  let onShard: @Sendable (ShardCheck) -> Void
  var isClean = true
  private var index = -1
  private var rejected = RejectCounts()
  private var rejects = RejectSpool()

  init(shards: [ShardFile], events: @escaping EventHandler, onShard: @escaping @Sendable (ShardCheck) -> Void)
  {
    self.shards = shards
    self.events = events
    self.onShard = onShard
  }

  mutating func consume(_ result: IngestResult) throws {
    switch result {
    case .begin(let index):
      self.index = index
      rejected = RejectCounts()
      rejects.clear()
    case .accepted: break
    case .rejected(let sample, let code, let member, let offset, let message):
      rejected.add(code)
      try rejects.add(
        Reject(
          shard: shards[index].name, key: String(decoding: sample.key, as: UTF8.self), member: member,
          offset: offset, code: code, message: message))
    case .end(let index, let summary, let fault):
      let name = shards[index].name
      try rejects.send(to: events)
      let reject = (fault ?? summary.fault).map { Reject(shard: name, key: nil, fault: $0) }
      if let reject { events(.rejected(reject)) }
      for notice in summary.notices { events(.notice("\(name):\(notice)")) }
      if reject != nil || rejected.total > 0 || summary.trailingDataOffset != nil { isClean = false }
      onShard(
        ShardCheck(
          shard: shards[index].name, samples: summary.samples, rejected: rejected, fault: reject,
          summary: summary))
      rejected = RejectCounts()
    }
  }
}
