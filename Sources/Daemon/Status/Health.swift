/// What `/healthz` and `/readyz` answer, as functions of the board.
public struct Health: Sendable, Equatable {
  /// Seconds without ``StatusBoard/beat()`` after which the loop counts as stuck. The longest honest step without a beat is
  /// one image or one matrix product of a fit.
  public static let beatLimit = 120.0

  /// Why the answer is no; empty for yes.
  public var reasons: [String]
  public var isGood: Bool { reasons.isEmpty }

  /// The process is alive, and so is its loop.
  public static func alive(_ board: StatusBoard, limit: Double = beatLimit) -> Health {
    let silence = board.secondsSinceBeat
    guard silence > limit else { return Health(reasons: []) }
    return Health(reasons: ["the loop gave no sign of life for \(Int(silence)) seconds"])
  }

  /// Shards that arrive now are taken. A pause that an operator asked for does not make the daemon unready.
  public static func ready(_ board: StatusBoard, limit: Double = beatLimit) -> Health {
    var reasons = alive(board, limit: limit).reasons
    let status = board.status
    switch status.phase {
    case .bootstrap, .fitting, .streaming: break
    case .starting: reasons.append("starting: recovery is not done")
    case .draining: reasons.append("draining: no new shard is taken")
    case .stopped: reasons.append("stopped")
    }
    if status.paused.contains(.disk) { reasons.append("paused: too little free space on the disk") }
    if status.paused.contains(.inputOutput) {
      reasons.append("paused: " + (status.failure ?? "files could not be read or written"))
    }
    return Health(reasons: reasons)
  }
}
