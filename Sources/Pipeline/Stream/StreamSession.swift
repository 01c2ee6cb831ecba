import Features
public import Prune
import Shards

/// The daemon's work without its loop: takes shards, gives verdicts in the order of the claims, and seals published
/// shards.
///
/// *Bootstrap*: shards are ingested until `daemon.fit.after_samples` are there; *fit*: PCA, embeddings and plan are
/// made as a run makes them; *stream*: each further shard is embedded by the frozen basis and decided by the frozen
/// plan, until a next generation of the plan is asked for. Without anything to prune there is no plan, and every
/// accepted sample is kept; where published fields need a basis, it alone is fitted, on the same first shards, and
/// nothing is published before.
///
/// The published bytes are a function of the journal: the claims, the claims at which plans were fitted, and the seals.
/// After any error the session is void: a new one, opened on the same journal, continues as after `kill -9`.
public final class StreamSession {
  /// The recipe in force; its `prune` is that of the plan in force.
  public internal(set) var recipe: Recipe
  /// `prune` of the next plan.
  var nextPrune: Recipe.Prune
  var workspace: Workspace
  let journal: any StreamJournal
  let events: EventHandler
  let isStopped: @Sendable () -> Bool
  var record: StreamRecord
  let recipeHash: String
  var ordinals: [String: Int] = [:]
  var plan: FrozenPlan?
  /// The basis as encoder, where only published fields need it.
  var basisEncoder: (PixelEncoder, id: String)?
  /// Compares the stream with the plan.
  var monitor: DriftMonitor?
  /// That the present plan is not fitted anew for its drift: it is asked not to, or could not be.
  var isDriftTold = false
  /// The keys of the claims that had their turn; opened by ``recover(_:)``.
  var keys: KeyIndex?
  var output: StreamOutput?
  /// Published shards that the sidecars name.
  var shardsTold = 0
  var sidecarPace = Pace()
  /// That the lines of `verdicts/shards.txt` are known to be in order.
  var verdictsAreSorted = false
  var verdictPace = Pace()
  /// Samples that the claims which had their turn give to the output.
  var publishable = 0
  /// Claims before this one are disposed of, or never will be.
  var firstUndisposed = 0
  /// Samples that the plan in force was fitted on.
  var fittedSamples = 0
  /// Claims before this one are published as a whole.
  var publishableBeforeUndisposed = 0
  public internal(set) var totals = StreamTotals()

  /// - Throws: ``PipelineError`` (usage) for what a stream cannot do, before anything is opened.
  public static func check(_ recipe: Recipe) throws { try StreamRules.check(recipe) }

  /// Opens the workspace and finishes what a killed process began.
  ///
  /// - Parameters:
  ///   - refused: names of claimed shards that are given up: they could not be read again and again.
  ///   - isStopped: no further shard is begun once it is true.
  public static func open(
    _ recipe: Recipe, workspace path: String, _ journal: any StreamJournal,
    refusing refused: Set<String> = [],
    until isStopped: @escaping @Sendable () -> Bool = { false }, events: @escaping EventHandler
  ) throws -> StreamSession {
    try StreamRules.check(recipe)
    let session = StreamSession(
      recipe, workspace: try Workspace(path: path), journal, try journal.load(),
      recipeHash: try Ingest.recipeHash(recipe), isStopped, events)
    try session.checkPlaces()
    for notice in PublishSidecars(recipe.publish).notices { events(.notice(notice)) }
    try Directory.create(recipe.publish.path)
    try session.recover(refused)
    return session
  }

  private init(
    _ recipe: Recipe, workspace: consuming Workspace, _ journal: any StreamJournal, _ record: StreamRecord,
    recipeHash: String, _ isStopped: @escaping @Sendable () -> Bool, _ events: @escaping EventHandler
  ) {
    (self.recipe, nextPrune) = (recipe, recipe.prune)
    self.workspace = workspace
    (self.journal, self.record, self.recipeHash) = (journal, record, recipeHash)
    (self.isStopped, self.events) = (isStopped, events)
  }

  /// Neither the workspace nor OUT may hold the work of something else, nor of another recipe.
  private func checkPlaces() throws {
    try Places.check(recipe, workspace: workspace.path)
    guard record.claims.isEmpty else {
      guard let old = try workspace.recordedRecipe() else { return }
      let conflicts = try StreamRules.conflicts(recipe, with: old)
      guard conflicts.isEmpty else {
        throw PipelineError(
          .usage,
          "the stream in \(workspace.path) began with another recipe (\(conflicts.joined(separator: "; "))); "
            + "give the new one a workspace of its own")
      }
      return
    }
    if try Directory.names(in: workspace.path + "/columns")?.isEmpty == false {
      throw PipelineError(
        .usage, "\(workspace.path): the workspace belongs to a run; give the stream its own with -w")
    }
    if try OutputDirectory.existing(recipe.publish.path) != .nothing {
      throw PipelineError(
        .usage, "\(recipe.publish.path): holds another publish; give the stream its own directory")
    }
  }

  // MARK: What there is

  /// The plan in force; 0 before the first.
  public var generation: Int { record.generations.last { $0.isFitted }?.number ?? 0 }
  /// Claims that it was fitted on.
  public var fittedClaims: Int { record.generations.last { $0.isFitted }?.claims ?? 0 }
  /// True once samples are kept or dropped as they come.
  public var isStreaming: Bool { !StreamRules.fits(recipe) || generation > 0 }
  /// Samples kept and not published yet.
  public var pendingSamples: Int { publishable - publishedSamples }
  /// Samples published.
  public var publishedSamples: Int { output?.samples ?? 0 }
  public var publishedShards: Int { output?.seals.count ?? 0 }
  /// Bytes of the published shards.
  public var publishedBytes: UInt64 { output?.seals.reduce(0) { $0 + $1.bytes } ?? 0 }

  /// Samples kept that are in an open shard, which ``seal()`` would publish.
  public var openSamples: Int { output?.openSamples ?? 0 }

  /// What the input holds by now beside the shards that were taken.
  public struct Input: Sendable {
    /// By name; they may still be written to. Shards of img2dataset that are not ready are not among them.
    public var shards: [ShardFile] = []
    /// What will not be read.
    public var passedOver: [ShardSet.PassedOver] = []
  }

  /// Looks into the input.
  public func look() throws -> Input {
    let found = try ShardSet.find(recipe.input, workspace: workspace.path, waits: true)
    var input = Input(passedOver: found.passedOver)
    for shard in found.shards {
      guard let ordinal = ordinals[shard.name] else {
        input.shards.append(shard)
        continue
      }
      if record.claims[ordinal].status != shard.status {
        input.passedOver.append(
          .init(
            path: shard.path, reason: "a shard of its name was taken before, with other content; rename it"))
      }
    }
    return input
  }

  // MARK: Work

  /// Takes shards, in this order: columns, verdicts, and as many full published shards as there are samples for.
  ///
  /// After a stop the shards that were not begun stay claimed: the next session begins with them.
  public func process(_ shards: [ShardFile]) throws {
    let first = record.claims.count
    let claims = shards.map { StreamClaim(name: $0.name, path: $0.path, status: $0.status) }
    try journal.add(claims: claims)
    FaultPoint.reach("claim")
    for (index, claim) in claims.enumerated() {
      record.claims.append(claim)
      ordinals[claim.name] = first + index
      totals.add(claim)
    }
    try work(Dictionary(uniqueKeysWithValues: shards.enumerated().map { (first + $0, $1) }), from: first)
  }

  /// Makes a new generation of the plan, on all claims so far; the first one, if there is none yet.
  ///
  /// - Returns: false if there is nothing to fit, or it could not be fitted.
  public func refit(_ cause: StreamGeneration.Cause) throws -> Bool {
    guard canRefit else { return false }
    return try fit(cause, claims: record.claims.count)
  }

  /// Whether there is something to fit a plan on.
  public var canRefit: Bool {
    guard totals.shardsInWork == 0 else { return false }
    return generation > 0 ? recipe.prune.isActive : StreamRules.fits(recipe) && totals.accepted > 1
  }

  /// Ends the work: publishes what is open, makes durable what is kept of keys and rows, so that it need not be read again
  /// after the machine was started anew, and tells what there is to tell.
  public func finish() throws {
    try seal()
    if publishedShards > shardsTold { try writeSidecars() }
    try sortVerdicts()
    for notice in output?.notices ?? [] { events(.notice(notice)) }
    try plan?.sync()
    try keys?.sync()
  }

  /// Publishes what is open, as a shard that may be smaller.
  public func seal() throws {
    guard let output, output.openSamples > 0 else { return }
    try timed("publish") { try output.seal() }
    try finishSeals()
  }

  /// Does what was put off, as far as it is due: lists of all shards, and the order of the verdict files.
  public func catchUp() throws {
    if publishedShards > shardsTold, sidecarPace.isDue { try writeSidecars() }
    if verdictPace.isDue { try sortVerdicts() }
  }

  /// Takes another recipe into use.
  ///
  /// - Throws: ``PipelineError`` (usage) when it contradicts the work that is done; nothing has changed then.
  public func reload(_ new: Recipe) throws {
    try StreamRules.check(new)
    try Places.check(new, workspace: workspace.path)
    let conflicts = try StreamRules.conflicts(new, with: recipe)
    guard conflicts.isEmpty else {
      throw PipelineError(
        .usage, "cannot change in a running stream: \(conflicts.joined(separator: "; "))")
    }
    _ = try MemoryPlan(new)
    var taken = new
    if generation > 0 { taken.prune = recipe.prune }
    try workspace.record(taken)
    (recipe, nextPrune) = (taken, new.prune)
  }

  /// Everything about claims up to their verdicts and published samples; done again, it does what is still missing.
  func work(_ files: [Int: ShardFile], from first: Int) throws {
    let missing = try files.sorted { $0.key < $1.key }.filter {
      try workspace.manifest($0.value.name)?.recipe != recipeHash
    }.map(\.value)
    var states: [String: InputState] = [:]
    if !missing.isEmpty {
      let (recipe, path, hash, isStopped, events) = (recipe, workspace.path, recipeHash, isStopped, events)
      states = try timed("ingest") {
        try Ingest.ingest(missing, recipe, hash, path, isStreaming: true, until: isStopped, events)
      }
    }
    for ordinal in first..<record.claims.count where record.claims[ordinal].state == .taken {
      guard let file = files[ordinal] else { return }
      let isThere = try workspace.manifest(file.name)?.recipe == recipeHash
      // A stop came before its turn.
      guard isThere || states[file.name] != nil else { return }
      try conclude(ordinal, file, states[file.name]?.rejected)
    }
  }

  /// Gives a claim that was read its verdicts, and its kept samples to the output.
  func conclude(
    _ ordinal: Int, _ file: ShardFile, _ rejected: InputState.RejectedShard?
  ) throws {
    var claim = record.claims[ordinal]
    if let rejected {
      claim.state = .rejected
      (claim.samples, claim.rejected) = (rejected.samples, [rejected.code: rejected.samples])
      return try set(claim, at: ordinal)
    }
    let manifest = try workspace.manifest(file.name)!
    if let known = try repeatedKey(file.name) {
      return try reject(ordinal, file, .duplicateKey, known, samples: manifest.samples)
    }
    claim.state = .decided
    (claim.samples, claim.accepted) = (manifest.samples, manifest.accepted)
    claim.rejected = manifest.rejected.filter { $0.value > 0 }
    if isStreaming { try decide(&claim, at: ordinal, manifest) }
    FaultPoint.reach("verdict")
    try set(claim, at: ordinal)
    FaultPoint.reach("decided")
    try keys!.add(try KeyFile.keys(workspace.columns(file.name) + "/keys.txt"), shard: file.name)
    if isStreaming {
      try publish(ordinal, file)
      try checkDrift(ordinal)
    } else if totals.accepted >= recipe.daemon.fitAfterSamples {
      _ = try fit(.start, claims: ordinal + 1)
    }
  }

  /// How the stream compares with the plan; nil without concepts.
  public var drift: DriftMonitor.Report? { monitor?.report }

  /// Writes a claim down.
  func set(_ claim: StreamClaim, at ordinal: Int) throws {
    try journal.update(claim, at: ordinal)
    replace(claim, at: ordinal)
  }

  /// Takes over a claim that is written down.
  func replace(_ claim: StreamClaim, at ordinal: Int) {
    let old = record.claims[ordinal]
    totals.remove(old)
    totals.add(claim)
    publishable += publishable(claim) - publishable(old)
    record.claims[ordinal] = claim
  }

  /// Rejects a claimed shard as a whole.
  func reject(
    _ ordinal: Int, _ file: ShardFile, _ code: RejectCode, _ message: String, samples: Int
  ) throws {
    let reject = Reject(
      shard: file.name, key: nil, member: "", offset: 0, code: code, message: message)
    let quarantine = Quarantine(
      directory: workspace.quarantine, shard: file.name, recipeHash: recipeHash, room: 0)
    try quarantine.commit(shard: file, reject)
    try Directory.remove(workspace.columns(file.name))
    var claim = record.claims[ordinal]
    claim.state = .rejected
    (claim.samples, claim.rejected) = (samples, samples > 0 ? [code.rawValue: samples] : [:])
    try set(claim, at: ordinal)
    try forgetVerdicts(of: file.name)
    events(.rejected(reject))
  }

  /// What is wrong when one of the shard's keys is in a shard taken before; nil if none is.
  func repeatedKey(_ name: String) throws -> String? {
    guard recipe.input.keys == .error else { return nil }
    let own = try KeyFile.keys(workspace.columns(name) + "/keys.txt")
    guard let known = try keys!.firstKnown(own) else { return nil }
    return "key \(printable(known.key)) is in shard \(known.shard) and in shard \(name); "
      + "`input.keys: prefix` makes keys unique"
  }

  func timed<Value>(_ stage: String, _ body: () throws -> Value) rethrows -> Value {
    let clock = ContinuousClock()
    let start = clock.now
    let value = try body()
    events(.timed(stage: stage, seconds: (clock.now - start) / .seconds(1)))
    return value
  }
}
