import Shards

/// What the quarantine holds of one shard.
public struct QuarantineEntry: Sendable, Equatable {
  /// Workspace name of the shard.
  public var shard: String
  /// Path of the tar of its rejected samples, or of the whole shard; the file is missing when nothing could be kept.
  public var path: String
  /// Bytes of that file; 0 when it is missing.
  public var bytes: UInt64
  /// True when the shard was rejected as a whole.
  public var isWholeShard: Bool
  public var rejects: [Reject]
  /// Of them, those whose bytes are not in the tar.
  public var notKept: Int
  /// When it was written, in seconds since 1970.
  public var modified: Double
}

/// `WORKSPACE/quarantine` as a whole.
public enum QuarantineStore {
  /// Everything in quarantine, by shard name.
  public static func list(_ workspace: String) throws -> [QuarantineEntry] {
    let directory = workspace + "/quarantine"
    guard let names = try Directory.names(in: directory) else {
      throw PipelineError(.usage, "\(workspace): not a workspace")
    }
    var entries: [QuarantineEntry] = []
    for name in names where !name.hasPrefix(".") && name.hasSuffix(QuarantineReasons.suffix) {
      let path = directory + "/" + name
      guard let file = try QuarantineReasons.read(path), let status = try FileStatus(path: path) else {
        continue
      }
      let kept = String(path.dropLast(QuarantineReasons.suffix.utf8.count))
      entries.append(
        QuarantineEntry(
          shard: file.shard, path: kept, bytes: try FileStatus(path: kept)?.size ?? 0,
          isWholeShard: file.isWholeShard, rejects: file.reasons.compactMap { reject($0, of: file.shard) },
          notKept: file.reasons.count { $0.kept == false }, modified: Double(status.modified) / 1e9))
    }
    return entries
  }

  /// Bytes that only the quarantine holds, the tars of `shards` left out; a rejected shard that is still in its
  /// place takes no room.
  package static func bytes(_ workspace: String, without shards: Set<String> = []) throws -> UInt64 {
    let directory = workspace + "/quarantine"
    var total: UInt64 = 0
    for name in try Directory.names(in: directory) ?? []
    where !name.hasPrefix(".") && !name.hasSuffix(QuarantineReasons.suffix)
      && !shards.contains(ShardSet.workspaceName(name))
    {
      let path = directory + "/" + name
      if try Directory.linkCount(path) == 1 { total += try FileStatus(path: path)?.size ?? 0 }
    }
    return total
  }

  private static func reject(_ reason: QuarantineReasons.Reason, of shard: String) -> Reject? {
    RejectCode(rawValue: reason.code).map { code in
      Reject(
        shard: shard, key: reason.key, member: reason.member, offset: reason.offset, code: code,
        message: reason.message)
    }
  }

  /// Deletes what is kept of some shards. The reasons in `columns/<shard>/rejects.jsonl` stay.
  ///
  /// - Parameter isWanted: which entries go.
  /// - Returns: those deleted.
  public static func purge(
    _ workspace: borrowing Workspace, where isWanted: (QuarantineEntry) -> Bool
  ) throws -> [QuarantineEntry] {
    let entries = try list(workspace.path).filter(isWanted)
    for entry in entries {
      try Directory.remove(entry.path)
      try Directory.remove(entry.path + QuarantineReasons.suffix)
    }
    try Directory.sync(workspace.quarantine)
    return entries
  }

  /// Reads the shards behind some entries again, with the recipe as it is now.
  ///
  /// A sample that is accepted this time gets its row in its own shard, as if it had never been rejected; later stages
  /// are then out of date and done again by the next `run`.
  ///
  /// - Parameter isWanted: which entries are tried.
  /// - Returns: how many rejects were tried, and how many remain.
  public static func retry(
    _ recipe: Recipe, in workspace: borrowing Workspace, where isWanted: (QuarantineEntry) -> Bool,
    events: @escaping EventHandler
  ) throws -> (tried: Int, rejectedAgain: Int) {
    guard try FileStatus(path: workspace.path + "/stream.json") == nil else {
      throw PipelineError(
        .usage,
        "\(workspace.path): belongs to a stream, whose verdicts are given; run the tars in quarantine/ as an input"
      )
    }
    let input = Set(try ShardSet.find(recipe.input, workspace: workspace.path).shards.map(\.name))
    var wanted: [QuarantineEntry] = []
    for entry in try list(workspace.path) where isWanted(entry) {
      if input.contains(entry.shard) {
        wanted.append(entry)
      } else {
        events(.notice("\(entry.shard): no longer in the input, not tried; run \(entry.path) as an input"))
      }
    }
    guard !wanted.isEmpty else { return (0, 0) }
    let names = Set(wanted.map(\.shard))
    var states = try workspace.inputState()
    for name in names {
      states[name] = nil
      try Directory.remove(workspace.columns(name))
    }
    try workspace.record(states)
    _ = try Ingest.run(recipe, in: workspace, events: events)
    let left = try list(workspace.path).filter { names.contains($0.shard) }
    return (wanted.reduce(0) { $0 + $1.rejects.count }, left.reduce(0) { $0 + $1.rejects.count })
  }
}
