import Algebra
import Prune
import Shards

/// The rows and verdicts of samples that a workspace has decided, read where they lie; the last few shards stay open.
struct DecidedSamples {
  private final class Shard: Sendable {
    let rows: NpyReader
    let captions: Captions?
    let verdicts: [Verdict]

    init(_ name: String, _ workspace: String, scores: Bool) throws {
      let columns = workspace + "/columns/\(name)/"
      let rows = try NpyReader(path: columns + "image.npy")
      captions = scores ? try Captions(columns) : nil
      verdicts = try VerdictFile.read(workspace + "/verdicts/\(name).npy")
      self.rows = rows
    }
  }

  /// What scores are made of.
  private final class Captions: Sendable {
    let joint: NpyReader
    let text: NpyReader

    init(_ columns: String) throws {
      let joint = try NpyReader(path: columns + "joint.npy")
      let text = try NpyReader(path: columns + "text.npy")
      self.joint = joint
      self.text = text
    }

    func score(_ row: Int) throws -> Float? {
      guard row < joint.rowCount, row < text.rowCount else { return nil }
      return imageTextScore(
        joint: try joint.floats(row..<row + 1), text: try text.floats(row..<row + 1))
    }
  }

  private static let openShards = 8
  private let workspace: String
  private let usesScores: Bool
  private var open: [(name: String, shard: Shard)] = []
  private var ordinals: ShardOrdinals?

  init(workspace: String, usesScores: Bool) {
    self.workspace = workspace
    self.usesScores = usesScores
  }

  /// The verdict of a sample if its row, and its score where one is used, are bit for bit these.
  ///
  /// - Parameter shards: by ordinal; the verdict names shards by theirs.
  mutating func verdict(
    _ place: KeyIndex.Place, of values: [Float], score: Float, shards: [String]
  ) throws -> Verdict? {
    let shard = try opened(shards[place.shard])
    guard place.row < shard.rows.rowCount, place.row < shard.verdicts.count else { return nil }
    let row = place.row..<place.row + 1
    let stored = try shard.rows.floats(row)
    guard stored.count == values.count,
      zip(stored, values).allSatisfy({ $0.bitPattern == $1.bitPattern })
    else { return nil }
    if let captions = shard.captions {
      guard try captions.score(place.row)?.bitPattern == score.bitPattern else { return nil }
    }
    if ordinals == nil {
      ordinals = ShardOrdinals(shards: shards, names: try FrozenPlan.shardNames(workspace))
    }
    return ordinals!.asOrdinal(shard.verdicts[place.row])
  }

  /// To be called when verdicts were added: lines of `shards.txt` may have moved.
  mutating func forget() {
    open = []
    ordinals = nil
  }

  private mutating func opened(_ name: String) throws -> Shard {
    if let index = open.firstIndex(where: { $0.name == name }) {
      if index > 0 { open.insert(open.remove(at: index), at: 0) }
      return open[0].shard
    }
    let shard = try Shard(name, workspace, scores: usesScores)
    open.insert((name, shard), at: 0)
    if open.count > Self.openShards { open.removeLast() }
    return shard
  }
}

/// What a pipe decided itself: a sample that comes again (same key, same row) gets its verdict again. Beyond
/// ``recentSamples`` samples it lies on disk, 64 bytes each.
struct PipeDecisions {
  private struct Record: BitwiseCopyable {
    /// Of row and score.
    var fingerprint: UInt64 = 0
    var distance: Float = 0
    var similarity: Float = 0
    var score: Float = 0
    var cluster: Int32 = 0
    var shard: Int32 = 0
    var row: Int32 = 0
    var kept: UInt32 = 0
    var reason: UInt32 = 0
  }

  private static let recentSamples = 1 << 16
  private static let recordBytes = 40
  private let directory: String
  private var keys: KeyIndex?
  private var recent: [[UInt8]: Int] = [:]
  private var recentKeys: [ArraySlice<UInt8>] = []
  private var records: [Record] = []

  /// - Parameter directory: of its own; made when it is needed.
  init(directory: String) { self.directory = directory }

  private static func fingerprint(_ values: [Float], _ score: Float) -> UInt64 {
    KeyUniqueness.hashWords(NpyFile.bytes(of: values + [score])[...]).0
  }

  /// The verdict given to the latest sample of this key, if its row and score are these.
  func verdict(_ key: ArraySlice<UInt8>, of values: [Float], score: Float) throws -> Verdict? {
    let record: Record
    if let place = recent[Array(key)] {
      record = records[place]
    } else if let keys, let place = try keys.places(of: [key])[0] {
      record = try read(place)
    } else {
      return nil
    }
    guard record.fingerprint == Self.fingerprint(values, score) else { return nil }
    var verdict = Verdict()
    verdict.kept = record.kept != 0
    verdict.reason = Reason(rawValue: UInt8(record.reason)) ?? .filter
    verdict.cluster = record.cluster
    verdict.distance = record.distance
    verdict.duplicateSimilarity = record.similarity
    verdict.duplicateShard = record.shard
    verdict.duplicateRow = record.row
    verdict.score = record.score
    return verdict
  }

  mutating func add(_ key: ArraySlice<UInt8>, of values: [Float], score: Float, _ verdict: Verdict) throws {
    let record = Record(
      fingerprint: Self.fingerprint(values, score), distance: verdict.distance,
      similarity: verdict.duplicateSimilarity, score: verdict.score, cluster: verdict.cluster,
      shard: verdict.duplicateShard, row: verdict.duplicateRow, kept: verdict.kept ? 1 : 0,
      reason: UInt32(verdict.reason.rawValue))
    if let place = recent[Array(key)] {
      records[place] = record
      return
    }
    recent[Array(key)] = records.count
    recentKeys.append(key)
    records.append(record)
    if records.count == Self.recentSamples { try spill() }
  }

  private mutating func spill() throws {
    if keys == nil { keys = try KeyIndex.empty(in: directory) }
    let file = try File(path: "\(directory)/\(keys!.count).records", .create)
    try file.write(NpyFile.bytes(of: records))
    try keys!.add(recentKeys, shard: "")
    (recent, recentKeys, records) = ([:], [], [])
  }

  private func read(_ place: KeyIndex.Place) throws -> Record {
    let file = try File(path: "\(directory)/\(place.shard).records", .read)
    var record = [Record()]
    var span = record.mutableSpan
    var bytes = unsafe span.mutableBytes
    let wanted = bytes.byteCount
    guard try file.read(at: UInt64(place.row * Self.recordBytes), into: &bytes) == wanted else {
      throw PipelineError(.badData, "\(file.path): shorter than it was")
    }
    return record[0]
  }
}
