import Algebra
import Features
import Prune
import Shards

/// A fitted plan applied to samples as they come: the encoder, the concepts with their thresholds, and the rows
/// kept so far.
///
/// A sample that the workspace has decided already (same key, same row) keeps its verdict; every other one is
/// assigned to its concept and kept iff its distance passes the threshold and it duplicates nothing kept.
struct FrozenPlan {
  /// nil where the rows come from a model that ingest runs.
  let encoder: PixelEncoder?
  /// Names the encoder, as in the column manifests.
  let encoderID: String
  private var plan: StreamingPlan
  private var decided: [UInt64: (row: UInt64, verdict: Verdict)] = [:]

  /// Loads the plan of a workspace.
  ///
  /// - Parameter shards: those whose verdicts count, in the order in which they were decided.
  init(workspace path: String, shards: [String]) throws {
    let models = path + "/models/"
    let concepts = try ConceptFiles.read(models + "concepts")
    let dedup = try ConceptFiles.manifest(models + "dedup")
    let manifest = try ConceptFiles.manifest(models + "concepts") ?? dedup
    if let manifest, manifest.encoder.hasPrefix("onnx:") {
      (encoder, encoderID) = (nil, manifest.encoder)
    } else {
      encoder = PixelEncoder(basis: try PCAFiles.read(models + "pca"))
      encoderID = try Fit.encoderID(models + "pca")
    }
    plan = StreamingPlan(
      concepts: concepts, rule: manifest.flatMap { PruneSettings.Rule(rawValue: $0.rule) } ?? .hard,
      seed: manifest?.seed ?? 0,
      dedupCentroids: try dedup.map { _ in try EmbeddingFile.read(models + "dedup/centroids.npy") },
      duplicateAbove: dedup?.duplicateAbove ?? 1)
    let sorted = try Self.shardNames(path)
    for shard in shards {
      guard let index = sorted.firstIndex(of: shard) else { continue }
      try remember(shard, Int32(index), path)
    }
  }

  /// `verdicts/shards.txt`.
  static func shardNames(_ path: String) throws -> [String] {
    (try readFile(path + "/verdicts/shards.txt") ?? []).split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Takes over the verdicts of one shard.
  private mutating func remember(_ shard: String, _ index: Int32, _ path: String) throws {
    let keys = try KeyFile.keys(path + "/columns/\(shard)/keys.txt")
    guard !keys.isEmpty else { return }
    let verdicts = try VerdictFile.read(path + "/verdicts/\(shard).npy")
    let rows = try EmbeddingFile.read(path + "/columns/\(shard)/image.npy")
    guard verdicts.count == keys.count, rows.rows == keys.count else {
      throw PipelineError(.badData, "\(path): verdicts and columns of \(shard) do not fit together")
    }
    for (row, key) in keys.enumerated() {
      let values = rows.row(row)
      decided[KeyUniqueness.hashWords(key).0] = (Self.fingerprint(values), verdicts[row])
      if verdicts[row].kept { plan.remember(values, shard: index, row: Int32(row)) }
    }
  }

  /// True if a sample of this key was decided before.
  func knows(key: ArraySlice<UInt8>) -> Bool { decided[KeyUniqueness.hashWords(key).0] != nil }

  /// Decides one sample; a kept one is remembered.
  ///
  /// - Parameter values: its stored embedding, widened.
  mutating func decide(_ values: [Float], key: ArraySlice<UInt8>, shard: Int32, row: Int32) throws -> Verdict
  {
    let hash = KeyUniqueness.hashWords(key).0
    let fingerprint = Self.fingerprint(values)
    if let known = decided[hash], known.row == fingerprint { return known.verdict }
    do {
      let verdict = try plan.decide(values, keyHash: hash, shard: shard, row: row)
      decided[hash] = (fingerprint, verdict)
      return verdict
    } catch {
      throw PipelineError(.badData, error.description)
    }
  }

  private static func fingerprint(_ values: [Float]) -> UInt64 {
    KeyUniqueness.hashWords(NpyFile.bytes(of: values)[...]).0
  }
}
