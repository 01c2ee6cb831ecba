import Decode
import Foundation
import Shards

/// What publishing did.
public struct PublishReport: Sendable, Equatable {
  public var path = ""
  public var samples = 0
  public var shards = 0
  /// Bytes of the shards.
  public var bytes: UInt64 = 0
  /// True when OUT already held this very result.
  public var wasCurrent = false

  public init() {}
}

/// The last stage: the kept samples' bytes, unchanged unless the recipe says so, into shards for trainers.
public enum Publish {
  static let formatVersion = 3

  /// Publishes the samples that the verdicts keep (all accepted ones before any pruning) to the recipe's `publish.path`.
  ///
  /// What this workspace published there before is swapped out; another's needs `replacing`.
  ///
  /// - Parameter replacing: allow another workspace's OUT to be replaced.
  public static func run(
    _ recipe: Recipe, in workspace: borrowing Workspace, replacing: Bool, events: @escaping EventHandler
  ) throws -> PublishReport {
    guard !recipe.publish.path.isEmpty else {
      throw PipelineError(.usage, "publish.path: missing: where to?")
    }
    var files: [ShardFile] = []
    var shards: [IngestedShard] = []
    for file in try ShardSet.find(recipe.input, workspace: workspace.path).shards {
      guard let manifest = try workspace.manifest(file.name) else { continue }
      files.append(file)
      shards.append(IngestedShard(name: file.name, manifest: manifest))
    }
    guard !files.isEmpty else {
      throw PipelineError(.badData, "nothing was ingested: run `tamis ingest` first")
    }
    try checkMemory(recipe, shards)
    let verdicts = try Verdicts(shards, recipe, workspace)
    let fields = try AddedFields(recipe, recipe.addedFields, basis: workspace.path + "/models/pca")
    if fields?.basis != nil {
      guard try Fit.isCurrent(recipe, in: workspace) else {
        throw PipelineError(.usage, "the PCA is older than the columns or the recipe: run `tamis fit` first")
      }
    }
    let sidecars = PublishSidecars(recipe.publish)
    let account = sidecars.wants(.card) ? try DataCard.Account(recipe, shards, workspace) : nil
    let key = try PublishKey.make(recipe, shards.map(\.manifest), verdicts, fields, account)
    var report = PublishReport()
    report.path = recipe.publish.path
    let existing = try OutputDirectory.existing(recipe.publish.path)
    switch existing {
    case .published(let manifest) where manifest.key == key:
      if try OutputDirectory.isIntact(recipe.publish.path, manifest) {
        try OutputDirectory.removeLeftovers(recipe.publish.path)
        report.wasCurrent = true
        return report.adding(manifest)
      }
      events(.notice("\(recipe.publish.path): files are missing or damaged, it is published again"))
    case .published where replacing, .nothing: break
    case .published(let manifest) where try workspace.published(recipe.publish.path).contains(manifest.key):
      break
    case .published:
      throw PipelineError(.usage, "\(recipe.publish.path): holds another publish; `--replace` swaps it")
    case .foreign:
      throw OutputDirectory.foreign(recipe.publish.path)
    }

    if !replacing, case .published(let manifest) = existing {
      let strangers = try OutputDirectory.strangers(recipe.publish.path, manifest)
      guard strangers.isEmpty else {
        throw PipelineError(
          .usage,
          "\(recipe.publish.path): holds files that tamis did not write: \(strangers.prefix(5).joined(separator: ", "))"
            + (strangers.count > 5 ? " and \(strangers.count - 5) more" : "")
            + "; move them away, or `--replace` deletes them")
      }
    }
    let job = try PublishJob(recipe, files, shards, verdicts, fields, workspace)
    for notice in job.plan.notices + sidecars.notices { events(.notice(notice)) }
    let output = try OutputDirectory(path: recipe.publish.path, key: key)
    let bytes = files.reduce(0) { $0 + $1.status.size }
    events(.began(stage: "publish", shards: files.count, bytes: bytes, samples: job.kept.rows.count))
    let packed = try job.run(output.staging, workspace: workspace.path, events)
    for notice in packed.notices { events(.notice(notice)) }
    var manifest = PublishManifest(key: key, recipe.publish, shards: packed.shards, fields, job.added)
    guard recipe.publish.format == .columns || manifest.samples == job.kept.rows.count else {
      throw PipelineError(
        .internalError, "\(job.kept.rows.count) samples are kept, but \(manifest.samples) published")
    }
    manifest.columns = job.table?.columns
    try sidecars.write(
      &manifest, packed.files, fields: job.plan.names(beside: job.added.keys), pictures: job.plan.imageNames,
      account,
      staging: output.staging)
    try workspace.recordPublished(key, at: recipe.publish.path)
    try output.commit()
    events(.ended(stage: "publish"))
    return report.adding(manifest)
  }

  /// Refuses a limit that cannot hold what publishing keeps of each sample, the open shard, or the compression.
  private static func checkMemory(_ recipe: Recipe, _ shards: [IngestedShard]) throws {
    let memory = try MemoryPlan(recipe.limits)
    let accepted = shards.reduce(0) { $0 + $1.manifest.accepted }
    let keyBytes = shards.reduce(0) { $0 + Int($1.manifest.files["keys.txt"]?.bytes ?? 0) }
    let index =
      accepted + KeptSamples.memory(accepted: accepted, keyBytes: keyBytes, order: recipe.publish.order)
    let (compression, shard) = recipe.publish.memory(threads: memory.workers)
    let needed = index + compression + shard
    guard needed <= recipe.limits.memory / 2 else {
      throw PipelineError(
        .usage,
        "limits.memory: publishing needs \(ByteSize.needed(2 * needed)) (\(ByteSize.text(index)) for the order of "
          + "\(accepted) samples, \(ByteSize.text(compression)) to compress, \(ByteSize.text(shard)) for a shard), "
          + "the limit is \(ByteSize.text(recipe.limits.memory))")
    }
  }
}

extension PublishReport {
  fileprivate func adding(_ manifest: PublishManifest) -> PublishReport {
    var report = self
    report.samples = manifest.samples
    report.shards = manifest.shards.count
    report.bytes = manifest.shards.reduce(0) { $0 + $1.bytes }
    return report
  }
}
