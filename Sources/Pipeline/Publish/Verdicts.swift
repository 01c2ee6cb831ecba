import Prune
import Shards

/// The verdicts of all shards, or none before any pruning: then every accepted sample is kept.
struct Verdicts {
  private var kept: [[Bool]?] = []

  /// Reads `verdicts/`; they must belong to the recipe and to the columns that are there.
  init(
    _ shards: [IngestedShard], _ recipe: Recipe, _ workspace: borrowing Workspace
  ) throws {
    let directory = workspace.path + "/verdicts"
    guard let manifest = try PruneStage.manifest(in: workspace.path) else {
      guard !recipe.prune.isActive else {
        throw PipelineError(.usage, "the recipe prunes, but there are no verdicts: run `tamis prune` first")
      }
      kept = shards.map { _ in nil }
      return
    }
    guard manifest.key == (try PruneStage.stageKey(recipe, workspace.ingestedShards())) else {
      throw Self.stale
    }
    for shard in shards {
      let path = directory + "/\(shard.name).npy"
      guard try FileStatus(path: path) != nil else { throw Self.stale }
      let verdicts = try VerdictFile.read(path)
      guard verdicts.count == shard.manifest.accepted else { throw Self.stale }
      kept.append(verdicts.map(\.kept))
    }
  }

  private static var stale: PipelineError {
    PipelineError(.usage, "the verdicts are older than the columns or the recipe: run `tamis prune` first")
  }

  func isKept(shard: Int, row: Int) -> Bool { kept[shard]?[row] ?? true }

  /// Identifies which rows of a shard are kept.
  func keptDigest(shard: Int) -> String { kept[shard].map { sha256($0.map { $0 ? 1 : 0 }) } ?? "all" }
}
