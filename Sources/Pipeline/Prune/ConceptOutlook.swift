public import Prune
import Shards

/// What other settings of the concepts stage would do, from the files that a pruning left.
public enum ConceptOutlook {
  /// From `concepts/` of a pruning of arrays with these settings; empty where the stage did not run.
  public static func lines(_ path: String, _ concepts: PruneSettings.Concepts) throws -> [WhatIf.Line] {
    guard let model = try ConceptFiles.read(path) else { return [] }
    return WhatIf.lines(model, concepts)
  }

  /// From `models/concepts` of a workspace.
  ///
  /// - Throws: `PipelineError` of kind `usage` without that stage, or when its model is of another recipe or of
  ///   other shards.
  public static func lines(_ recipe: Recipe, in workspace: borrowing Workspace) throws -> [WhatIf.Line] {
    guard let concepts = recipe.prune.concepts else {
      throw PipelineError(.usage, "prune.concepts: the recipe has no such stage")
    }
    let path = workspace.path + "/models/concepts"
    let key = try PruneStage.stageKey(recipe, try workspace.ingestedShards(), naming: false)
    guard try ConceptFiles.manifest(path)?.key == key else {
      throw PipelineError(
        .usage, "the concepts are not those of this recipe and these shards: run `tamis prune`")
    }
    return try lines(path, concepts.setting)
  }
}
