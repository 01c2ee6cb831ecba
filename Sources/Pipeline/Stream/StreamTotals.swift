import Shards

/// Counts over the life of a stream.
public struct StreamTotals: Sendable, Equatable {
  /// Claims by result.
  public var shardsDone = 0
  public var shardsRejected = 0
  /// Of those done: some of their samples are lost.
  public var shardsLost = 0
  /// Claims without verdicts yet.
  public var shardsInWork = 0
  /// Samples of the claims that had their turn: read = accepted + rejected.
  public var read = 0
  public var accepted = 0
  /// Kept and dropped make accepted, once there is a plan.
  public var kept = 0
  public var lost = 0
  public var rejected: [String: Int] = [:]
  public var dropped: [String: Int] = [:]
  /// Bytes of input shards.
  public var bytes: UInt64 = 0

  mutating func add(_ claim: StreamClaim) { count(claim, 1) }
  mutating func remove(_ claim: StreamClaim) { count(claim, -1) }

  private mutating func count(_ claim: StreamClaim, _ sign: Int) {
    switch claim.state {
    case .taken: shardsInWork += sign
    case .decided: shardsDone += sign
    case .rejected: shardsRejected += sign
    }
    guard claim.state != .taken else { return }
    if claim.lost > 0 { shardsLost += sign }
    read += sign * claim.samples
    accepted += sign * claim.accepted
    kept += sign * claim.kept
    lost += sign * claim.lost
    for (code, samples) in claim.rejected { rejected[code, default: 0] += sign * samples }
    for (reason, samples) in claim.dropped { dropped[reason, default: 0] += sign * samples }
    if sign > 0 { bytes += claim.status.size } else { bytes -= claim.status.size }
  }
}
