import Glibc
import Prune
import Shards

/// What a stream publishes, and what becomes of its inputs.
extension StreamSession {
  /// Samples of a claim that are published, now or later: those kept, or all where columns go with the input shards.
  func publishable(_ claim: StreamClaim) -> Int { wanted(claim) - claim.lost }

  /// The same, if nothing is lost.
  private func wanted(_ claim: StreamClaim) -> Int {
    guard claim.state == .decided else { return 0 }
    return recipe.publish.format == .columns ? claim.samples : claim.kept
  }

  private func rows(_ claim: StreamClaim) throws -> [Int] {
    let count = publishable(claim)
    guard count > 0 else { return [] }
    guard recipe.prune.isActive, recipe.publish.format != .columns else { return Array(0..<count) }
    let verdicts = try self.verdicts(claim)
    return Array(verdicts.indices.filter { verdicts[$0].kept }.prefix(count))
  }

  /// Opens the output once there is something to publish.
  ///
  /// - Returns: nil as long as there is nothing.
  private func openedOutput() throws -> StreamOutput? {
    if let output { return output }
    guard publishable > 0,
      let described = record.claims.first(where: { $0.state == .decided && $0.accepted > 0 })
    else { return nil }
    let opened = try StreamOutput(
      recipe, workspace: workspace.path, journal, record.seals, try fixedFields(), described: described.name,
      events: events)
    (output, shardsTold) = (opened, opened.seals.count)
    return opened
  }

  /// The fields of MDS, written down before the first shard has them.
  ///
  /// They are decided when the first samples are to be published, by all samples that are by then: after any kill,
  /// these are the same.
  private func fixedFields() throws -> FieldPlan.Fixed? {
    guard recipe.publish.format == .mds else { return nil }
    if let fields = record.fields {
      return try JSON.decode(FieldPlan.Fixed.self, from: Array(fields.utf8))
    }
    let claims = record.claims.filter { $0.state == .decided && $0.kept > 0 }
    let shards = try claims.map { IngestedShard(name: $0.name, manifest: try workspace.manifest($0.name)!) }
    let verdicts = try recipe.prune.isActive ? claims.map { try self.verdicts($0) } : []
    let fixed = try FieldPlan.fixed(
      recipe, shards, isKept: { verdicts.isEmpty || verdicts[$0][$1].kept }, workspace)
    FaultPoint.reach("fields")
    let text = String(decoding: try JSON.line(fixed).dropLast(), as: UTF8.self)
    try journal.fix(fields: text)
    record.fields = text
    let names = fixed.names.joined(separator: ", ")
    events(.notice("every published sample has the fields \(names), as the first ones have"))
    return fixed
  }

  /// Gives the samples of a claim to the output, but for those that have been published.
  ///
  /// - Throws: ``StreamLoss`` when the input is gone or changed: what cannot be published any more is written down, and the session is void.
  func publish(_ ordinal: Int, _ file: ShardFile?, skipping published: Int = 0) throws {
    // What came before the first sample to be published has its turn with it.
    guard let output else { return try publishBacklog() }
    let claim = record.claims[ordinal]
    let rows = try rows(claim).dropFirst(published)
    guard !rows.isEmpty else { return try finishSeals() }
    guard let manifest = try workspace.manifest(claim.name) else {
      throw PipelineError(
        .badData, "\(workspace.columns(claim.name)): is gone, and its samples are to be published")
    }
    // Those of the claim that have got into sealed shards by then.
    let before = publishable - publishable(claim)
    do {
      if output.readsInput, try file == nil || FileStatus(path: claim.path) != claim.status {
        throw PipelineError(.temporary, "\(claim.path): is gone or changed since it was read")
      }
      let shard = IngestedShard(name: claim.name, manifest: manifest)
      try timed("publish") { try output.add(rows[...], of: shard, file) }
    } catch {
      guard Self.isLoss(error, of: claim) else { throw error }
      var lost = claim
      lost.lost = wanted(claim) - max(published, min(publishable(claim), publishedSamples - before))
      try set(lost, at: ordinal)
      throw StreamLoss(shard: claim.name, samples: lost.lost - claim.lost, reason: "\(error)")
    }
    try finishSeals()
  }

  private static func isLoss(_ error: any Error, of claim: StreamClaim) -> Bool {
    if let error = error as? PipelineError { return error.kind == .temporary }
    if error is ShardFault { return true }
    if let error = error as? FileError { return error.path == claim.path && error.errno == ENOENT }
    return false
  }

  /// Publishes what the claims so far keep, behind what is published.
  func publishBacklog() throws {
    guard try openedOutput() != nil else { return try disposeInputs() }
    var before = 0
    let published = publishedSamples
    let all = publishable
    for ordinal in record.claims.indices where record.claims[ordinal].state == .decided {
      let claim = record.claims[ordinal]
      defer { before += publishable(claim) }
      guard before + publishable(claim) > published else { continue }
      // As if the later ones had not had their turn yet.
      publishable = before + publishable(claim)
      defer { publishable = all }
      try publish(ordinal, try input(claim), skipping: max(0, published - before))
    }
    try disposeInputs()
  }

  /// The file of a claim as it is now; nil if it is gone.
  func input(_ claim: StreamClaim) throws -> ShardFile? {
    guard let status = try FileStatus(path: claim.path), status.isRegular else { return nil }
    return try ShardSet.file(claim.name, claim.path, status)
  }

  /// What has to follow when shards were sealed: sidecars, and the inputs that are not needed any more.
  func finishSeals() throws {
    guard let output else { return }
    if output.seals.count > shardsTold, sidecarPace.isDue { try writeSidecars() }
    try disposeInputs()
  }

  func writeSidecars() throws {
    let account = try DataCard.Account(recipe, totals)
    try sidecarPace.run { try output!.writeSidecars(account) }
    shardsTold = publishedShards
    FaultPoint.reach("sidecars")
  }

  /// Moves or deletes input shards all of whose samples are published.
  func disposeInputs() throws {
    guard recipe.daemon.onSuccess != .keep else { return }
    while firstUndisposed < record.claims.count {
      var claim = record.claims[firstUndisposed]
      guard claim.state != .taken, isStreaming else { return }
      let end = publishableBeforeUndisposed + publishable(claim)
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

/// Kept samples that cannot be published any more: their input is gone or changed.
public struct StreamLoss: Error, CustomStringConvertible {
  public let shard: String
  public let samples: Int
  public let reason: String

  public var description: String { "\(shard): \(samples) kept samples are lost: \(reason)" }
}
