import Shards
import Synchronization

/// Which keys a stream has taken, on disk: hash of the key → shard and row, as sorted runs that are merged by levels
/// (O'Neil et al., "The log-structured merge-tree", 1996). Memory is at most 2 MiB a run, 8 bytes for each 170 keys of
/// small runs; each key is written again once a level, of which there are log₈(shards).
///
/// Shards are counted in the order in which they were added: their *ordinals*. It is a cache of the `keys.txt` below
/// `columns/`: ``open(workspace:shards:)`` makes again what is stale or torn.
package final class KeyIndex: Sendable {
  /// Where the sample of a key is.
  package struct Place: Equatable {
    /// Ordinal of the shard.
    package var shard: Int
    package var row: Int

    package init(shard: Int, row: Int) {
      self.shard = shard
      self.row = row
    }
  }

  private struct State {
    var shards: [String] = []
    var chain: ShardChain
    var runs: [KeyRun] = []
    /// Names the next run.
    var next = 0
  }

  /// Runs of one level that are merged.
  private static let fanOut = 8
  private static let identity = "keys"

  private let directory: String
  private let workspace: String
  private let state: Mutex<State>

  /// Opens the index of a workspace whose lock the caller holds, and brings it to exactly `shards`.
  ///
  /// - Parameter shards: that have columns and count, in the order of their claims.
  package static func open(workspace: String, shards: [String]) throws -> KeyIndex {
    let directory = workspace + "/index/keys"
    if let index = try resume(directory, workspace, shards) {
      try index.removeStrangers()
      try index.catchUp(shards)
      return index
    }
    try Directory.remove(directory)
    let index = try KeyIndex(directory, workspace)
    try index.catchUp(shards)
    return index
  }

  /// An empty index in a directory of its own.
  package static func empty(in directory: String) throws -> KeyIndex {
    try KeyIndex(directory, "")
  }

  /// An index of the keys of `shards` in a directory of its own.
  package static func build(in directory: String, workspace: String, shards: [String]) throws -> KeyIndex {
    let index = try KeyIndex(directory, workspace)
    try index.catchUp(shards)
    return index
  }

  private init(_ directory: String, _ workspace: String) throws {
    try Directory.create(directory)
    self.directory = directory
    self.workspace = workspace
    state = Mutex(State(chain: try ShardChain()))
  }

  private init(_ directory: String, _ workspace: String, _ state: consuming sending State) {
    self.directory = directory
    self.workspace = workspace
    self.state = Mutex(state)
  }

  /// The index as a record has it; nil if there is none that counts.
  private static func resume(
    _ directory: String, _ workspace: String, _ shards: [String]
  ) throws -> KeyIndex? {
    guard let record = try IndexRecord.read(directory, identity: identity), record.shards <= shards.count,
      let entries = record.runs
    else { return nil }
    let chain = try ShardChain(shards, first: record.shards, file: "keys.txt", workspace: workspace)
    guard chain.digest == record.chain else { return nil }
    var runs: [KeyRun] = []
    for entry in entries {
      guard let run = try KeyRun(directory, entry) else { return nil }
      runs.append(run)
    }
    let next = (entries.compactMap { Int($0.name.prefix { $0 != "." }) }.max() ?? -1) + 1
    return KeyIndex(
      directory, workspace,
      State(shards: Array(shards.prefix(record.shards)), chain: chain, runs: runs, next: next))
  }

  /// Removes what a killed process left.
  private func removeStrangers() throws {
    let known = state.withLock { Set($0.runs.map(\.entry.name)) }
    for name in try Directory.names(in: directory) ?? [] where name.hasSuffix(".run") && !known.contains(name)
    {
      try Directory.remove(directory + "/" + name)
    }
  }

  private func catchUp(_ shards: [String]) throws {
    for name in shards.dropFirst(count) {
      try add(try KeyFile.keys(workspace + "/columns/\(name)/keys.txt"), shard: name)
    }
  }

  /// Shards inside; the ordinal of the next one.
  package var count: Int { state.withLock { $0.shards.count } }

  /// The name of a shard inside.
  package func shard(_ ordinal: Int) -> String { state.withLock { $0.shards[ordinal] } }

  /// Adds the keys of a shard, row i being key i; they count once this returns.
  ///
  /// Call it when the shard is through (its verdicts have their name, or it was ingested before the fit).
  ///
  /// - Parameter name: empty for keys that are in no workspace.
  package func add(_ keys: [ArraySlice<UInt8>], shard name: String) throws {
    let digest = name.isEmpty ? "" : try ShardChain.digest(of: "keys.txt", shard: name, workspace)
    try state.withLock { state in
      let before = state
      do { try add(keys, name, digest, &state) } catch {
        state = before
        throw error
      }
    }
  }

  private func add(
    _ keys: [ArraySlice<UInt8>], _ name: String, _ digest: String, _ state: inout State
  ) throws {
    let ordinal = UInt32(state.shards.count)
    var entries = keys.enumerated().map { row, key in
      let words = KeyUniqueness.hashWords(key)
      return KeyEntry(high: words.0, low: words.1, shard: ordinal, row: UInt32(row))
    }
    entries.sort(by: <)
    var retired: [String] = []
    if !entries.isEmpty {
      var writer = try KeyRunWriter(directory, name: "\(state.next).run", level: 0, entries: entries.count)
      try writer.append(entries)
      try open(try writer.finish(), &state)
      try merge(&state, &retired)
    }
    state.shards.append(name)
    state.chain.add(name, digest)
    try record(state).write(directory, synced: false)
    for name in retired { try Directory.remove(directory + "/" + name) }
  }

  private func record(_ state: State) -> IndexRecord {
    IndexRecord(
      identity: Self.identity, shards: state.shards.count, chain: state.chain.digest,
      runs: state.runs.map(\.entry))
  }

  private func open(_ entry: KeyRun.Entry, _ state: inout State) throws {
    guard let run = try KeyRun(directory, entry) else {
      throw PipelineError(.internalError, "\(directory)/\(entry.name): cannot be read back")
    }
    state.runs.append(run)
    state.next += 1
  }

  /// Merges the runs of a level once there are ``fanOut`` of them. Levels fall from the first run to the last.
  private func merge(_ state: inout State, _ retired: inout [String]) throws {
    while let level = state.runs.last?.entry.level,
      state.runs.suffix(Self.fanOut).count(where: { $0.entry.level == level }) == Self.fanOut
    {
      let runs = Array(state.runs.suffix(Self.fanOut))
      let merged = try KeyRunMerge.merge(runs, to: directory, name: "\(state.next).run")
      state.runs.removeLast(Self.fanOut)
      try open(merged, &state)
      retired += runs.map(\.entry.name)
    }
  }

  /// Where the samples of these keys are: the earliest of each, nil for new ones.
  package func places(of keys: [ArraySlice<UInt8>]) throws -> [Place?] {
    let hashes = keys.map { KeyUniqueness.hashWords($0) }
    let order = hashes.indices.sorted { hashes[$0] < hashes[$1] }
    let sorted = order.map { (high: hashes[$0].0, low: hashes[$0].1) }
    var places = [Place?](repeating: nil, count: keys.count)
    let runs = state.withLock { $0.runs }
    for run in runs {
      try run.find(sorted) { index, entry in
        let (own, place) = (order[index], Place(shard: Int(entry.shard), row: Int(entry.row)))
        if let known = places[own], (known.shard, known.row) < (place.shard, place.row) { return }
        places[own] = place
      }
    }
    return places
  }

  /// The first of these keys that is in the index, with the shard that has it; nil if all are new.
  package func firstKnown(_ keys: [ArraySlice<UInt8>]) throws -> (key: ArraySlice<UInt8>, shard: String)? {
    for (key, place) in zip(keys, try places(of: keys)) {
      if let place { return (key, shard(place.shard)) }
    }
    return nil
  }

  /// Makes the index durable, so that it still counts after the machine was started again.
  package func sync() throws {
    try state.withLock { state in
      for run in state.runs { try Directory.sync(directory + "/" + run.entry.name) }
      try Directory.sync(directory)
      try record(state).write(directory, synced: true)
    }
  }
}
