import Decode
import Dispatch
import Foundation
import Shards

/// The first stage: shards → columns. Only shards that are new, changed, or ingested under another recipe are
/// read (rule 11).
public enum Ingest {
  /// Changes whenever the same recipe and input would give other columns than before.
  static let formatVersion = 3

  /// Brings the workspace's columns up to date with the recipe's input.
  ///
  /// - Returns: totals over all input shards, and the shards in workspace order.
  public static func run(
    _ recipe: Recipe, in workspace: borrowing Workspace, events: @escaping EventHandler
  ) throws -> IngestReport {
    try Places.check(recipe, workspace: workspace.path)
    if ShardPatterns.sets(recipe.input.path).contains("-") {
      try StandardInputSpool.fill(in: workspace.path)
    }
    let found = try ShardSet.find(recipe.input, workspace: workspace.path)
    let shards = found.shards
    if let notice = found.notice { events(.notice(notice)) }
    let hash = try recipeHash(recipe)
    try workspace.record(recipe)
    try removeOthers(than: shards, workspace, events)
    var states = try workspace.inputState().filter { name, _ in shards.contains { $0.name == name } }
    let known = states
    var stale: [ShardFile] = []
    for shard in shards {
      if let state = try currentState(of: shard, states[shard.name], recipe, hash, workspace) {
        states[shard.name] = state
      } else {
        stale.append(shard)
      }
    }
    if !stale.isEmpty {
      let bytes = stale.reduce(0) { $0 + $1.status.size }
      events(.began(stage: "ingest", shards: stale.count, bytes: bytes, samples: nil))
      let new = try ingest(stale, recipe, hash, workspace.path, events)
      states.merge(new) { $1 }
      events(.ended(stage: "ingest"))
    }
    if states != known { try workspace.record(states) }
    var report = try total(shards, states, workspace)
    report.shardsKnown = shards.count - stale.count
    guard report.shardsRejected < shards.count else {
      throw PipelineError(.badData, "\(recipe.input.path): none of \(shards.count) shards is usable")
    }
    if recipe.input.keys == .error { try KeyUniqueness.check(shards.map(\.name), workspace) }
    return report
  }

  /// Reads shards into the workspace; the states of all of them come back.
  static func ingest(
    _ shards: [ShardFile], _ recipe: Recipe, _ hash: String, _ workspace: String,
    isStreaming: Bool = false, until isStopped: @escaping @Sendable () -> Bool = { false },
    _ events: @escaping EventHandler
  ) throws -> [String: InputState] {
    let memory = try MemoryPlan(recipe)
    let limits = memory.decodeLimits(recipe.decode)
    let watchdog = ImageWatchdog(seconds: recipe.limits.imageSeconds)
    let encoders = try SampleEncoders(recipe)
    let sizes = isStreaming ? PictureSizeCheck(recipe, limits) : nil
    let publishable = isStreaming ? PublishableCheck(recipe) : nil
    return try orderedMap(
      from: IngestSource(shards, recipe: recipe, memory: memory, hashing: true, until: isStopped),
      into: try IngestSink(
        workspace: workspace, shards: shards, recipe: recipe, recipeHash: hash, encoders: encoders,
        events: events),
      workers: memory.workers, window: memory.window,
      makeWorker: {
        IngestWorker(
          recipe, limits: limits, watchdog: watchdog, encoders: encoders,
          measuresQuality: recipe.features.measuresQuality, sizes: sizes, publishable: publishable)
      },
      finish: { $0.states })
  }

  /// Hash of everything in the recipe that decides the bytes of the columns.
  static func recipeHash(_ recipe: Recipe) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var imageFields: [String]
      var keys: Recipe.Input.Keys
      var duplicates: DuplicatePolicy
      var salvage: Bool
      var ignoresZeros: Bool
      var decode: Recipe.Decoding
      var thumbnail: Recipe.Thumbnail
      var sampleBytes: UInt64
      var imageBytes: Int
      var image: String?
      var text: String?
      /// Absent where nothing is measured, as it was before there was such a column.
      var quality: Int?
      var captions: Int?
      var fields: [String]?
    }
    let memory = try MemoryPlan(recipe)
    return sha256(
      try JSON.line(
        Parts(
          version: formatVersion, imageFields: recipe.input.imageFields, keys: recipe.input.keys,
          duplicates: recipe.input.duplicates, salvage: recipe.input.salvage,
          ignoresZeros: recipe.input.ignoresZeros, decode: recipe.decode,
          thumbnail: recipe.features.thumbnail,
          sampleBytes: memory.shardLimits.sampleBytes, imageBytes: memory.imageBytes,
          image: try ImageModelFile(recipe.features.image).map { try $0.id() + recipe.models.idSuffix },
          text: try TextModelFile(recipe.features.text).map {
            try $0.id(tokenizer: TokenizerFiles($0.tokenizer).digests) + recipe.models.idSuffix
          },
          quality: recipe.features.measuresQuality ? 1 : nil,
          captions: recipe.features.keepsCaptions ? 1 : nil,
          fields: recipe.prune.jsonFields?.names)))
  }

  /// The state of a shard that needs not be read: the file is the one that was ingested, under the same recipe.
  /// Nil if it must be.
  private static func currentState(
    of shard: ShardFile, _ state: InputState?, _ recipe: Recipe, _ hash: String,
    _ workspace: borrowing Workspace
  ) throws -> InputState? {
    if let state, state.stats != shard.stats?.status { return nil }
    if let state, let rejected = state.rejected {
      return rejected.recipe == hash && state.status == shard.status ? state : nil
    }
    guard let manifest = try workspace.manifest(shard.name), manifest.recipe == hash else { return nil }
    // What `fit` adds is its own business.
    let encoded = ["image", "joint", "text"].filter { manifest.encoders[$0]?.hasPrefix("onnx:") == true }
    let others =
      encoded.map { $0 + ".npy" }.filter { manifest.files[$0] != nil }
      + (recipe.features.measuresQuality ? ["quality.npy"] : [])
      + (recipe.features.keepsCaptions ? [CaptionLines.file] : [])
      + (recipe.prune.jsonFields == nil ? [] : [JSONFields.file])
    for name in ["keys.txt", "samples.npy", "thumbnail.npy", "rejects.jsonl"] + others {
      let size = try FileStatus(path: workspace.columns(shard.name) + "/" + name)?.size
      guard size == manifest.files[name]?.bytes else { return nil }
    }
    if let state, state.status == shard.status, state.sha256 == manifest.input.sha256 { return state }
    // Committed by a run that was killed before it could note the file's state, or the file was touched since:
    // its content decides.
    guard manifest.input.bytes == shard.status.size else { return nil }
    let digest = try FileDigest(path: shard.path).sha256
    return digest == manifest.input.sha256
      ? InputState(status: shard.status, sha256: digest, stats: shard.stats?.status) : nil
  }

  /// Removes the columns of shards that are no longer in the input.
  private static func removeOthers(
    than shards: [ShardFile], _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws {
    let names = Set(shards.map(\.name))
    for entry in try Directory.names(in: workspace.path + "/columns") ?? [] where !names.contains(entry) {
      if !entry.hasPrefix(".") {
        events(.notice("\(entry): no longer in the input, its columns are removed"))
      }
      try Directory.remove(workspace.columns(entry))
    }
  }

  private static func total(
    _ shards: [ShardFile], _ states: [String: InputState], _ workspace: borrowing Workspace
  ) throws -> IngestReport {
    var report = IngestReport()
    for shard in shards {
      if let rejected = states[shard.name]?.rejected {
        report.add(rejected)
      } else if let manifest = try workspace.manifest(shard.name) {
        report.add(manifest)
      }
    }
    guard report.accepted + report.rejected.total == report.samples else {
      throw PipelineError(.internalError, "samples in are not accepted + rejected")
    }
    return report
  }
}
