import Glibc
import Prune
import Shards

/// What a stream publishes, and what becomes of its inputs.
extension StreamSession {
  func keptRows(_ claim: StreamClaim) throws -> [Int] {
    guard claim.publishable > 0 else { return [] }
    guard recipe.prune.isActive else { return Array(0..<claim.publishable) }
    let verdicts = try VerdictFile.read(workspace.path + "/verdicts/\(claim.name).npy")
    return Array(verdicts.indices.filter { verdicts[$0].kept }.prefix(claim.publishable))
  }

  func openOutput() throws {
    let described = record.claims.first { $0.state == .decided && $0.accepted > 0 }
    output = try StreamOutput(
      recipe, workspace: workspace.path, journal, record.seals, described: described?.name, events: events)
  }

  /// Gives the kept samples of a claim to the output, but for those that have been published.
  ///
  /// - Throws: ``StreamLoss`` when the input is gone or changed: what cannot be published any more is written down, and the session is void.
  func publish(_ ordinal: Int, _ file: ShardFile?, skipping published: Int = 0) throws {
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
  func publishBacklog() throws {
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
  func input(_ claim: StreamClaim) throws -> ShardFile? {
    guard let status = try FileStatus(path: claim.path), status.isRegular else { return nil }
    return try ShardSet.file(claim.name, claim.path, status)
  }

  /// What has to follow when shards were sealed: sidecars, and the inputs that are not needed any more.
  func finishSeals() throws {
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

  func writeSidecars() throws {
    let account = try DataCard.Account(recipe, totals)
    try output!.writeSidecars(account)
    FaultPoint.reach("sidecars")
  }

  /// Moves or deletes input shards all of whose samples are published.
  func disposeInputs() throws {
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

/// Kept samples that cannot be published any more: their input is gone or changed.
public struct StreamLoss: Error, CustomStringConvertible {
  public let shard: String
  public let samples: Int
  public let reason: String

  public var description: String { "\(shard): \(samples) kept samples are lost: \(reason)" }
}
