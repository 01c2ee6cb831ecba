import Shards

/// What all the shards of a publish are.
struct PackedShards: Sendable {
  var shards: [PublishManifest.Shard]
  /// Small files that go with them.
  var files: [String: [UInt8]]
  var notices: [String]
}

/// Gives samples their added fields and fills shards with them, each committed when it is full.
struct ShardPacker: ~Copyable {
  private let perShard: Int
  private let format: any ShardFormat
  private let output: OutputJournal
  private let events: EventHandler
  private var block: FieldBlock
  private var stored: StoredFields
  private var thumbnails: ColumnRows
  private var uids: ShardUids?
  /// Samples in the open shard.
  private var inShard = 0
  private var written: Int

  /// - Parameters:
  ///   - journal: knows the shards of an interrupted run, and learns of each further one.
  ///   - fields: computed for every sample.
  init(
    _ recipe: Recipe, _ format: any ShardFormat, _ journal: OutputJournal, _ fields: AddedFields?,
    workspace: String, events: @escaping EventHandler
  ) {
    perShard = recipe.publish.samplesPerShard
    self.format = format
    self.events = events
    output = journal
    written = journal.samples
    block = FieldBlock(fields)
    stored = StoredFields(recipe.addedFields, workspace: workspace)
    thumbnails = ColumnRows(workspace: workspace, file: "thumbnail.npy")
    uids = PublishSidecars(recipe.publish).wants(.subset) ? ShardUids(staging: journal.staging) : nil
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
      try format.add(sample, shard: output.shards.count)
      inShard += 1
      written += 1
      if written % 64 == 0 { events(.progress(samples: written, bytes: 0)) }
    }
  }

  private mutating func finishShard() throws {
    guard inShard > 0 else { return }
    let shard = try format.finish(shard: output.shards.count)
    try uids?.finish(shard: shard.name)
    try output.record(shard)
    events(.committed(path: shard.name, samples: shard.samples))
    inShard = 0
  }

  /// Commits the last shard.
  mutating func finish() throws -> PackedShards {
    try write(block.flush())
    try finishShard()
    return PackedShards(
      shards: output.shards, files: try format.finishAll(output.shards),
      notices: block.notices + format.notices)
  }
}
