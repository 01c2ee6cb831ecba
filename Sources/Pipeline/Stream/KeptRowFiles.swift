import Algebra
package import Prune
import Shards
import Synchronization

/// Kept rows on disk: one file for each dedup cluster, `<f2` row, shard and row number of each in the order in which
/// they were kept, 2·d + 8 bytes a row. Memory is what the caller gives, whatever was kept: three quarters for blocks
/// read last, a quarter for rows not yet written, and 16 bytes a cluster.
///
/// Rows count from ``commit(shard:)`` on; the record says how many of each file (``IndexRecord``), so what a killed
/// process wrote beyond is overwritten.
package final class KeptRowFiles: KeptRowStore {
  /// Rows of a cluster that are not in its file yet.
  private struct Pending {
    var values: [Float16] = []
    var origins: [KeptOrigin] = []
  }

  private struct Counts {
    /// Rows of each cluster, and how many of them are in its file.
    var rows: [Int]
    var written: [Int]
  }

  private struct State {
    var counts: Counts
    var committed: [Int]
    var chain: ShardChain
    var pending: [Int: Pending] = [:]
    var pendingBytes = 0
    var cache: BlockCache
  }

  private let directory: String
  private let identity: String
  private let dimension: Int
  private let pendingLimit: Int
  private let isSaved: Bool
  private let state: Mutex<State>

  private var entryBytes: Int { 2 * dimension + 8 }

  /// Opens the rows of a workspace, or begins without any where there are none that count.
  ///
  /// - Parameters:
  ///   - directory: `index/rows`; the caller holds the lock of the workspace.
  ///   - identity: of the plan.
  ///   - clusters: of the plan's dedup centroids.
  ///   - shards: that have verdicts, in the order of their claims; ``shards`` of them are inside already.
  ///   - memory: bytes.
  package static func open(
    _ directory: String, identity: String, clusters: Int, dimension: Int, shards: [String],
    workspace: String, memory: Int
  ) throws -> KeptRowFiles {
    if let record = try IndexRecord.read(directory, identity: identity), record.shards <= shards.count,
      let counts = record.counts, counts.count == clusters
    {
      let chain = try ShardChain(shards, first: record.shards, file: "image.npy", workspace: workspace)
      let files = KeptRowFiles(
        directory, identity, dimension, memory, isSaved: true, counts: counts, chain: chain)
      if chain.digest == record.chain, try files.areLongEnough(counts) { return files }
    }
    try Directory.remove(directory)
    return try empty(
      in: directory, identity: identity, clusters: clusters, dimension: dimension, memory: memory,
      isSaved: true)
  }

  /// Begins without rows.
  ///
  /// - Parameter isSaved: whether commits are recorded.
  package static func empty(
    in directory: String, identity: String, clusters: Int, dimension: Int, memory: Int, isSaved: Bool
  ) throws -> KeptRowFiles {
    try Directory.create(directory)
    return KeptRowFiles(
      directory, identity, dimension, memory, isSaved: isSaved,
      counts: [Int](repeating: 0, count: clusters), chain: try ShardChain())
  }

  private init(
    _ directory: String, _ identity: String, _ dimension: Int, _ memory: Int, isSaved: Bool,
    counts: [Int], chain: ShardChain
  ) {
    self.directory = directory
    self.identity = identity
    self.dimension = dimension
    self.isSaved = isSaved
    pendingLimit = memory / 4
    state = Mutex(
      State(
        counts: Counts(rows: counts, written: counts), committed: counts, chain: chain,
        cache: BlockCache(bytes: memory / 4 * 3)))
  }

  private func path(_ cluster: Int) -> String { "\(directory)/\(cluster).rows" }

  private func areLongEnough(_ counts: [Int]) throws -> Bool {
    for (cluster, count) in counts.enumerated() where count > 0 {
      guard let status = try FileStatus(path: path(cluster)), status.size >= UInt64(count * entryBytes)
      else { return false }
    }
    return true
  }

  /// Shards whose rows count.
  package var shards: Int { state.withLock { $0.chain.count } }

  /// Bytes held in memory for blocks and rows not yet written.
  package var heldBytes: Int { state.withLock { $0.cache.bytes + $0.pendingBytes } }

  package func count(of cluster: Int) -> Int { state.withLock { $0.counts.rows[cluster] } }

  package func append(_ values: ArraySlice<Float>, _ origin: KeptOrigin, to cluster: Int) throws {
    let halves = values.map { Float16($0) }
    guard zip(halves, values).allSatisfy({ Float($0) == $1 }) else {
      throw PipelineError(.internalError, "a kept row is not of half precision")
    }
    try state.withLock { state in
      state.pending[cluster, default: Pending()].values += halves
      state.pending[cluster]!.origins.append(origin)
      state.counts.rows[cluster] += 1
      state.pendingBytes += entryBytes
      if state.pendingBytes > pendingLimit { try write(&state) }
    }
  }

  /// Writes what is pending behind what the files have.
  private func write(_ state: inout State) throws {
    for cluster in state.pending.keys.sorted() {
      let pending = state.pending[cluster]!
      var bytes: [UInt8] = []
      bytes.reserveCapacity(pending.origins.count * entryBytes)
      for (row, origin) in pending.origins.enumerated() {
        bytes += NpyFile.bytes(of: Array(pending.values[row * dimension..<(row + 1) * dimension]))
        bytes += NpyFile.bytes(of: [origin.shard, origin.row])
      }
      let file = try File(path: path(cluster), .update)
      try file.write(bytes, at: UInt64(state.counts.written[cluster] * entryBytes))
      state.counts.written[cluster] += pending.origins.count
      state.pendingBytes -= bytes.count
      state.pending[cluster] = nil
    }
  }

  package func block(_ number: Int, of cluster: Int) throws -> KeptBlock {
    let start = number * Self.blockRows
    let (cached, written, end, pending) = state.withLock { state in
      let end = min(state.counts.rows[cluster], start + Self.blockRows)
      let written = min(end, max(start, state.counts.written[cluster]))
      // Blocks before the last have nothing pending, unless it has much.
      let pending = end > written ? state.pending[cluster] : nil
      return (
        state.cache.block(number, of: cluster), written, end,
        (rows: pending, first: state.counts.written[cluster])
      )
    }
    var held = cached ?? BlockCache.Block()
    if held.origins.count < written - start {
      try read(start + held.origins.count..<written, of: cluster, into: &held)
      state.withLock { $0.cache.insert(held, number, of: cluster) }
    }
    if let rows = pending.rows {
      let range = max(start, pending.first) - pending.first..<end - pending.first
      held.values += rows.values[range.lowerBound * dimension..<range.upperBound * dimension]
      held.origins += rows.origins[range]
    }
    return KeptBlock(EmbeddingMatrix(held.values, dimension: dimension), held.origins)
  }

  private func read(_ range: Range<Int>, of cluster: Int, into block: inout BlockCache.Block) throws {
    let file = try File(path: path(cluster), .read)
    let words = dimension + 4
    var halves = [Float16](repeating: 0, count: range.count * words)
    var span = halves.mutableSpan
    var bytes = unsafe span.mutableBytes
    let wanted = bytes.byteCount
    guard try file.read(at: UInt64(range.lowerBound * entryBytes), into: &bytes) == wanted else {
      throw PipelineError(.badData, "\(file.path): shorter than it was; restart to have it made again")
    }
    block.values.reserveCapacity(block.values.count + range.count * dimension)
    for row in 0..<range.count {
      let tail = row * words + dimension
      block.values += halves[row * words..<tail]
      func number(_ place: Int) -> Int32 {
        Int32(
          bitPattern: UInt32(halves[place].bitPattern) | UInt32(halves[place + 1].bitPattern) << 16)
      }
      block.origins.append(KeptOrigin(shard: number(tail), row: number(tail + 2)))
    }
  }

  /// What was appended since the last commit counts from now on, as that of one shard.
  ///
  /// - Parameter digest: of the rows' column.
  package func commit(shard name: String, digest: String) throws {
    try state.withLock { state in
      if isSaved { try write(&state) }
      state.chain.add(name, digest)
      state.committed = state.counts.rows
      if isSaved { try record(state).write(directory, synced: false) }
    }
  }

  /// Forgets what was appended since the last commit.
  ///
  /// - Precondition: commits are recorded.
  package func discard() {
    precondition(isSaved, "rows that nothing keeps")
    state.withLock { state in
      state.pending = [:]
      state.pendingBytes = 0
      state.counts = Counts(rows: state.committed, written: state.committed)
      state.cache.removeAll()
    }
  }

  private func record(_ state: State) -> IndexRecord {
    IndexRecord(
      identity: identity, shards: state.chain.count, chain: state.chain.digest, counts: state.committed)
  }

  /// Makes all that counts durable, so that it still counts after the machine was started again.
  package func sync() throws {
    try state.withLock { state in
      for (cluster, count) in state.committed.enumerated() where count > 0 {
        try Directory.sync(path(cluster))
      }
      try Directory.sync(directory)
      try record(state).write(directory, synced: true)
    }
  }
}

/// Blocks of kept rows that were used last, within a number of bytes: what was not used while half of them came in is
/// let go.
private struct BlockCache {
  struct Block {
    var values: [Float16] = []
    var origins: [KeptOrigin] = []

    var bytes: Int { values.count * 2 + origins.count * 8 }
  }

  private struct Key: Hashable {
    var cluster: Int
    var number: Int
  }

  private let limit: Int
  private var recent: [Key: Block] = [:]
  private var older: [Key: Block] = [:]
  private var recentBytes = 0
  private var olderBytes = 0

  init(bytes: Int) { limit = bytes }

  var bytes: Int { recentBytes + olderBytes }

  mutating func block(_ number: Int, of cluster: Int) -> Block? {
    let key = Key(cluster: cluster, number: number)
    if let block = recent[key] { return block }
    guard let block = older.removeValue(forKey: key) else { return nil }
    olderBytes -= block.bytes
    add(block, key)
    return block
  }

  mutating func insert(_ block: Block, _ number: Int, of cluster: Int) {
    let key = Key(cluster: cluster, number: number)
    if let old = recent.removeValue(forKey: key) { recentBytes -= old.bytes }
    if let old = older.removeValue(forKey: key) { olderBytes -= old.bytes }
    add(block, key)
  }

  private mutating func add(_ block: Block, _ key: Key) {
    if recentBytes + block.bytes > limit / 2 {
      (older, olderBytes) = (recent, recentBytes)
      (recent, recentBytes) = ([:], 0)
    }
    // A block as large as half of the limit is not held.
    guard block.bytes <= limit / 2 else { return }
    recent[key] = block
    recentBytes += block.bytes
  }

  mutating func removeAll() { self = BlockCache(bytes: limit) }
}
