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
    guard recipe.publish.format == .webdataset else {
      throw PipelineError(
        .usage, "publish.format: a stream writes webdataset shards, not \(recipe.publish.format.rawValue)")
    }
    if fits(recipe) { try Fit.checkMemory(recipe) }
  }

  /// Whether something has to be fitted before the first sample is published.
  static func fits(_ recipe: Recipe) -> Bool {
    recipe.prune.isActive || AddedFields.needBasis(recipe.addedFields)
      || recipe.addedFields.contains(.embedding)
  }

  /// What of a new recipe contradicts the work that is done under the old one; empty if nothing does.
  ///
  /// `prune` may change, and takes effect with the next plan; `daemon`, `limits` and where the input is change at once.
  static func conflicts(_ new: Recipe, with old: Recipe) throws -> [String] {
    var conflicts: [String] = []
    if try Ingest.recipeHash(new) != Ingest.recipeHash(old) {
      conflicts.append("input, decode, features, or what prune.filter reads: shards would be read otherwise")
    }
    if new.features != old.features { conflicts.append("features") }
    if new.publish != old.publish { conflicts.append("publish") }
    if new.prune.isActive != old.prune.isActive { conflicts.append("prune: with and without") }
    return conflicts
  }
}
