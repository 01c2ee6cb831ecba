import Features
import Glibc
import Prune
import Shards

/// Plans and verdicts of a stream.
extension StreamSession {
  /// Fits a plan on the first claims.
  ///
  /// - Returns: false if it could not be fitted: the one in force stays.
  func fit(_ cause: StreamGeneration.Cause, claims: Int) throws -> Bool {
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
  func finishFit() throws -> Bool {
    let generation = record.generations.last!
    recipe.prune = try prune(of: generation)
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
          try ModelsBackup.make(workspace.path)
          _ = try PruneStage.refit(recipe, in: workspace, events: events)
        }
      }
    } catch {
      guard isOfRecipe(error) else { throw error }
      try abandon(generation)
      guard generation.number > 1 else { throw error }
      events(.problem("plan \(generation.number) cannot be fitted, the one before stays: \(error)"))
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
    for (ordinal, claim) in updates { replace(claim, at: ordinal) }
    try ModelsBackup.remove(workspace.path)
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

  /// Whether a fit failed for what its recipe asks, such as a file of references that is gone: another try would fail
  /// as well, but another recipe need not.
  private func isOfRecipe(_ error: any Error) -> Bool {
    switch error {
    case let error as PipelineError: [.usage, .badData].contains(error.kind)
    case let error as FileError:
      !error.path.hasPrefix(workspace.path + "/") && [ENOENT, EACCES, EISDIR, ENOTDIR].contains(error.errno)
    case is NpyError, is PruneError: true
    default: false
    }
  }

  /// Gives a plan up that cannot be fitted; the one before is in force again.
  private func abandon(_ generation: StreamGeneration) throws {
    let before = record.generations.dropLast().last
    recipe.prune = try before.map { try prune(of: $0) } ?? nextPrune
    try workspace.record(recipe)
    if before != nil { try ModelsBackup.restore(workspace.path) }
    try journal.abandon(generation: generation.number)
    try ModelsBackup.remove(workspace.path)
    record.generations.removeLast()
    if before != nil { try loadPlan() }
  }

  /// The first plan, as a run makes it; without anything to prune, the basis.
  func fitFirst() throws {
    var fitted = recipe
    // Only published fields read the columns of embeddings then.
    if !recipe.prune.isActive {
      if !recipe.addedFields.contains(.embedding) { fitted.features.image = nil }
      if !recipe.addedFields.contains(.text) { fitted.features.text = nil }
    }
    _ = try Fit.run(fitted, in: workspace, events: events)
    if recipe.prune.isActive { _ = try PruneStage.run(recipe, in: workspace, events: events) }
    var basis = FitReport()
    try Fit.runAfterPruning(fitted, in: workspace, &basis, events: events)
  }

  /// Counts the verdicts of a claim.
  ///
  /// - Parameter isWatching: they are the next of the stream.
  func count(_ claim: inout StreamClaim, isWatching: Bool = false) throws {
    (claim.kept, claim.dropped) = (0, [:])
    guard recipe.prune.isActive else {
      claim.kept = claim.accepted
      return
    }
    for verdict in try verdicts(claim) {
      if verdict.kept { claim.kept += 1 } else { claim.dropped["\(verdict.reason)", default: 0] += 1 }
      if isWatching, verdict.cluster >= 0 {
        monitor?.add(cluster: verdict.cluster, distance: verdict.distance)
      }
    }
  }

  func verdicts(_ claim: StreamClaim) throws -> [Verdict] {
    try VerdictFile.read(workspace.path + "/verdicts/\(claim.name).npy")
  }

  func loadPlan() throws {
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
      monitor!.add(try verdicts(claim))
    }
  }

  /// Embeds a shard by what was fitted and gives its verdicts.
  func decide(_ claim: inout StreamClaim, at ordinal: Int, _ manifest: ColumnManifest) throws {
    if !recipe.prune.isActive {
      try embed(claim.name, manifest)
    } else if try FileStatus(path: workspace.path + "/verdicts/\(claim.name).npy") == nil {
      try timed("decide") {
        try embed(claim.name, manifest)
        try decide(claim.name, manifest)
      }
    }
    try count(&claim, isWatching: true)
  }

  /// Fills the columns that need what was fitted, as far as the plan or published fields read them.
  private func embed(_ name: String, _ manifest: ColumnManifest) throws {
    let isRead = { [recipe] field in recipe.prune.isActive || recipe.addedFields.contains(field) }
    if !recipe.prune.isActive, isRead(.embedding), Fit.needsEncoder(recipe), basisEncoder == nil {
      let path = workspace.path + "/models/pca"
      basisEncoder = (PixelEncoder(basis: try PCAFiles.read(path)), try Fit.encoderID(path))
    }
    if let (encoder, id) = plan?.encoder.map({ ($0, plan!.encoderID) }) ?? basisEncoder {
      let shard = IngestedShard(name: name, manifest: manifest)
      _ = try ImageColumn.fill(encoder, id: id, recipe, [shard], workspace, events)
    }
    if case .ngrams(let dimensions)? = recipe.features.text, isRead(.text),
      let manifest = try workspace.manifest(name)
    {
      let shard = IngestedShard(name: name, manifest: manifest)
      _ = try TextColumn.fill(dimensions, recipe, [shard], workspace, events)
    }
  }

  private func decide(_ name: String, _ manifest: ColumnManifest) throws {
    if plan!.encoder == nil, manifest.accepted > 0, plan!.needsRows,
      manifest.encoders["image"] != plan!.encoderID
        || !plan!.scoreEncoders.allSatisfy({ manifest.encoders[$0] == $1 })
    {
      throw PipelineError(.usage, "\(name): embedded by another model than the plan was fitted on")
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
    verdictsAreSorted = try VerdictDirectory.add(name, to: workspace.path)
    FaultPoint.reach("line")
    let ordinals = ShardOrdinals(
      shards: plan!.shards + [name], names: try FrozenPlan.shardNames(workspace.path))
    verdicts = ordinals.asLines(verdicts)
    try VerdictDirectory.write(verdicts, of: name, to: workspace.path)
    try plan!.published(name)
    if verdictPace.isDue { try sortVerdicts() }
  }

  /// Puts `verdicts/shards.txt` into order.
  func sortVerdicts() throws {
    guard !verdictsAreSorted, plan != nil else { return }
    try verdictPace.run { try VerdictDirectory.sort(workspace.path) }
    verdictsAreSorted = true
    plan!.linesMoved()
  }

  /// Has a new plan made when the stream has drifted away from the present one.
  ///
  /// Not before a tenth more samples than it was fitted on have come, which bounds the work of ever larger fits.
  func checkDrift(_ ordinal: Int) throws {
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
}
