import Shards

/// What a stream's recipe may say, and what of it may change while the stream lives.
enum StreamRules {
  /// - Throws: ``PipelineError`` (usage) for what a stream cannot do.
  static func check(_ recipe: Recipe) throws {
    guard !recipe.publish.path.isEmpty else { throw PipelineError(.usage, "publish.path: missing") }
    guard !ShardPatterns.sets(recipe.input.path).contains("-") else {
      throw PipelineError(.usage, "input.path: a stream watches files; `tamis pipe` reads standard input")
    }
    guard !recipe.features.areImported else {
      throw PipelineError(
        .usage, "features: embeddings from a file have no rows for shards to come; a stream needs an encoder")
    }
    guard recipe.publish.order == .input else {
      throw PipelineError(.usage, "publish.order: a stream publishes in the order of its input")
    }
    if recipe.publish.format == .npy, recipe.publish.samplesPerShard == .max {
      throw PipelineError(
        .usage, "publish.samples_per_shard: a stream has no end, its arrays no last row; give a number")
    }
    try checkMemory(recipe)
    if fits(recipe) { try Fit.checkMemory(recipe) }
  }

  /// Refuses a limit that cannot hold the open shard and the compression.
  private static func checkMemory(_ recipe: Recipe) throws {
    let (compression, shard) = recipe.publish.memory(threads: try MemoryPlan(recipe.limits).workers)
    guard compression + shard > recipe.limits.memory / 2 else { return }
    throw PipelineError(
      .usage,
      "limits.memory: publishing needs \(ByteSize.needed(2 * (compression + shard))) "
        + "(\(ByteSize.text(compression)) to compress, \(ByteSize.text(shard)) for a shard), the limit is "
        + ByteSize.text(recipe.limits.memory))
  }

  /// Whether something has to be fitted before the first sample is published.
  static func fits(_ recipe: Recipe) -> Bool {
    if recipe.prune.isActive || AddedFields.needBasis(recipe.addedFields) { return true }
    if recipe.addedFields.contains(.embedding), Fit.needsEncoder(recipe) { return true }
    guard case .ngrams? = recipe.features.text else { return false }
    return recipe.addedFields.contains(.text)
  }

  /// What of a new recipe contradicts the work that is done under the old one; empty if nothing does.
  ///
  /// `prune` may change, and takes effect with the next plan; `daemon`, `limits` and where the input is change at once.
  static func conflicts(_ new: Recipe, with old: Recipe) throws -> [String] {
    var conflicts: [String] = []
    if try Ingest.recipeHash(new) != Ingest.recipeHash(old) {
      conflicts.append(
        "input, decode, features, what prune.filter reads, or limits.memory below 2 GiB: shards would be read otherwise"
      )
    }
    if new.features != old.features { conflicts.append("features") }
    if new.publish != old.publish { conflicts.append("publish") }
    if new.prune.isActive != old.prune.isActive { conflicts.append("prune: with and without") }
    return conflicts
  }
}
