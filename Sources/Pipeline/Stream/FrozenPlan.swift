package import Algebra
import Features
import Foundation
package import Prune
import Shards

/// A fitted plan applied to samples as they come: the encoder, the domain head, the least score, the references, the
/// concepts with their thresholds, and the rows kept so far, which lie on disk.
///
/// A sample that the workspace has decided already (same key, same row) keeps its verdict; every other one is
/// assigned to its concept and kept iff its distance passes the threshold and it duplicates nothing kept.
///
/// Verdicts name shards by their *ordinals*: their places in the order in which they were decided. ``ShardOrdinals``
/// turns these into the lines of `shards.txt`.
package struct FrozenPlan {
  /// nil where the rows come from a model that ingest runs.
  let encoder: PixelEncoder?
  /// Names the encoder, as in the column manifests.
  let encoderID: String
  /// Whether rows of images decide anything.
  let needsRows: Bool
  /// What made the rows behind the score, by column; empty where no score decides.
  let scoreEncoders: [String: String]
  /// What drift is measured against; nil for a plan without concepts, or of before drift was measured.
  package let drift: DriftReference?
  private let workspace: String
  private let threads: Int
  private let domain: DomainPlan?
  private var plan: StreamingPlan
  private let kept: KeptRowFiles?
  private let keys: KeyIndex?
  private var decided: DecidedSamples
  /// In a pipe, which writes nothing into the workspace.
  private var own: PipeDecisions?
  private let scratch: ScratchDirectory?
  /// By ordinal.
  package private(set) var shards: [String]

  /// Loads the plan of a workspace whose lock the caller holds, for its stream. The index of kept rows is opened where
  /// it belongs to this plan, and brought up to date or made again from columns and verdicts where not.
  ///
  /// - Parameters:
  ///   - shards: that have verdicts, in the order in which they were decided.
  ///   - keys: of the same shards; those of a shard are added when its verdicts are in place, not before.
  ///   - memory: bytes for kept rows.
  package init(workspace path: String, shards: [String], keys: KeyIndex, memory: Int, threads: Int) throws {
    try self.init(path, shards, keys: keys, scratch: nil, memory: memory, threads: threads)
  }

  /// Loads the plan of a workspace for a pipe: nothing is written there, what does not fit into memory goes to a
  /// temporary directory.
  package init(pipe path: String, memory: Int, threads: Int) throws {
    let scratch = ScratchDirectory()
    let shards = try Self.shardNames(path)
    try self.init(path, shards, keys: nil, scratch: scratch, memory: memory, threads: threads)
  }

  private init(
    _ path: String, _ shards: [String], keys: KeyIndex?, scratch: ScratchDirectory?, memory: Int, threads: Int
  ) throws {
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
    drift = concepts?.drift
    workspace = path
    self.threads = threads
    self.shards = shards
    self.scratch = scratch
    own = scratch.map { PipeDecisions(directory: $0.path + "/decisions") }
    let centroids = try dedup.map { _ in try EmbeddingFile.read(models + "dedup/centroids.npy") }
    let scratchRows = scratch.map { $0.path + "/rows" }
    kept = try centroids.map {
      if let scratchRows {
        return try KeptRowFiles.empty(
          in: scratchRows, identity: "", clusters: $0.rows, dimension: $0.dimension, memory: memory,
          isSaved: false)
      }
      return try KeptRowFiles.open(
        path + "/index/rows", identity: try Self.identity(models + "dedup"), clusters: $0.rows,
        dimension: $0.dimension, shards: shards, workspace: path, memory: memory)
    }
    plan = StreamingPlan(
      concepts: concepts, rule: manifest.flatMap { PruneSettings.Rule(rawValue: $0.rule) } ?? .hard,
      seed: manifest?.seed ?? 0, dedupCentroids: centroids, duplicateAbove: dedup?.duplicateAbove ?? 1,
      scoreCut: scoreCut, reference: try ReferenceFiles.stream(models + "reference"), kept: kept)
    decided = DecidedSamples(workspace: path, usesScores: scoreCut != nil && !scoreEncoders.isEmpty)
    self.keys =
      try scratch.map { try KeyIndex.build(in: $0.path + "/keys", workspace: path, shards: shards) } ?? keys
    for ordinal in (kept?.shards ?? shards.count)..<shards.count { try remember(ordinal) }
  }

  /// Of the plan whose clusters the kept rows lie in.
  private static func identity(_ dedup: String) throws -> String {
    sha256(try readFile(dedup + "/manifest.json") ?? [])
  }

  /// `verdicts/shards.txt`.
  package static func shardNames(_ path: String) throws -> [String] {
    (try readFile(path + "/verdicts/shards.txt") ?? []).split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Takes the kept rows of one shard into the index.
  private mutating func remember(_ ordinal: Int) throws {
    guard kept != nil else { return }
    let name = shards[ordinal]
    let columns = workspace + "/columns/\(name)"
    if try FileStatus(path: columns + "/image.npy") != nil {
      let verdicts = try VerdictFile.read(workspace + "/verdicts/\(name).npy")
      let reader = try NpyReader(path: columns + "/image.npy")
      try EmbeddingFile.check(reader)
      guard verdicts.count == reader.rowCount else {
        throw PipelineError(.badData, "\(workspace): verdicts and columns of \(name) do not fit together")
      }
      let step = 8192
      for start in stride(from: 0, to: verdicts.count, by: step) {
        let range = start..<min(verdicts.count, start + step)
        let places = range.filter { verdicts[$0].kept }
        if places.isEmpty { continue }
        let block = EmbeddingMatrix(try reader.floats(range), dimension: reader.shape[1])
        let rows = places.flatMap { block.row($0 - start) }
        try describing {
          try plan.remember(
            EmbeddingMatrix(rows, dimension: reader.shape[1]),
            places.map { KeptOrigin(shard: Int32(ordinal), row: Int32($0)) }, threads: threads)
        }
      }
    }
    try commit(name)
  }

  private func commit(_ name: String) throws {
    try kept?.commit(
      shard: name, digest: ShardChain.digest(of: "image.npy", shard: name, workspace))
  }

  /// Errors of the plan as the pipeline's.
  private func describing<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as PruneError {
      throw PipelineError(.badData, error.description)
    }
  }

  /// Whether ``decide(_:keys:scores:passes:shard:)`` looks at the scores.
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

  /// Decides the samples of one shard in their order; kept ones are remembered. Follow it by ``published(_:)`` once the
  /// verdicts are in place, or by ``discard()``.
  ///
  /// - Parameters:
  ///   - rows: their stored embeddings, `(n, d)`; nil where rows decide nothing.
  ///   - keys: `(n,)`.
  ///   - scores: of image and caption, by stored rows, `(n,)`; nil where none is needed.
  ///   - passes: whether each passes the recipe's filter, `(n,)`; nil if there is none.
  ///   - shard: its ordinal, which is `shards.count`.
  /// - Returns: `(n,)`, naming shards by their ordinals.
  package mutating func decide(
    rows: EmbeddingMatrix?, keys: [ArraySlice<UInt8>], scores: [Float]? = nil, passes: [Bool]? = nil,
    shard: Int
  ) throws -> [Verdict] {
    precondition(shard == shards.count, "shards are decided one after the other")
    return try decide(
      rows, keys, scores, passes,
      keys.indices.map { KeptOrigin(shard: Int32(shard), row: Int32($0)) })
  }

  /// Decides one sample of a pipe; a kept one is remembered.
  ///
  /// - Parameters:
  ///   - values: its stored embedding, widened.
  ///   - score: of image and caption, by stored rows; NaN where none is needed.
  ///   - passes: whether it passes the recipe's filter.
  package mutating func decide(
    _ values: [Float], score: Float, passes: Bool, key: ArraySlice<UInt8>, row: Int32
  ) throws -> Verdict {
    if needsRows, let known = try own?.verdict(key, of: values, score: score) { return known }
    let rows = needsRows ? EmbeddingMatrix(values, dimension: max(values.count, 1)) : nil
    let verdict = try decide(
      rows, [key], [score], [passes], [KeptOrigin(shard: -1, row: row)])[0]
    if needsRows { try own?.add(key, of: values, score: score, verdict) }
    return verdict
  }

  private mutating func decide(
    _ rows: EmbeddingMatrix?, _ keys: [ArraySlice<UInt8>], _ scores: [Float]?, _ passes: [Bool]?,
    _ origins: [KeptOrigin]
  ) throws -> [Verdict] {
    var verdicts = [Verdict](repeating: Verdict(), count: keys.count)
    guard needsRows else {
      for (row, passes) in (passes ?? []).enumerated() where !passes { verdicts[row].drop(.filter) }
      return verdicts
    }
    guard let rows, rows.rows == keys.count else {
      throw PipelineError(.badData, "\(workspace): a shard without an embedding for each key")
    }
    var open: [Int] = []
    var hashes: [UInt64] = []
    let known = try self.keys?.places(of: keys)
    for (row, key) in keys.enumerated() {
      let values = rows.row(row)
      let score = usesScores ? scores?[row] ?? .nan : .nan
      if let place = known?[row],
        let verdict = try decided.verdict(place, of: values, score: score, shards: shards)
      {
        verdicts[row] = verdict
      } else if passes?[row] == false {
        verdicts[row].drop(.filter)
      } else {
        let hash = KeyUniqueness.hashWords(key).0
        if let domain, try !domain.keeps(values, keyHash: hash) {
          verdicts[row].drop(.domain)
        } else {
          open.append(row)
          hashes.append(hash)
        }
      }
    }
    if open.isEmpty { return verdicts }
    let part = EmbeddingMatrix(open.flatMap { rows.row($0) }, dimension: rows.dimension)
    let found = try describing {
      try plan.decide(
        part, scores: scores.map { all in open.map { all[$0] } }, keyHashes: hashes,
        origins: open.map { origins[$0] }, threads: threads)
    }
    for (row, verdict) in zip(open, found) { verdicts[row] = verdict }
    return verdicts
  }

  /// The verdicts of the shard decided last are in place: its rows are those of an ordinal from now on.
  package mutating func published(_ name: String) throws {
    shards.append(name)
    decided.forget()
    try commit(name)
  }

  /// Lines of `shards.txt` have moved.
  mutating func linesMoved() { decided.forget() }

  /// The verdicts given since the last ``published(_:)`` do not count: what was kept is forgotten.
  package func discard() { kept?.discard() }

  /// Makes the index of kept rows durable, so that it need not be made again after the machine was started again.
  package func sync() throws { try kept?.sync() }
}

/// A directory of one process, removed with the value.
final class ScratchDirectory: Sendable {
  let path: String

  init() {
    path =
      FileManager.default.temporaryDirectory.path(percentEncoded: false)
      + "/tamis-" + UUID().uuidString
  }

  deinit { try? Directory.remove(path) }
}
