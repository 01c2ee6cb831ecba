import Algebra
import Prune
import Shards

extension PruneStage {
  /// Reads what the stages need and runs them.
  static func decide(
    _ recipe: Recipe, _ drops: [Reason]?, _ matchesKey: String?, _ shards: [IngestedShard],
    _ workspace: borrowing Workspace,
    _ events: @escaping EventHandler
  ) throws -> PruneResult {
    let rows = shards.reduce(0) { $0 + $1.manifest.accepted }
    let filled = shards.filter { $0.manifest.accepted > 0 }
    try checkEmbedded(filled)
    if recipe.prune.needsScores { try checkScoreColumns(filled) }
    func paths(_ column: String) -> [String] { filled.map { workspace.columns($0.name) + "/\(column).npy" } }
    func stored(_ column: String) throws -> EmbeddingMatrix {
      EmbeddingMatrix(try EmbeddingRows(paths(column)))
    }
    // Without the column, images and captions share a space.
    let hasJoint = filled.allSatisfy { $0.manifest.files["joint.npy"] != nil }
    let epsilon = calibratedEpsilon(recipe.features.image)
    let settings = PruneSettings(
      recipe.prune, calibratedEpsilon: epsilon.value, threads: try MemoryPlan(recipe.limits).workers)
    let keyBytes = try shards.reduce(0) {
      $0 + Int(try FileStatus(path: workspace.columns($1.name) + "/keys.txt")?.size ?? 0)
    }
    let needed =
      try PruneMemory.bytes(
        rows: rows, keyBytes: keyBytes, rowBytes: NpyReader(path: paths("image")[0]).rowBytes, settings)
      + ReferenceSets.bytes(recipe.prune.reference?.files ?? [])
    guard needed <= recipe.limits.memory else {
      throw PipelineError(
        .usage,
        "limits.memory: pruning \(rows) rows needs about \(ByteSize.needed(needed)), the limit is "
          + ByteSize.text(recipe.limits.memory))
    }
    let samples = try PackedKeys.read(shards, workspace)
    var input = PruneInput(image: try stored("image"), keys: samples.keys)
    if recipe.prune.needsScores {
      input.text = try stored("text")
      if hasJoint { input.joint = try stored("joint") }
    }
    input.origin = samples.origin
    input.drops = drops
    if let key = matchesKey,
      let found = try manifest(in: workspace.path)?.matches, found.key == key
    {
      let verdicts = shards.map { workspace.path + "/verdicts/\($0.name).npy" }
      input.duplicates = try found.read(
        centroids: workspace.path + "/models/dedup/centroids.npy", verdicts: verdicts)
      if input.duplicates != nil {
        events(.notice("near-duplicates: the similarities of the last run are used"))
      }
    }
    let references = try recipe.prune.reference.map { try ReferenceSets($0.files, gaps: $0.gaps) }
    (input.reference, input.gap) = (references?.matrix, references?.gaps)
    if recipe.prune.dedup.map({ $0.epsilon == nil && $0.keep == nil }) ?? false {
      events(.notice("dedup: epsilon auto is \(epsilon.value), \(epsilon.origin)"))
    }
    do {
      let result = try prune(input, settings) { events(.step($0.rawValue)) }
      for notice in result.notices { events(.notice(notice.description)) }
      let path = workspace.path + "/models/reference"
      if let references, let rule = settings.reference {
        try ReferenceFiles.write(
          model: result, references, rule, keys: input.keys, key: stageKey(recipe, shards), to: path)
      } else {
        try Directory.remove(path)
      }
      return result
    } catch let error as PruneError {
      throw PipelineError(.badData, error.description)
    }
  }

  /// That shards have image rows, of one encoder.
  static func checkEmbedded(_ shards: [IngestedShard]) throws(PipelineError) {
    guard shards.allSatisfy({ $0.manifest.files["image.npy"] != nil }),
      Set(shards.map { $0.manifest.encoders["image"] }).count == 1
    else {
      throw PipelineError(.usage, "the shards are not embedded, or not alike: run `tamis fit` first")
    }
  }

  /// Names what the similarities of near-duplicates depend on; nil without that stage.
  static func matchesKey(
    _ recipe: Recipe, _ drops: [Reason]?, _ shards: [IngestedShard]
  ) throws -> String? {
    // The limit, and with it the calibrated ε, is no part of the key.
    let settings = PruneSettings(recipe.prune, calibratedEpsilon: 0, threads: 1)
    guard let dedup = settings.dedup else { return nil }
    let files = ["keys.txt", "image.npy"] + (dedup.rule == .score ? scoreColumns.map { $0 + ".npy" } : [])
    let rows = shards.map { shard in [shard.name] + files.map { shard.manifest.files[$0]?.sha256 ?? "" } }
    return try StoredMatches.key(dedup, settings, rows: rows, drops: drops)
  }

  /// What the score is the dot product of.
  static let scoreColumns = ["joint", "text"]

  /// That the captions are embedded, and all shards alike.
  private static func checkScoreColumns(_ shards: [IngestedShard]) throws(PipelineError) {
    guard shards.allSatisfy({ $0.manifest.files["text.npy"] != nil }) else {
      throw PipelineError(.usage, "the captions are not embedded: run `tamis ingest` and `tamis fit` first")
    }
    for column in scoreColumns {
      guard Set(shards.map { $0.manifest.encoders[column] }).count == 1,
        Set(shards.map { $0.manifest.files[column + ".npy"] != nil }).count == 1
      else {
        throw PipelineError(.usage, "the shards were not embedded alike: run `tamis ingest` first")
      }
    }
  }
}
