import Shards

/// A publish that is ready to be written: which samples, with which fields, in which format.
struct PublishJob: ~Copyable {
  let kept: KeptSamples
  let plan: FieldPlan
  /// Added fields, computed ones and rows of columns.
  let added: [String: AddedFields.Description]
  /// Of MDS.
  let table: MDSTable?
  private let recipe: Recipe
  private let files: [ShardFile]
  private let shards: [IngestedShard]
  private let fields: AddedFields?

  init(
    _ recipe: Recipe, _ files: [ShardFile], _ shards: [IngestedShard], _ verdicts: Verdicts,
    _ fields: AddedFields?, _ workspace: borrowing Workspace
  ) throws {
    let isKept = { (shard: Int, row: Int) in verdicts.isKept(shard: shard, row: row) }
    let stored = StoredFields(recipe.addedFields, workspace: workspace.path)
    let added = AddedFields.all(
      fields, try stored.descriptions(shards.filter { $0.manifest.accepted > 0 }.map(\.name)))
    let holdsSamples = recipe.publish.holdsSamples
    let plan =
      holdsSamples ? try FieldPlan(recipe, shards, isKept: isKept, workspace) : FieldPlan(stream: recipe)
    if holdsSamples {
      let limits = try MemoryPlan(recipe.limits).decodeLimits(recipe.decode)
      try PictureSizeCheck(recipe, limits).check(shards, isKept: isKept, workspace)
    }
    let table = recipe.publish.format == .mds ? try MDSTable(plan, recipe.publish, added) : nil
    kept = try KeptSamples(shards, order: recipe.publish.order, workspace, isKept: isKept)
    (self.recipe, self.files, self.shards) = (recipe, files, shards)
    (self.fields, self.plan, self.added, self.table) = (fields, plan, added, table)
  }

  /// Writes all shards into a staging directory, behind those that an interrupted run finished there.
  func run(_ staging: String, workspace: String, _ events: @escaping EventHandler) throws -> PackedShards {
    let journal = try OutputJournal(staging: staging)
    let first = journal.samples
    let memory = try MemoryPlan(recipe.limits)
    if recipe.publish.format == .columns {
      return try ColumnShards(recipe, added, fields, workspace: workspace)
        .write(files, shards, to: staging, journal, events)
    }
    let format = recipe.publish.shardFormat(table, added, directory: staging, threads: memory.workers)
    var packer = ShardPacker(
      recipe, format, in: staging, journal, fields, workspace: workspace, events: events)
    if recipe.publish.format == .npy { return try packKeys(into: &packer, journal, workspace) }
    let source = try PublishSource(
      kept, from: first, files, shards.map(\.manifest), recipe, workspace: workspace)
    let (plan, recipe, names) = (plan, recipe, kept.shards)
    let limits = memory.decodeLimits(recipe.decode)
    let makeWorker: @Sendable () throws -> PublishWorker = {
      try PublishWorker(plan, ImageForm(recipe, limits), shards: names)
    }
    if recipe.publish.order == .input {
      return try orderedMap(
        from: source, into: PackingSink(packer, journal, shards: kept.shards), workers: memory.workers,
        window: recipe.publish.window(memory), makeWorker: makeWorker, finish: { try $0.finish() })
    }
    let spool = workspace + "/.publish-spool"
    let positions = first..<kept.rows.count
    let accepted = shards.reduce(0) { $0 + $1.manifest.accepted }
    let bytes = files.reduce(0) { $0 + $1.status.size } / UInt64(max(1, accepted)) * UInt64(positions.count)
    let sink = SpoolingSink(
      try SampleSpool(
        directory: spool, positions: positions, bytes: bytes, bucketBytes: recipe.limits.memory / 8))
    try orderedMap(
      from: source, into: sink, workers: memory.workers, window: recipe.publish.window(memory),
      makeWorker: makeWorker, finish: { try $0.finish() })
    try SampleSpool.read(spool) { position, sample in
      let row = kept.rows[position]
      try packer.add(sample, position: position, shard: kept.shards[Int(row.shard)], row: Int(row.row))
    }
    return try packer.finish(journal)
  }

  /// Samples without their own fields: nothing has to be read again but the keys.
  private func packKeys(
    into packer: inout ShardPacker, _ journal: OutputJournal, _ workspace: String
  ) throws -> PackedShards {
    var keys: [Int32: [ArraySlice<UInt8>]] = [:]
    for (position, row) in kept.rows.enumerated().dropFirst(journal.samples) {
      let shard = kept.shards[Int(row.shard)]
      if keys[row.shard] == nil {
        // In the input's order one shard follows the other.
        if recipe.publish.order == .input { keys.removeAll() }
        keys[row.shard] = try KeyFile.keys(workspace + "/columns/\(shard)/keys.txt")
      }
      let key = keys[row.shard]![Int(row.row)]
      try packer.add(
        PublishedSample(key: Array(key), fields: []), position: position, shard: shard, row: Int(row.row))
    }
    return try packer.finish(journal)
  }
}

extension MDSTable {
  /// The columns of samples with these fields, and added ones.
  init(
    _ plan: FieldPlan, _ publish: Recipe.Publish, _ added: [String: AddedFields.Description]
  ) throws(PipelineError) {
    try self.init(
      plan.names(beside: added.keys), added: added, caption: plan.captionName, json: plan.jsonName,
      rawImage: publish.image.form == .raw ? plan.imageName : nil)
  }
}

extension Recipe.Publish {
  /// Bytes in flight. Where samples only pass through, reading far ahead of the writing gains nothing, and costs fresh
  /// memory for each of them.
  func window(_ memory: MemoryPlan) -> Int {
    image.form == .keep ? min(memory.window, 16 << 20) : memory.window
  }

  /// What a packer writes.
  ///
  /// - Parameters:
  ///   - table: of MDS.
  ///   - added: all added fields.
  func shardFormat(
    _ table: MDSTable?, _ added: [String: AddedFields.Description], directory: String, threads: Int
  ) -> any ShardFormat {
    switch format {
    case .webdataset, .columns: TarShards(self, directory: directory, threads: threads)
    case .mds: MDSShards(mdsFormat(table!.columns), table!, directory: directory, threads: threads)
    case .npy: ArrayShards(self, added, directory: directory)
    }
  }

  /// Bytes that compression and open shards take.
  func memory(threads: Int) -> (compression: Int, shard: Int) {
    // The shard, and what the compression has taken of it.
    (compress.memory(threads: threads), format == .mds ? 2 * mdsBytes : 0)
  }

  /// Most bytes of an MDS shard.
  var mdsBytes: Int { shardBytes ?? MDSFormat.defaultSizeLimit }

  func mdsFormat(_ columns: [MDSColumn]) -> MDSFormat {
    MDSFormat(columns, compression: compress, sizeLimit: mdsBytes)
  }
}
