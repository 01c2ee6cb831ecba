import Shards

/// What all the shards of a publish are.
struct PackedShards: Sendable {
  var shards: [PublishManifest.Shard]
  /// Small files that go with them.
  var files: [String: [UInt8]]
  var notices: [String]
}

/// Where a packer's shards are written down.
protocol ShardLog: AnyObject {
  /// Shards that have their names; the next one has this number.
  var count: Int { get }
  /// Samples in them.
  var samples: Int { get }
  /// Notes a shard that is complete and durable under its hidden name, before it gets its own.
  func announce(_ shard: PublishManifest.Shard) throws
  /// Notes that it has its name.
  func record(_ shard: PublishManifest.Shard) throws
}

extension ShardLog {
  /// Gives a shard that is complete under its hidden name its own.
  func commit(_ shard: PublishManifest.Shard, in directory: String, _ events: EventHandler) throws {
    FaultPoint.reach("complete")
    try announce(shard)
    FaultPoint.reach("announce")
    try HiddenShard.reveal(shard, in: directory)
    FaultPoint.reach("reveal")
    try record(shard)
    events(.published(path: shard.name, samples: shard.samples))
  }
}

/// Gives samples their added fields and fills shards with them, each committed when it is full.
struct ShardPacker: ~Copyable {
  private let perShard: Int
  private let format: any ShardFormat
  private let log: any ShardLog
  private let directory: String
  private let events: EventHandler
  private var block: FieldBlock
  private var stored: StoredFields
  private var thumbnails: ColumnRows
  private var uids: ShardUids?
  /// Samples written to the open shard.
  private var inShard = 0
  private var written: Int

  /// - Parameters:
  ///   - directory: where the shards are put.
  ///   - log: knows the shards that are there, and learns of each further one.
  ///   - fields: computed for every sample.
  ///   - uids: where those of each shard are kept; nil: with the shards.
  init(
    _ recipe: Recipe, _ format: any ShardFormat, in directory: String, _ log: any ShardLog,
    _ fields: AddedFields?, workspace: String, uids: String? = nil, events: @escaping EventHandler
  ) {
    perShard = recipe.publish.samplesPerShard
    self.format = format
    self.events = events
    self.log = log
    self.directory = directory
    written = log.samples
    block = FieldBlock(fields)
    stored = StoredFields(recipe.addedFields, workspace: workspace)
    thumbnails = ColumnRows(workspace: workspace, file: "thumbnail.npy")
    let place = uids ?? directory
    self.uids = PublishSidecars(recipe.publish).wants(.subset) ? ShardUids(staging: place) : nil
  }

  /// Adds the next sample, which is row `row` of workspace shard `shard`.
  mutating func add(_ sample: PublishedSample, position: Int, shard: String, row: Int) throws {
    var sample = sample
    for field in try stored.fields(shard: shard, row: row) where sample.add(field) {
      block.countRenamed(field.name)
    }
    let thumbnails = thumbnails
    try write(block.add(sample, position: position) { try thumbnails.row(shard: shard, row: row) })
  }

  private mutating func write(_ samples: [PublishedSample]) throws {
    for sample in samples {
      let isFull = inShard == perShard
      if try isFull || !format.hasRoom(for: sample) {
        try finishShard()
        _ = try format.hasRoom(for: sample)
      }
      try uids?.add(sample)
      try format.add(sample, shard: log.count)
      inShard += 1
      written += 1
      if written % 64 == 0 { events(.progress(samples: written, bytes: 0)) }
    }
  }

  private mutating func finishShard() throws {
    guard inShard > 0 else { return }
    let shard = try format.complete(shard: log.count)
    try uids?.finish(shard: shard.name)
    try log.commit(shard, in: directory, events)
    inShard = 0
  }

  /// Samples added that are in no finished shard yet.
  var openSamples: Int { inShard + block.count }

  /// Commits the last shard.
  mutating func finish() throws {
    try write(block.flush())
    try finishShard()
  }

  /// Files that go with the shards.
  func files(_ shards: [PublishManifest.Shard]) throws -> [String: [UInt8]] { try format.finishAll(shards) }

  /// What to tell at the end.
  var notices: [String] { block.notices + format.notices }
}
