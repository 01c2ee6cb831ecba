import Shards

/// The published side of a stream: kept samples go into the open shard as they get their verdicts, and a full one is
/// sealed.
///
/// The open shard is thrown away by a kill and written again from its first sample.
final class StreamOutput {
  private let recipe: Recipe
  private let workspace: String
  private let log: SealLog
  private let packer: SharedPacker
  private let fields: AddedFields?
  private let stored: [String: AddedFields.Description]
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
  var openSamples: Int { packer.value.openSamples }

  /// - Parameter described: a shard with accepted samples, whose columns say what stored fields look like.
  init(
    _ recipe: Recipe, workspace: String, _ journal: any StreamJournal, _ seals: [StreamSeal],
    described: String?, events: @escaping EventHandler
  ) throws {
    (self.recipe, self.workspace, self.events) = (recipe, workspace, events)
    memory = try MemoryPlan(recipe.limits)
    plan = FieldPlan(stream: recipe)
    fields = try AddedFields(recipe, recipe.addedFields, basis: workspace + "/models/pca")
    stored = try StoredFields(recipe.addedFields, workspace: workspace).descriptions(
      described.map { [$0] } ?? [])
    log = try SealLog(journal, seals)
    growing = GrowingSidecars(uids: workspace + "/uids")
    if PublishSidecars(recipe.publish).wants(.subset) { try Directory.create(growing.uids) }
    let format = TarShards(recipe.publish, directory: recipe.publish.path, threads: memory.workers)
    packer = SharedPacker(
      ShardPacker(
        recipe, format, in: recipe.publish.path, log, fields, workspace: workspace, uids: growing.uids,
        events: events))
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

  /// Adds kept rows of one shard, in order; seals every shard that gets full.
  ///
  /// - Throws: ``PipelineError`` (temporary) when the input is not what was ingested; what the open shard holds is
  ///   void then.
  func add(_ rows: ArraySlice<Int>, of shard: ShardFile, _ manifest: ColumnManifest) throws {
    guard !rows.isEmpty else { return }
    let limits = memory.decodeLimits(recipe.decode)
    let feed = try SampleFeed(
      shard, manifest, limits: memory.shardLimits, input: recipe.input, workspace: workspace)
    let source = KeptRowSource(feed, rows, position: samples + openSamples, ImageProbe(recipe, limits))
    let (plan, recipe) = (plan, recipe)
    let window = recipe.publish.image.form == .keep ? min(memory.window, 16 << 20) : memory.window
    try orderedMap(
      from: source, into: SharedPackerSink(packer, shard: shard.name), workers: memory.workers,
      window: window,
      makeWorker: { try PublishWorker(plan, ImageForm(recipe, limits), shards: [shard.name]) },
      finish: { _ in })
  }

  /// Seals what is open, though it is not full.
  func seal() throws { try packer.value.finish() }

  /// Notices since the start, about fields that made way.
  var notices: [String] { packer.value.notices }

  /// Writes the sidecars of all shards; `MANIFEST.json` and the lists of shards last.
  func writeSidecars(_ account: DataCard.Account?) throws {
    var manifest = PublishManifest(
      key: PublishManifest.streamKey, recipe.publish, shards: seals, fields, AddedFields.all(fields, stored))
    let sidecars = PublishSidecars(recipe.publish)
    try sidecars.write(
      &manifest, try packer.value.files(seals), fields: [], pictures: [], account,
      staging: directory, growing: growing)
  }
}

/// The journal's seals as the packer's log.
private final class SealLog: ShardLog {
  private let journal: any StreamJournal
  private(set) var shards: [PublishManifest.Shard]
  private(set) var samples: Int

  init(_ journal: any StreamJournal, _ seals: [StreamSeal]) throws {
    self.journal = journal
    shards = try seals.map(Self.shard)
    samples = shards.reduce(0) { $0 + $1.samples }
  }

  static func shard(_ seal: StreamSeal) throws -> PublishManifest.Shard {
    do { return try JSON.decode(PublishManifest.Shard.self, from: Array(seal.entry.utf8)) } catch {
      throw PipelineError(.badData, "\(seal.name): its row in the catalog cannot be read")
    }
  }

  var count: Int { shards.count }

  func announce(_ shard: PublishManifest.Shard) throws {
    let entry = String(decoding: try JSON.line(shard).dropLast(), as: UTF8.self)
    try journal.add(
      StreamSeal(
        number: count, name: shard.name, samples: shard.samples, bytes: shard.bytes, entry: entry))
  }

  func record(_ shard: PublishManifest.Shard) throws {
    try journal.published(seal: count)
    shards.append(shard)
    samples += shard.samples
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
