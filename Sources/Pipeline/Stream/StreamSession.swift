import Algebra
import Glibc
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
  public private(set) var recipe: Recipe
  /// `prune` of the next plan.
  private var nextPrune: Recipe.Prune
  private var workspace: Workspace
  private let journal: any StreamJournal
  private let events: EventHandler
  private let isStopped: @Sendable () -> Bool
  private var record: StreamRecord
  private let recipeHash: String
  private var ordinals: [String: Int] = [:]
  private var plan: FrozenPlan?
  /// Compares the stream with the plan.
  private var monitor: DriftMonitor?
  /// That the present plan is not fitted anew for its drift: it is asked not to, or could not be.
  private var isDriftTold = false
  /// The keys of the claims that had their turn; opened by ``recover(_:)``.
  private var keys: KeyIndex?
  private var output: StreamOutput?
  /// Samples that the claims which had their turn give to the output.
  private var publishable = 0
  /// Claims before this one are disposed of, or never will be.
  private var firstUndisposed = 0
  /// Samples that the plan in force was fitted on.
  private var fittedSamples = 0
  /// Claims before this one are published as a whole.
  private var publishableBeforeUndisposed = 0
  public private(set) var totals = StreamTotals()

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
    /// Files that will not be read: their name was taken before, by another file or with other content.
    public var passedOver: [String] = []
  }

  /// Looks into the input.
  public func look() throws -> Input {
    let found = try ShardSet.find(recipe.input, workspace: workspace.path, waits: true)
    var input = Input(passedOver: found.repeats)
    for shard in found.shards {
      guard let ordinal = ordinals[shard.name] else {
        input.shards.append(shard)
        continue
      }
      if record.claims[ordinal].status != shard.status { input.passedOver.append(shard.path) }
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
    let canFit = generation > 0 ? recipe.prune.isActive : StreamRules.fits(recipe) && totals.accepted > 1
    guard canFit, totals.shardsInWork == 0 else { return false }
    return try fit(cause, claims: record.claims.count)
  }

  /// Publishes what is open, as a shard that may be smaller.
  public func seal() throws {
    guard let output, output.openSamples > 0 else { return }
    try timed("publish") { try output.seal() }
    try finishSeals()
  }

  /// Takes another recipe into use.
  ///
  /// - Throws: ``PipelineError`` (usage) when it contradicts the work that is done; nothing has changed then.
  public func reload(_ new: Recipe) throws {
    try StreamRules.check(new)
    let conflicts = try StreamRules.conflicts(new, with: recipe)
    guard conflicts.isEmpty else {
      throw PipelineError(
        .usage, "cannot change in a running stream: \(conflicts.joined(separator: "; "))")
    }
    _ = try MemoryPlan(new)
    nextPrune = new.prune
    let prune = generation > 0 ? recipe.prune : new.prune
    recipe = new
    recipe.prune = prune
    try workspace.record(recipe)
  }

  /// Everything about claims up to their verdicts and published samples; done again, it does what is still missing.
  private func work(_ files: [Int: ShardFile], from first: Int) throws {
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
  private func conclude(
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

  /// Has a new plan made when the stream has drifted away from the present one.
  ///
  /// Not before a tenth more samples than it was fitted on have come, which bounds the work of ever larger fits.
  private func checkDrift(_ ordinal: Int) throws {
    guard let report = monitor?.report, report.isAlarmed, !isDriftTold else { return }
    guard recipe.daemon.refitsOnDrift else {
      isDriftTold = true
      return events(.notice("the stream has drifted away from plan \(generation): \(Self.text(report))"))
    }
    guard totals.accepted - fittedSamples >= max(1000, fittedSamples / 10) else { return }
    events(.notice("drift: \(Self.text(report)); a new plan is fitted"))
    isDriftTold = try !fit(.drift, claims: ordinal + 1)
  }

  private static func text(_ report: DriftMonitor.Report) -> String {
    func short(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
    let worst = report.worst.map {
      ", concept \($0.concept) has \(short($0.share)) of the samples, \(short($0.plannedShare)) in the plan"
    }
    return "KS \(short(report.ks)) (limit \(short(report.ksLimit))), PSI \(short(report.psi)) (limit "
      + "\(short(report.psiLimit)))\(worst ?? "")"
  }

  /// How the stream compares with the plan; nil without concepts.
  public var drift: DriftMonitor.Report? { monitor?.report }

  /// Makes what is kept of keys and rows durable, so that it need not be read again after the machine was started anew.
  public func sync() throws {
    try plan?.sync()
    try keys?.sync()
  }

  /// Writes a claim down.
  private func set(_ claim: StreamClaim, at ordinal: Int) throws {
    try journal.update(claim, at: ordinal)
    let old = record.claims[ordinal]
    totals.remove(old)
    totals.add(claim)
    publishable += claim.publishable - old.publishable
    record.claims[ordinal] = claim
  }

  /// Rejects a claimed shard as a whole.
  private func reject(
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
    events(.rejected(reject))
  }

  /// What is wrong when one of the shard's keys is in a shard taken before; nil if none is.
  private func repeatedKey(_ name: String) throws -> String? {
    guard recipe.input.keys == .error else { return nil }
    let own = try KeyFile.keys(workspace.columns(name) + "/keys.txt")
    guard let known = try keys!.firstKnown(own) else { return nil }
    return "key \(printable(known.key)) is in shard \(known.shard) and in shard \(name); "
      + "`input.keys: prefix` makes keys unique"
  }

  private func timed<Value>(_ stage: String, _ body: () throws -> Value) rethrows -> Value {
    let clock = ContinuousClock()
    let start = clock.now
    let value = try body()
    events(.timed(stage: stage, seconds: (clock.now - start) / .seconds(1)))
    return value
  }
}

// MARK: - Plan and verdicts

extension StreamSession {
  /// Fits a plan on the first claims.
  ///
  /// - Returns: false if it could not be fitted: the one in force stays.
  private func fit(_ cause: StreamGeneration.Cause, claims: Int) throws -> Bool {
    var wanted = recipe
    wanted.prune = nextPrune
    let generation = StreamGeneration(
      number: (record.generations.last?.number ?? 0) + 1, claims: claims, cause: cause,
      recipe: try RecipeFile.text(of: wanted))
    try journal.begin(generation)
    FaultPoint.reach("fit")
    record.generations.append(generation)
    return try finishFit()
  }

  /// Fits what the last generation announces.
  private func finishFit() throws -> Bool {
    let generation = record.generations.last!
    recipe.prune = try RecipeFile.parse(generation.recipe, path: "/recipe.yaml").prune
    try workspace.record(recipe)
    let ordinals = record.claims.indices.prefix(generation.claims).filter {
      record.claims[$0].state == .decided
    }
    workspace.visible = Set(ordinals.map { record.claims[$0].name })
    defer { workspace.visible = nil }
    let prunes = recipe.prune.isActive
    var updates: [Int: StreamClaim] = [:]
    do {
      try timed("fit") {
        if generation.number == 1 {
          try fitFirst()
        } else {
          _ = try PruneStage.refit(recipe, in: workspace, events: events)
        }
      }
    } catch let error as PipelineError where generation.number > 1 {
      guard error.kind == .usage else { throw error }
      try restorePlan(abandoning: generation)
      events(
        .notice("plan \(generation.number) cannot be fitted, the one before stays: \(error.description)"))
      return false
    }
    if generation.number == 1 {
      for ordinal in ordinals {
        var claim = record.claims[ordinal]
        try count(&claim)
        updates[ordinal] = claim
      }
    }
    FaultPoint.reach("fitted")
    try journal.finish(generation: generation.number, claims: updates)
    for (ordinal, claim) in updates {
      totals.remove(record.claims[ordinal])
      totals.add(claim)
      publishable += claim.publishable - record.claims[ordinal].publishable
      record.claims[ordinal] = claim
    }
    record.generations[record.generations.count - 1].isFitted = true
    let accepted = ordinals.reduce(0) { $0 + record.claims[$1].accepted }
    events(
      .notice(
        "\(prunes ? "plan \(generation.number)" : "basis") fitted on \(accepted) samples of \(ordinals.count) shards"
      ))
    if prunes { try loadPlan() }
    if generation.number == 1 { try publishBacklog() }
    return true
  }

  /// Makes the models of the plan before anew, as some of them may be those of the plan that failed.
  private func restorePlan(abandoning generation: StreamGeneration) throws {
    let old = record.generations[record.generations.count - 2]
    recipe.prune = try prune(of: old)
    try workspace.record(recipe)
    workspace.visible = Set(
      record.claims.prefix(old.claims).filter { $0.state == .decided }.map(\.name))
    _ = try PruneStage.refit(recipe, in: workspace, events: events)
    try journal.abandon(generation: generation.number)
    record.generations.removeLast()
    try loadPlan()
  }

  /// The first plan, as a run makes it; without anything to prune, the basis.
  private func fitFirst() throws {
    var fitted = recipe
    // Nothing reads the columns of embeddings then.
    if !recipe.prune.isActive { (fitted.features.image, fitted.features.text) = (nil, nil) }
    _ = try Fit.run(fitted, in: workspace, events: events)
    if recipe.prune.isActive { _ = try PruneStage.run(recipe, in: workspace, events: events) }
    var basis = FitReport()
    try Fit.runAfterPruning(fitted, in: workspace, &basis, events: events)
  }

  /// Counts the verdicts of a claim.
  ///
  /// - Parameter isWatching: they are the next of the stream.
  private func count(_ claim: inout StreamClaim, isWatching: Bool = false) throws {
    (claim.kept, claim.dropped) = (0, [:])
    guard recipe.prune.isActive else {
      claim.kept = claim.accepted
      return
    }
    for verdict in try VerdictFile.read(workspace.path + "/verdicts/\(claim.name).npy") {
      if verdict.kept { claim.kept += 1 } else { claim.dropped["\(verdict.reason)", default: 0] += 1 }
      if isWatching, verdict.cluster >= 0 {
        monitor?.add(cluster: verdict.cluster, distance: verdict.distance)
      }
    }
  }

  private func loadPlan() throws {
    let decided = try record.claims.filter {
      switch $0.state {
      case .decided: true
      case .rejected: false
      // Killed before its row was written.
      case .taken: try FileStatus(path: workspace.path + "/verdicts/\($0.name).npy") != nil
      }
    }.map(\.name)
    plan = try FrozenPlan(
      workspace: workspace.path, shards: decided, keys: keys!, memory: recipe.limits.memory / 8,
      threads: MemoryPlan(recipe.limits).workers)
    let fitted = record.generations.last { $0.isFitted }?.claims ?? 0
    fittedSamples = record.claims.prefix(fitted).reduce(0) { $0 + ($1.state == .decided ? $1.accepted : 0) }
    isDriftTold = false
    monitor = plan!.drift.map { DriftMonitor($0) }
    guard monitor != nil else { return }
    for claim in record.claims.dropFirst(fitted) where claim.state == .decided {
      monitor!.add(try VerdictFile.read(workspace.path + "/verdicts/\(claim.name).npy"))
    }
  }

  /// Embeds a shard by the frozen basis and gives its verdicts.
  private func decide(_ claim: inout StreamClaim, at ordinal: Int, _ manifest: ColumnManifest) throws {
    if recipe.prune.isActive {
      let name = claim.name
      let path = workspace.path + "/verdicts/\(name).npy"
      if try FileStatus(path: path) == nil {
        let clock = ContinuousClock()
        let start = clock.now
        try decide(name, manifest)
        events(.timed(stage: "decide", seconds: (clock.now - start) / .seconds(1)))
      }
    }
    try count(&claim, isWatching: true)
  }

  private func decide(_ name: String, _ manifest: ColumnManifest) throws {
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
    FaultPoint.reach("line")
    let ordinals = ShardOrdinals(
      shards: plan!.shards + [name], names: try FrozenPlan.shardNames(workspace.path))
    verdicts = ordinals.asLines(verdicts)
    try VerdictDirectory.write(verdicts, of: name, to: workspace.path)
    try plan!.published(name)
  }
}

// MARK: - Publishing

extension StreamSession {
  private func keptRows(_ claim: StreamClaim) throws -> [Int] {
    guard claim.publishable > 0 else { return [] }
    guard recipe.prune.isActive else { return Array(0..<claim.publishable) }
    let verdicts = try VerdictFile.read(workspace.path + "/verdicts/\(claim.name).npy")
    return Array(verdicts.indices.filter { verdicts[$0].kept }.prefix(claim.publishable))
  }

  private func openOutput() throws {
    let described = record.claims.first { $0.state == .decided && $0.accepted > 0 }
    output = try StreamOutput(
      recipe, workspace: workspace.path, journal, record.seals, described: described?.name, events: events)
  }

  /// Gives the kept samples of a claim to the output, but for those that have been published.
  ///
  /// - Throws: ``StreamLoss`` when the input is gone or changed: what cannot be published any more is written down, and the session is void.
  private func publish(_ ordinal: Int, _ file: ShardFile?, skipping published: Int = 0) throws {
    let claim = record.claims[ordinal]
    if output == nil { try openOutput() }
    let rows = try keptRows(claim).dropFirst(published)
    guard !rows.isEmpty, let manifest = try workspace.manifest(claim.name) else {
      return try finishSeals()
    }
    // Those of the claim that have got into sealed shards by then.
    let before = publishable - claim.publishable
    do {
      guard let file, try FileStatus(path: claim.path) == claim.status else {
        throw PipelineError(.temporary, "\(claim.path): is gone or changed since it was read")
      }
      let output = output!
      try timed("publish") { try output.add(rows[...], of: file, manifest) }
    } catch {
      guard Self.isLoss(error, of: claim) else { throw error }
      var lost = claim
      lost.lost = claim.kept - max(published, min(claim.publishable, publishedSamples - before))
      try set(lost, at: ordinal)
      throw StreamLoss(shard: claim.name, samples: lost.lost - claim.lost, reason: "\(error)")
    }
    try finishSeals()
  }

  private static func isLoss(_ error: any Error, of claim: StreamClaim) -> Bool {
    if let error = error as? PipelineError { return error.kind == .temporary }
    if let error = error as? FileError { return error.path == claim.path && error.errno == ENOENT }
    return false
  }

  /// Publishes what the claims so far keep, behind what is published.
  private func publishBacklog() throws {
    if output == nil { try openOutput() }
    var before = 0
    let published = publishedSamples
    let all = publishable
    for ordinal in record.claims.indices where record.claims[ordinal].state == .decided {
      let claim = record.claims[ordinal]
      defer { before += claim.publishable }
      guard before + claim.publishable > published else { continue }
      // As if the later ones had not had their turn yet.
      publishable = before + claim.publishable
      defer { publishable = all }
      try publish(ordinal, try input(claim), skipping: max(0, published - before))
    }
  }

  /// The file of a claim as it is now; nil if it is gone.
  private func input(_ claim: StreamClaim) throws -> ShardFile? {
    guard let status = try FileStatus(path: claim.path), status.isRegular else { return nil }
    return try ShardSet.file(claim.name, claim.path, status)
  }

  /// What has to follow when shards were sealed: sidecars, and the inputs that are not needed any more.
  private func finishSeals() throws {
    guard let output else { return }
    guard output.seals.count > record.seals.count else { return try disposeInputs() }
    for (number, shard) in output.seals.enumerated().dropFirst(record.seals.count) {
      var seal = StreamSeal(
        number: number, name: shard.name, samples: shard.samples, bytes: shard.bytes, entry: "")
      seal.isPublished = true
      record.seals.append(seal)
    }
    try writeSidecars()
    try disposeInputs()
  }

  private func writeSidecars() throws {
    let account = try DataCard.Account(recipe, totals)
    try output!.writeSidecars(account)
    FaultPoint.reach("sidecars")
  }

  /// Moves or deletes input shards all of whose samples are published.
  private func disposeInputs() throws {
    guard recipe.daemon.onSuccess != .keep else { return }
    while firstUndisposed < record.claims.count {
      var claim = record.claims[firstUndisposed]
      guard claim.state != .taken, isStreaming else { return }
      let end = publishableBeforeUndisposed + claim.publishable
      guard end <= publishedSamples else { return }
      if claim.state == .decided, claim.lost == 0, !claim.isDisposed {
        try InputDisposal.dispose(claim, recipe)
        FaultPoint.reach("disposed")
        claim.isDisposed = true
        try set(claim, at: firstUndisposed)
      }
      publishableBeforeUndisposed = end
      firstUndisposed += 1
    }
  }
}

// MARK: - Recovery

extension StreamSession {
  /// After a restart: claims may be half done, a plan half fitted, a sealed shard without its name.
  private func recover(_ refused: Set<String>) throws {
    for (ordinal, claim) in record.claims.enumerated() {
      ordinals[claim.name] = ordinal
      totals.add(claim)
      publishable += claim.publishable
    }
    try StreamOutput.recover(recipe, journal, &record.seals)
    keys = try KeyIndex.open(
      workspace: workspace.path, shards: record.claims.filter { $0.state == .decided }.map(\.name))
    let hasPlan = generation > 0
    if let generation = record.generations.last { recipe.prune = try prune(of: generation) }
    try workspace.record(recipe)
    if let last = record.generations.last, !last.isFitted {
      _ = try finishFit()
    } else if hasPlan, recipe.prune.isActive {
      try loadPlan()
    }
    if isStreaming, !record.claims.isEmpty, output == nil {
      try publishBacklog()
      if publishedShards > 0 { try writeSidecars() }
      try disposeInputs()
    }
    try resumeFit()
    try resumeTaken(refused)
  }

  /// Killed behind the claim after which a plan is fitted, and before that was written down.
  private func resumeFit() throws {
    let decided = record.claims.prefix { $0.state != .taken }.count
    guard decided > 0 else { return }
    if !isStreaming, totals.accepted >= recipe.daemon.fitAfterSamples {
      _ = try fit(.start, claims: decided)
    } else if isStreaming {
      try checkDrift(decided - 1)
    }
  }

  private func prune(of generation: StreamGeneration) throws -> Recipe.Prune {
    try RecipeFile.parse(generation.recipe, path: "/recipe.yaml").prune
  }

  /// Claims that were taken and not finished.
  private func resumeTaken(_ refused: Set<String>) throws {
    guard let first = record.claims.firstIndex(where: { $0.state == .taken }) else { return }
    for ordinal in first..<record.claims.count where record.claims[ordinal].state == .taken {
      var claim = record.claims[ordinal]
      let file = try input(claim)
      if file == nil || refused.contains(claim.name) {
        let reason = file == nil ? "is gone since it was taken" : "could not be read, again and again"
        let gone = ShardFile(name: claim.name, path: claim.path, status: claim.status)
        // The columns of a shard that was read are not lost with it, but nothing could be published of them.
        try reject(ordinal, file ?? gone, .unreadable, "\(claim.path): \(reason)", samples: 0)
      } else if let file {
        if file.status != claim.status {
          try Directory.remove(workspace.columns(claim.name))
          claim.status = file.status
          try set(claim, at: ordinal)
        }
        // One at a time: the order of verdicts is that of the claims, whatever fails.
        try work([ordinal: file], from: ordinal)
      }
    }
  }

  /// The claim whose shard could not be read by the session that failed: the first without columns.
  public static func unreadable(_ journal: any StreamJournal, workspace path: String) throws -> String? {
    try journal.load().claims.first {
      try $0.state == .taken && FileStatus(path: path + "/columns/\($0.name)/manifest.json") == nil
    }?.name
  }
}

/// Kept samples that cannot be published any more: their input is gone or changed.
public struct StreamLoss: Error, CustomStringConvertible {
  public let shard: String
  public let samples: Int
  public let reason: String

  public var description: String { "\(shard): \(samples) kept samples are lost: \(reason)" }
}
