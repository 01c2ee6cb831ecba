import Shards

/// How a stream goes on after a restart.
extension StreamSession {
  /// After a restart: claims may be half done, a plan half fitted, a sealed shard without its name.
  func recover(_ refused: Set<String>) throws {
    for (ordinal, claim) in record.claims.enumerated() {
      ordinals[claim.name] = ordinal
      totals.add(claim)
      publishable += publishable(claim)
    }
    try StreamOutput.recover(recipe, journal, &record.seals)
    keys = try KeyIndex.open(
      workspace: workspace.path, shards: record.claims.filter { $0.state == .decided }.map(\.name))
    let hasPlan = generation > 0
    if let generation = record.generations.last { recipe.prune = try prune(of: generation) }
    try workspace.record(recipe)
    if let last = record.generations.last, !last.isFitted {
      _ = try finishFit()
    } else {
      try ModelsBackup.remove(workspace.path)
      if hasPlan, recipe.prune.isActive { try loadPlan() }
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
  func resumeFit() throws {
    let decided = record.claims.prefix { $0.state != .taken }.count
    guard decided > 0 else { return }
    if !isStreaming, totals.accepted >= recipe.daemon.fitAfterSamples {
      _ = try fit(.start, claims: decided)
    } else if isStreaming {
      try checkDrift(decided - 1)
    }
  }

  func prune(of generation: StreamGeneration) throws -> Recipe.Prune {
    try RecipeFile.parse(generation.recipe, path: "/recipe.yaml").prune
  }

  /// Claims that were taken and not finished.
  func resumeTaken(_ refused: Set<String>) throws {
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
          try forgetVerdicts(of: claim.name)
        }
        // One at a time: the order of verdicts is that of the claims, whatever fails.
        try work([ordinal: file], from: ordinal)
        // A stop came before its turn.
        guard record.claims[ordinal].state != .taken else { return }
      }
    }
  }

  /// Takes back verdicts that a claim got before a kill and that never counted: its file is another one now, or gone.
  func forgetVerdicts(of name: String) throws {
    let path = workspace.path + "/verdicts/\(name).npy"
    guard plan != nil, try FileStatus(path: path) != nil else { return }
    try Directory.remove(path)
    verdictsAreSorted = false
    // The plan knew its kept rows.
    try loadPlan()
  }

  /// The claim whose shard could not be read by the session that failed: the first without columns.
  public static func unreadable(_ journal: any StreamJournal, workspace path: String) throws -> StreamClaim? {
    try journal.load().claims.first {
      try $0.state == .taken && FileStatus(path: path + "/columns/\($0.name)/manifest.json") == nil
    }
  }
}
