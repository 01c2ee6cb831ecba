import Shards

/// The published side of a stream: kept samples go into the open shard as they get their verdicts, and a full one is
/// sealed. Columns are a sealed shard for each input shard.
///
/// The open shard is thrown away by a kill and written again from its first sample.
final class StreamOutput {
  private enum Writer {
    case packer(SharedPacker)
    case columns(ColumnShards)
  }

  private let recipe: Recipe
  private let workspace: String
  private let log: SealLog
  private let writer: Writer
  private let fields: AddedFields?
  private let added: [String: AddedFields.Description]
  private let table: MDSTable?
  private let plan: FieldPlan
  private let memory: MemoryPlan
  private let growing: GrowingSidecars
  private let events: EventHandler

  private var directory: String { recipe.publish.path }

  /// Seals that have their names.
  var seals: [PublishManifest.Shard] { log.shards }
  /// Samples published.
  var samples: Int { log.samples }
  /// Samples in the open shard.
  var openSamples: Int { if case .packer(let packer) = writer { packer.value.openSamples } else { 0 } }
  /// Whether input shards are read once more.
  var readsInput: Bool { recipe.publish.format != .npy }

  /// - Parameters:
  ///   - fixed: the fields of every sample, where the format has the same in all.
  ///   - described: a shard with accepted samples, whose columns say what stored fields look like.
  init(
    _ recipe: Recipe, workspace: String, _ journal: any StreamJournal, _ seals: [StreamSeal],
    _ fixed: FieldPlan.Fixed?, described: String, events: @escaping EventHandler
  ) throws {
    (self.recipe, self.workspace, self.events) = (recipe, workspace, events)
    let publish = recipe.publish
    memory = try MemoryPlan(recipe.limits)
    plan = fixed.map { FieldPlan(stream: recipe, $0) } ?? FieldPlan(stream: recipe)
    fields = try AddedFields(recipe, recipe.addedFields, basis: workspace + "/models/pca")
    let stored = StoredFields(recipe.addedFields, workspace: workspace)
    added = AddedFields.all(fields, try stored.descriptions([described]))
    table = publish.format == .mds ? try MDSTable(plan, publish, added) : nil
    log = try SealLog(journal, seals)
    growing = GrowingSidecars(uids: workspace + "/uids")
    if PublishSidecars(publish).wants(.subset) { try Directory.create(growing.uids) }
    guard publish.format != .columns else {
      writer = .columns(try ColumnShards(recipe, added, fields, workspace: workspace))
      return
    }
    let format = publish.shardFormat(table, added, directory: publish.path, threads: memory.workers)
    writer = .packer(
      SharedPacker(
        ShardPacker(
          recipe, format, in: publish.path, log, fields, workspace: workspace, uids: growing.uids,
          events: events)))
  }

  /// Finishes what a killed process began in OUT: the last sealed shard gets its name, hidden files go.
  static func recover(_ recipe: Recipe, _ journal: any StreamJournal, _ seals: inout [StreamSeal]) throws {
    let directory = recipe.publish.path
    if let last = seals.indices.last, !seals[last].isPublished {
      try HiddenShard.reveal(try SealLog.shard(seals[last]), in: directory)
      try journal.published(seal: seals[last].number)
      seals[last].isPublished = true
    }
    for name in try Directory.names(in: directory) ?? [] where name.hasPrefix(".") && isOurs(name) {
      try Directory.remove(directory + "/" + name)
    }
  }

  /// Hidden files that shards are written to.
  private static func isOurs(_ name: String) -> Bool {
    [".tmp", ".lines", ".open.uids"].contains { name.hasSuffix($0) }
  }

  /// Adds rows of one shard, in order; seals every shard that gets full.
  ///
  /// - Parameters:
  ///   - rows: those kept; of columns all samples, as one.
  ///   - file: nil where ``readsInput`` is false.
  /// - Throws: ``PipelineError`` (temporary) when the input is not what was ingested, `ShardFault` for samples that
  ///   cannot be published; what the open shard holds is void then.
  func add(_ rows: ArraySlice<Int>, of shard: IngestedShard, _ file: ShardFile?) throws {
    guard !rows.isEmpty else { return }
    switch writer {
    case .columns(let columns): try columns.write(file!, shard, to: directory, log, events)
    case .packer(let packer) where readsInput: try addSamples(rows, of: shard, file!, to: packer)
    case .packer(let packer): try addKeys(rows, of: shard, to: packer)
    }
  }

  private func addSamples(
    _ rows: ArraySlice<Int>, of shard: IngestedShard, _ file: ShardFile, to packer: SharedPacker
  ) throws {
    tellDifferences(of: shard)
    let limits = memory.decodeLimits(recipe.decode)
    let feed = try SampleFeed(
      file, shard.manifest, limits: memory.shardLimits, input: recipe.input, workspace: workspace)
    let source = KeptRowSource(feed, rows, position: samples + openSamples, ImageProbe(recipe, limits))
    let (plan, recipe) = (plan, recipe)
    try orderedMap(
      from: source, into: SharedPackerSink(packer, shard: shard.name), workers: memory.workers,
      window: recipe.publish.window(memory),
      makeWorker: { try PublishWorker(plan, ImageForm(recipe, limits), shards: [shard.name]) },
      finish: { _ in })
  }

  /// Samples without their own fields.
  private func addKeys(_ rows: ArraySlice<Int>, of shard: IngestedShard, to packer: SharedPacker) throws {
    let keys = try KeyFile.keys(workspace + "/columns/\(shard.name)/keys.txt")
    for row in rows {
      try packer.value.add(
        PublishedSample(key: Array(keys[row]), fields: []), position: samples + openSamples,
        shard: shard.name, row: row)
    }
  }

  /// Says which fields of a shard's samples do not fit the fixed ones.
  private func tellDifferences(of shard: IngestedShard) {
    let (leftOut, filled) = plan.differences(shard.manifest.fieldSets)
    if !leftOut.isEmpty {
      events(
        .notice(
          "\(shard.name): \(leftOut.joined(separator: ", ")): left out: the first published samples did not have this"
        ))
    }
    if !filled.isEmpty {
      events(.notice("\(shard.name): \(filled.joined(separator: ", ")): filled where samples lack this"))
    }
  }

  /// Seals what is open, though it is not full.
  func seal() throws { if case .packer(let packer) = writer { try packer.value.finish() } }

  /// What to tell at the end: of fields that made way, and captions that were repaired.
  var notices: [String] { if case .packer(let packer) = writer { packer.value.notices } else { [] } }

  /// Writes the sidecars of all shards; `MANIFEST.json` and the lists of shards last.
  func writeSidecars(_ account: DataCard.Account?) throws {
    var manifest = PublishManifest(
      key: PublishManifest.streamKey, recipe.publish, shards: seals, fields, added)
    manifest.columns = table?.columns
    var files: [String: [UInt8]] = [:]
    if case .packer(let packer) = writer { files = try packer.value.files(seals) }
    try PublishSidecars(recipe.publish).write(
      &manifest, files, fields: plan.names(beside: added.keys), pictures: [], account, staging: directory,
      growing: growing)
  }
}

/// A packer that outlives the maps that feed it. It is used by one thread at a time: within a map under the lock of its
/// sink, else by the owner of the output.
private final class SharedPacker: @unchecked Sendable {
  var value: ShardPacker

  init(_ packer: consuming ShardPacker) { value = packer }
}

private struct SharedPackerSink: OrderedSink {
  let packer: SharedPacker
  let shard: String

  init(_ packer: SharedPacker, shard: String) { (self.packer, self.shard) = (packer, shard) }

  mutating func consume(_ ready: ReadySample) throws {
    try packer.value.add(ready.sample, position: ready.position, shard: shard, row: ready.row)
  }
}

/// Reads wanted rows of one shard.
private struct KeptRowSource: PullSource, ~Copyable {
  private var feed: SampleFeed
  private var rows: ArraySlice<Int>
  private var position: Int
  private let probe: ImageProbe

  init(_ feed: consuming SampleFeed, _ rows: ArraySlice<Int>, position: Int, _ probe: ImageProbe) {
    self.feed = feed
    self.rows = rows
    self.position = position
    self.probe = probe
  }

  /// The shard is read to its end, where its content is compared with what was ingested.
  mutating func next() throws -> (item: PublishItem, cost: Int)? {
    while let (row, sample) = try feed.nextAccepted() {
      guard row == rows.first else { continue }
      rows.removeFirst()
      let (image, memory) = probe(sample)
      defer { position += 1 }
      return (
        PublishItem(shard: 0, row: row, position: position, sample: sample, image: image),
        sample.bytes.count + memory
      )
    }
    return nil
  }
}
