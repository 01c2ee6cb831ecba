import Algebra
import Prune
import Shards

/// The daemon's work without its loop: takes shards one at a time, gives verdicts in the order of the claims, and
/// seals published shards.
///
/// *Bootstrap*: shards are ingested until `daemon.fit.after_samples` are there; *fit*: PCA, embeddings and plan are
/// made as a run makes them; *stream*: each further shard is embedded by the frozen basis and decided by the frozen
/// plan. Without anything to prune there is no plan, and every accepted sample is kept; where published fields need a
/// basis, it alone is fitted, on the same first shards, and nothing is published before.
///
/// The published bytes are a function of the claims, of the claim at which the plan was fitted, and of the seals,
/// all of which are written down before they take effect (``StreamState``).
public struct StreamSession: ~Copyable {
  private let recipe: Recipe
  private let workspace: Workspace
  private let events: EventHandler
  private var state: StreamState
  private var plan: FrozenPlan?
  /// The keys of the claims that are through; opened by ``recover()``.
  private var keys: KeyIndex?
  /// Kept rows that are not published yet, oldest first.
  private var pending: [(shard: String, row: Int)] = []
  private let recipeHash: String
  /// What published samples get beside their own fields, once it was needed.
  private var addedFields: AddedFields?

  /// Opens the workspace, finishes what a killed process began, and loads the plan.
  public static func open(
    _ recipe: Recipe, workspace path: String, events: @escaping EventHandler
  ) throws -> StreamSession {
    guard !recipe.publish.path.isEmpty else { throw PipelineError(.usage, "publish.path: missing") }
    guard !ShardPatterns.sets(recipe.input.path).contains("-") else {
      throw PipelineError(.usage, "input.path: a stream watches files; `tamis pipe` reads standard input")
    }
    guard !recipe.features.areImported else {
      throw PipelineError(
        .usage, "features: embeddings from a file have no rows for shards to come; a stream needs an encoder")
    }
    guard recipe.publish.order == .input else {
      throw PipelineError(.usage, "publish.order: a stream publishes in the order of its input")
    }
    guard recipe.publish.format == .webdataset else {
      throw PipelineError(
        .usage, "publish.format: a stream writes webdataset shards, not \(recipe.publish.format.rawValue)")
    }
    guard recipe.publish.shardBytes == nil else {
      throw PipelineError(
        .usage, "publish.shard_bytes: a stream's shards are bounded by publish.samples_per_shard alone")
    }
    if recipe.publish.sidecars != nil {
      events(.notice("publish.sidecars: a stream writes sizes.json, __len__ and MANIFEST.json, no others"))
    }
    if fits(recipe) { try Fit.checkMemory(recipe) }
    var session = StreamSession(
      recipe, workspace: try Workspace(path: path), state: try StreamState.load(path),
      recipeHash: try Ingest.recipeHash(recipe), events: events)
    try session.checkPlaces()
    try session.workspace.record(recipe)
    try Directory.create(recipe.publish.path)
    try session.recover()
    return session
  }

  private init(
    _ recipe: Recipe, workspace: consuming Workspace, state: StreamState, recipeHash: String,
    events: @escaping EventHandler
  ) {
    self.recipe = recipe
    self.workspace = workspace
    self.events = events
    self.state = state
    self.recipeHash = recipeHash
  }

  /// Neither the workspace nor OUT may hold the work of something else.
  private func checkPlaces() throws {
    if state.claims.isEmpty, try Directory.names(in: workspace.path + "/columns")?.isEmpty == false {
      throw PipelineError(
        .usage, "\(workspace.path): the workspace belongs to a run; give the stream its own with -w")
    }
    if state.claims.isEmpty, try OutputDirectory.existing(recipe.publish.path) != .nothing {
      throw PipelineError(
        .usage, "\(recipe.publish.path): holds another publish; give the stream its own directory")
    }
  }

  /// Whether something has to be fitted before the first sample is published.
  private static func fits(_ recipe: Recipe) -> Bool {
    recipe.prune.isActive || AddedFields.needBasis(recipe.addedFields)
      || recipe.addedFields.contains(.embedding)
  }

  /// True once samples are kept or dropped as they come.
  public var isStreaming: Bool { !Self.fits(recipe) || state.fittedClaims > 0 }
  /// Samples kept and not published yet.
  public var pendingSamples: Int { pending.count }
  /// Samples published.
  public var publishedSamples: Int { state.sealed.reduce(0) { $0 + $1.samples } }

  /// Shards of the input that were not taken yet and did not change for `quietSeconds`, by name.
  ///
  /// - Parameter now: seconds since 1970.
  public func waiting(now: Double) throws -> [ShardFile] {
    let known = Set(state.claims)
    let latest = (now - Double(recipe.daemon.quietSeconds)) * 1e9
    return try inputShards().filter {
      !known.contains($0.name) && Double($0.status.modified) <= latest
    }
  }

  /// What is in the input by now; shards of img2dataset that are not ready are waited for.
  private func inputShards() throws -> [ShardFile] {
    try ShardSet.find(recipe.input, workspace: workspace.path, waits: true).shards
  }

  /// Takes one shard: columns, verdicts, and as many full published shards as there are samples for.
  public mutating func process(_ shard: ShardFile) throws {
    state.claims.append(shard.name)
    try state.save(workspace.path)
    try finish(shard)
    try seal(partial: false)
  }

  /// Publishes what is left, as a last shard that may be smaller.
  public mutating func drain() throws { try seal(partial: true) }

  /// Everything about a claimed shard up to its verdicts; done again, it does what is still missing.
  private mutating func finish(_ shard: ShardFile) throws {
    if try workspace.manifest(shard.name)?.recipe != recipeHash {
      let states = try Ingest.ingest(
        [shard], recipe, recipeHash, workspace.path, isStreaming: true, events)
      var all = try workspace.inputState()
      all.merge(states) { $1 }
      try workspace.record(all)
    }
    guard try workspace.manifest(shard.name) != nil else {
      state.rejected.append(shard.name)
      return try state.save(workspace.path)
    }
    guard try hasNewKeys(shard) else { return }
    if isStreaming {
      if recipe.prune.isActive { try decide(shard.name) }
      pending += try keptRows(shard.name)
    }
    try keys!.add(try KeyFile.keys(workspace.columns(shard.name) + "/keys.txt"), shard: shard.name)
    if !isStreaming, try acceptedSamples() >= recipe.daemon.fitAfterSamples { try fit() }
  }

  private func acceptedSamples() throws -> Int {
    try workspace.ingestedShards().reduce(0) { $0 + $1.manifest.accepted }
  }

  /// Fits the plan on the claims so far, as a run does, and takes its verdicts; without anything to prune, the basis.
  private mutating func fit() throws {
    let prunes = recipe.prune.isActive
    var fitted = recipe
    // Nothing reads the columns of embeddings then.
    if !prunes { (fitted.features.image, fitted.features.text) = (nil, nil) }
    _ = try Fit.run(fitted, in: workspace, events: events)
    if prunes { _ = try PruneStage.run(recipe, in: workspace, events: events) }
    var basis = FitReport()
    try Fit.runAfterPruning(fitted, in: workspace, &basis, events: events)
    state.fittedClaims = state.claims.count
    try state.save(workspace.path)
    let (what, samples) = (prunes ? "plan" : "basis", try acceptedSamples())
    events(.notice("\(what) fitted on \(samples) samples of \(state.fittedClaims) shards"))
    if prunes { plan = try frozenPlan(state.claims) }
    pending = try state.claims.flatMap { try keptRows($0) }
  }

  private func frozenPlan(_ shards: [String]) throws -> FrozenPlan {
    try FrozenPlan(
      workspace: workspace.path, shards: accepted(shards), keys: keys!, memory: recipe.limits.memory / 8,
      threads: try MemoryPlan(recipe.limits).workers)
  }

  private func accepted(_ claims: [String]) -> [String] {
    let rejected = Set(state.rejected)
    return claims.filter { !rejected.contains($0) }
  }

  /// Embeds a shard by the frozen basis and gives its verdicts.
  private mutating func decide(_ name: String) throws {
    let path = workspace.path + "/verdicts/\(name).npy"
    guard try FileStatus(path: path) == nil, let manifest = try workspace.manifest(name) else { return }
    if let encoder = plan!.encoder {
      _ = try ImageColumn.fill(
        encoder, id: plan!.encoderID, recipe, [IngestedShard(name: name, manifest: manifest)], workspace,
        events)
    } else if manifest.accepted > 0, plan!.needsRows,
      manifest.encoders["image"] != plan!.encoderID
        || !plan!.scoreEncoders.allSatisfy({ manifest.encoders[$0] == $1 })
    {
      throw PipelineError(.usage, "\(name): embedded by another model than the plan was fitted on")
    }
    if case .ngrams(let dimensions)? = recipe.features.text, let manifest = try workspace.manifest(name) {
      let shard = IngestedShard(name: name, manifest: manifest)
      _ = try TextColumn.fill(dimensions, recipe, [shard], workspace, events)
    }
    var verdicts: [Verdict] = []
    let keys = try KeyFile.keys(workspace.columns(name) + "/keys.txt")
    if !keys.isEmpty {
      let rows = plan!.needsRows ? try EmbeddingFile.read(workspace.columns(name) + "/image.npy") : nil
      let passes = try recipe.prune.filter.map {
        try FilterColumns.workspace($0, recipe.features)
          .keeps(shard: workspace.columns(name), recipe.features, rows: keys.count)
      }
      let scores = try FrozenPlan.scores(workspace.columns(name), needed: plan!.usesScores)
      verdicts = try plan!.decide(
        rows: rows, keys: keys, scores: scores, passes: passes, shard: plan!.shards.count)
    }
    // Lines of other shards may move.
    _ = try VerdictDirectory.add(name, to: workspace.path)
    let ordinals = ShardOrdinals(
      shards: plan!.shards + [name], names: try FrozenPlan.shardNames(workspace.path))
    verdicts = ordinals.asLines(verdicts)
    try VerdictDirectory.write(verdicts, of: name, to: workspace.path)
    try plan!.published(name)
  }

  private func keptRows(_ name: String) throws -> [(shard: String, row: Int)] {
    guard !state.rejected.contains(name), let manifest = try workspace.manifest(name) else { return [] }
    guard recipe.prune.isActive else { return (0..<manifest.accepted).map { (name, $0) } }
    return try VerdictFile.read(workspace.path + "/verdicts/\(name).npy").enumerated().filter {
      $0.element.kept
    }
    .map { (name, $0.offset) }
  }

  /// False, and the shard is rejected as a whole, when one of its keys is in a shard taken before.
  private mutating func hasNewKeys(_ shard: ShardFile) throws -> Bool {
    guard recipe.input.keys == .error else { return true }
    let own = try KeyFile.keys(workspace.columns(shard.name) + "/keys.txt")
    guard let known = try keys!.firstKnown(own) else { return true }
    let message =
      "key \(printable(known.key)) is in shard \(known.shard) and in shard \(shard.name); "
      + "`input.keys: prefix` makes keys unique"
    let reject = Reject(
      shard: shard.name, key: nil, member: "", offset: 0, code: .duplicateKey, message: message)
    let quarantine = Quarantine(
      directory: workspace.quarantine, shard: shard.name, recipeHash: try Ingest.recipeHash(recipe), room: 0
    )
    try quarantine.commit(shard: shard, reject)
    try Directory.remove(workspace.columns(shard.name))
    state.rejected.append(shard.name)
    try state.save(workspace.path)
    events(.rejected(reject))
    return false
  }

  /// After a restart: the last claim may be half done, the last seal may not have its name yet.
  private mutating func recover() throws {
    if let last = state.sealed.last { try finishSeal(last) }
    let through = state.fittedClaims == state.claims.count ? state.claims : state.claims.dropLast()
    keys = try KeyIndex.open(workspace: workspace.path, shards: accepted(through))
    if recipe.prune.isActive, state.fittedClaims > 0 {
      let decided = try state.claims.filter {
        try FileStatus(path: workspace.path + "/verdicts/\($0).npy") != nil
      }
      plan = try frozenPlan(decided)
    }
    guard let last = state.claims.last else { return }
    let before = isStreaming ? Array(state.claims.dropLast()) : []
    pending = try before.flatMap { try keptRows($0) }
    if !state.rejected.contains(last) {
      let files = try inputShards()
      guard let shard = files.first(where: { $0.name == last }) else {
        throw PipelineError(.badData, "\(last): was claimed and is gone from the input")
      }
      if state.fittedClaims == state.claims.count {
        pending += try keptRows(last)
      } else {
        try finish(shard)
      }
    }
    pending.removeFirst(min(publishedSamples, pending.count))
    try seal(partial: false)
  }

  // MARK: Publishing

  private mutating func seal(partial: Bool) throws {
    guard isStreaming else { return }
    let full = recipe.publish.samplesPerShard
    while pending.count >= full || (partial && !pending.isEmpty) {
      let count = min(full, pending.count)
      let seal = try write(Array(pending.prefix(count)))
      state.sealed.append(seal)
      try state.save(workspace.path)
      try finishSeal(seal)
      pending.removeFirst(count)
      events(.committed(path: seal.name, samples: seal.samples))
    }
  }

  private func temporary(_ name: String) -> String { recipe.publish.path + "/." + name + ".tmp" }

  /// Loads the basis of the computed fields; it stays the same from the fit on.
  private mutating func prepareFields() throws {
    guard addedFields == nil else { return }
    addedFields = try AddedFields(recipe, recipe.addedFields, basis: workspace.path + "/models/pca")
  }

  /// Writes a shard under a temporary name, durably.
  private mutating func write(_ rows: [(shard: String, row: Int)]) throws -> StreamState.Seal {
    let compression = recipe.publish.compress
    let name = recipe.publish.shardName(state.sealed.count, "." + compression.tarExtension)
    try prepareFields()
    let memory = try MemoryPlan(recipe.limits)
    let plan = FieldPlan(stream: recipe)
    let probe = ImageProbe(recipe, memory.decodeLimits(recipe.decode))
    var form = try ImageForm(recipe, memory.decodeLimits(recipe.decode))
    var block = FieldBlock(addedFields)
    var stored = StoredFields(recipe.addedFields, workspace: workspace.path)
    let thumbnails = ColumnRows(workspace: workspace.path, file: "thumbnail.npy")
    var position = publishedSamples
    var writer = try ShardWriter(
      try File(path: temporary(name), .create), compression: compression, threads: memory.workers)
    let files = try inputShards()
    var rest = rows[...]
    while let shard = rest.first?.shard {
      let wanted = Set(rest.prefix { $0.shard == shard }.map(\.row))
      guard let file = files.first(where: { $0.name == shard }), let manifest = try workspace.manifest(shard)
      else {
        throw PipelineError(.badData, "\(shard): gone before its samples were published")
      }
      var feed = try SampleFeed(
        file, manifest, limits: memory.shardLimits, input: recipe.input, workspace: workspace.path)
      while let (row, sample) = try feed.nextAccepted() {
        guard wanted.contains(row) else { continue }
        var (published, image) = plan.apply(sample)
        try form.apply(to: &published, field: image, probe(sample).info, shard: shard)
        for field in try stored.fields(shard: shard, row: row) where published.add(field) {
          block.countRenamed(field.name)
        }
        let ready = try block.add(published, position: position) {
          try thumbnails.row(shard: shard, row: row)
        }
        position += 1
        for sample in ready { try writer.write(key: sample.key, fields: sample.fields) }
      }
      rest = rest.dropFirst(wanted.count)
    }
    for sample in block.flush() { try writer.write(key: sample.key, fields: sample.fields) }
    for notice in block.notices { events(.notice(notice)) }
    let written = try writer.finish()
    return StreamState.Seal(
      name: name, samples: written.samples, bytes: written.bytes, sha256: written.sha256)
  }

  /// Gives a sealed shard its name and brings the sidecars up to date.
  private mutating func finishSeal(_ seal: StreamState.Seal) throws {
    try prepareFields()
    let path = recipe.publish.path + "/" + seal.name
    if try FileStatus(path: temporary(seal.name)) != nil {
      try Directory.rename(temporary(seal.name), to: path)
    }
    guard try FileStatus(path: path)?.size == seal.bytes else {
      throw PipelineError(.badData, "\(path): is not the shard that was sealed")
    }
    let sizes = Dictionary(uniqueKeysWithValues: state.sealed.map { ($0.name, $0.samples) })
    try AtomicFile.write(try JSON.file(sizes), to: recipe.publish.path + "/sizes.json")
    try AtomicFile.write(Array("\(publishedSamples)".utf8), to: recipe.publish.path + "/__len__")
    let stored = StoredFields(recipe.addedFields, workspace: workspace.path)
    let described = try state.claims.first { try workspace.manifest($0)?.accepted ?? 0 > 0 }
    let manifest = PublishManifest(
      key: "stream", recipe.publish,
      shards: state.sealed.map {
        .init(name: $0.name, samples: $0.samples, bytes: $0.bytes, sha256: $0.sha256)
      }, addedFields, AddedFields.all(addedFields, try stored.descriptions(described.map { [$0] } ?? [])))
    try AtomicFile.write(try JSON.file(manifest), to: recipe.publish.path + "/" + PublishManifest.file)
  }
}
