import Decode
import Shards

/// A kept sample on its way out.
struct PublishItem: Sendable {
  /// Index of its shard among the kept samples' shards.
  var shard: Int
  var row: Int
  /// In publish order.
  var position: Int
  var sample: Sample
  /// The header of its picture, where that takes another form.
  var image: Result<ImageInfo, DecodeError>?
}

/// Reads the kept samples in the order of the input, those before `first` in publish order left out.
struct PublishSource: PullSource, ~Copyable {
  private let kept: KeptSamples
  private let files: [ShardFile]
  private let manifests: [ColumnManifest]
  private let limits: ShardLimits
  private let input: Recipe.Input
  private let workspace: String
  private let first: Int
  /// Of the input's order: the next wanted place in ``KeptSamples/rows``.
  private var cursor: Int
  private var shard = -1
  private var feed: SampleFeed?
  private let isInputOrder: Bool
  private let probe: ImageProbe

  init(
    _ kept: KeptSamples, from first: Int, _ files: [ShardFile], _ manifests: [ColumnManifest],
    _ recipe: Recipe,
    workspace: String
  ) throws {
    (self.kept, self.first, self.files, self.manifests) = (kept, first, files, manifests)
    let memory = try MemoryPlan(recipe.limits)
    limits = memory.shardLimits
    probe = ImageProbe(recipe, memory.decodeLimits(recipe.decode))
    input = recipe.input
    self.workspace = workspace
    cursor = first
    isInputOrder = recipe.publish.order == .input
  }

  mutating func next() throws -> (item: PublishItem, cost: Int)? {
    while true {
      if feed == nil {
        guard let next = nextShard() else { return nil }
        shard = next
        feed = try SampleFeed(
          files[shard], manifests[shard], limits: limits, input: input, workspace: workspace)
      }
      guard let (row, sample) = try feed!.nextAccepted() else {
        feed = nil
        continue
      }
      if let position = position(of: row) {
        let (image, memory) = probe(sample)
        let item = PublishItem(shard: shard, row: row, position: position, sample: sample, image: image)
        return (item, sample.bytes.count + memory)
      }
    }
  }

  /// Shards without a wanted sample are not read.
  private func nextShard() -> Int? {
    if isInputOrder { return cursor < kept.rows.count ? Int(kept.rows[cursor].shard) : nil }
    var next = shard + 1
    while next < files.count {
      let rows = 0..<manifests[next].accepted
      if rows.contains(where: { (kept.position(shard: next, row: $0) ?? -1) >= first }) { return next }
      next += 1
    }
    return nil
  }

  private mutating func position(of row: Int) -> Int? {
    guard isInputOrder else {
      return kept.position(shard: shard, row: row).flatMap { $0 >= first ? $0 : nil }
    }
    guard cursor < kept.rows.count, kept.rows[cursor] == .init(shard: Int32(shard), row: Int32(row)) else {
      return nil
    }
    defer { cursor += 1 }
    return cursor
  }
}

/// A kept sample in its final form, but for added fields.
struct ReadySample: Sendable {
  var shard: Int
  var row: Int
  var position: Int
  var sample: PublishedSample
}

/// Gives samples their published fields, and pictures their published form.
struct PublishWorker: MapWorker, ~Copyable {
  private let plan: FieldPlan
  private let shards: [String]
  private var form: ImageForm

  /// - Parameter shards: their names, for messages.
  init(_ plan: FieldPlan, _ form: consuming ImageForm, shards: [String]) {
    self.plan = plan
    self.form = form
    self.shards = shards
  }

  mutating func map(_ item: PublishItem) throws -> ReadySample {
    var (sample, image) = plan.apply(item.sample)
    try form.apply(to: &sample, field: image, item.image, shard: shards[item.shard])
    return ReadySample(shard: item.shard, row: item.row, position: item.position, sample: sample)
  }
}

/// Packs the samples as they come.
struct PackingSink: OrderedSink, ~Copyable {
  private let shards: [String]
  private var packer: ShardPacker
  private let journal: OutputJournal

  init(_ packer: consuming ShardPacker, _ journal: OutputJournal, shards: [String]) {
    self.packer = packer
    self.journal = journal
    self.shards = shards
  }

  mutating func consume(_ ready: ReadySample) throws {
    try packer.add(ready.sample, position: ready.position, shard: shards[ready.shard], row: ready.row)
  }

  mutating func finish() throws -> PackedShards { try packer.finish(journal) }
}

extension ShardPacker {
  /// Commits the last shard of a staging directory, and says what all are.
  mutating func finish(_ journal: OutputJournal) throws -> PackedShards {
    try finish()
    return PackedShards(shards: journal.shards, files: try files(journal.shards), notices: notices)
  }
}

/// Puts the samples aside for another order.
struct SpoolingSink: OrderedSink, ~Copyable {
  private var spool: SampleSpool

  init(_ spool: consuming SampleSpool) { self.spool = spool }

  mutating func consume(_ ready: ReadySample) throws { try spool.add(ready.sample, position: ready.position) }

  mutating func finish() throws { try spool.seal() }
}
