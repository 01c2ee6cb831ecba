import Algebra
import Features
import Prune
import Shards

/// A fitted plan applied to samples as they come: the encoder, the domain head, the least score, the references, the
/// concepts with their thresholds, and the rows kept so far.
///
/// A sample that the workspace has decided already (same key, same row) keeps its verdict; every other one is
/// assigned to its concept and kept iff its distance passes the threshold and it duplicates nothing kept.
struct FrozenPlan {
  /// nil where the rows come from a model that ingest runs.
  let encoder: PixelEncoder?
  /// Names the encoder, as in the column manifests.
  let encoderID: String
  /// Whether rows of images decide anything.
  let needsRows: Bool
  /// What made the rows behind the score, by column; empty where no score decides.
  let scoreEncoders: [String: String]
  private let domain: DomainPlan?
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
    let verdicts = try PruneStage.manifest(in: path)
    let scoreCut = verdicts?.scoreCut
    scoreEncoders = scoreCut == nil ? [:] : (verdicts?.encoders ?? [:]).filter { $0.key != "image" }
    let name = manifest?.encoder ?? verdicts?.encoders?["image"]
    // Verdicts of before their manifest named the encoders came from rows.
    needsRows = name != nil || verdicts?.encoders == nil
    if let name, name.hasPrefix("onnx:") {
      (encoder, encoderID) = (nil, name)
    } else if !needsRows, try PCAFiles.manifest(models + "pca") == nil {
      (encoder, encoderID) = (nil, "")
    } else {
      encoder = PixelEncoder(basis: try PCAFiles.read(models + "pca"))
      encoderID = try Fit.encoderID(models + "pca")
    }
    domain = try DomainPlan.read(path)
    plan = StreamingPlan(
      concepts: concepts, rule: manifest.flatMap { PruneSettings.Rule(rawValue: $0.rule) } ?? .hard,
      seed: manifest?.seed ?? 0,
      dedupCentroids: try dedup.map { _ in try EmbeddingFile.read(models + "dedup/centroids.npy") },
      duplicateAbove: dedup?.duplicateAbove ?? 1, scoreCut: scoreCut,
      reference: try ReferenceFiles.stream(models + "reference"))
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
    let rows = needsRows ? try EmbeddingFile.read(path + "/columns/\(shard)/image.npy") : nil
    guard verdicts.count == keys.count, rows.map({ $0.rows == keys.count }) ?? true else {
      throw PipelineError(.badData, "\(path): verdicts and columns of \(shard) do not fit together")
    }
    let scores = try Self.scores(path + "/columns/\(shard)", needed: usesScores)
    for (row, key) in keys.enumerated() {
      let values = rows?.row(row) ?? []
      decided[KeyUniqueness.hashWords(key).0] = (fingerprint(values, scores?[row] ?? .nan), verdicts[row])
      if verdicts[row].kept, needsRows { plan.remember(values, shard: index, row: Int32(row)) }
    }
  }

  /// Whether ``decide(_:score:passes:key:shard:row:)`` looks at the score.
  var usesScores: Bool { !scoreEncoders.isEmpty }

  /// The scores of a shard's samples, from its columns; nil where none is needed.
  static func scores(_ columns: String, needed: Bool) throws -> [Float]? {
    guard needed else { return nil }
    let joint = try EmbeddingFile.read(columns + "/joint.npy")
    let text = try EmbeddingFile.read(columns + "/text.npy")
    guard joint.rows == text.rows, joint.dimension == text.dimension else {
      throw PipelineError(.badData, "\(columns): joint.npy and text.npy do not fit together")
    }
    return (0..<joint.rows).map { imageTextScore(joint: joint.row($0), text: text.row($0)) }
  }

  /// True if a sample of this key was decided before.
  func knows(key: ArraySlice<UInt8>) -> Bool { decided[KeyUniqueness.hashWords(key).0] != nil }

  /// Decides one sample; a kept one is remembered.
  ///
  /// - Parameters:
  ///   - values: its stored embedding, widened.
  ///   - score: of image and caption, by stored rows; NaN where none is needed.
  ///   - passes: whether it passes the recipe's filter.
  mutating func decide(
    _ values: [Float], score: Float, passes: Bool, key: ArraySlice<UInt8>, shard: Int32, row: Int32
  ) throws -> Verdict {
    let hash = KeyUniqueness.hashWords(key).0
    let fingerprint = fingerprint(values, score)
    if let known = decided[hash], known.row == fingerprint { return known.verdict }
    guard needsRows, passes else {
      var verdict = Verdict()
      if !passes { verdict.drop(.filter) }
      decided[hash] = (fingerprint, verdict)
      return verdict
    }
    if let domain, try !domain.keeps(values, keyHash: hash) {
      var verdict = Verdict()
      verdict.drop(.domain)
      decided[hash] = (fingerprint, verdict)
      return verdict
    }
    do {
      let verdict = try plan.decide(values, score: score, keyHash: hash, shard: shard, row: row)
      decided[hash] = (fingerprint, verdict)
      return verdict
    } catch {
      throw PipelineError(.badData, error.description)
    }
  }

  private func fingerprint(_ values: [Float], _ score: Float) -> UInt64 {
    KeyUniqueness.hashWords(NpyFile.bytes(of: usesScores ? values + [score] : values)[...]).0
  }
}
