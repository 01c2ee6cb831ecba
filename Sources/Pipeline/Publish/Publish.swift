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
  static let formatVersion = 2

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
    guard recipe.publish.format == .webdataset else {
      throw PipelineError(.usage, "publish.format: \(recipe.publish.format.rawValue) cannot be written yet")
    }
    var files: [ShardFile] = []
    var manifests: [ColumnManifest] = []
    for file in try ShardSet.find(recipe.input, workspace: workspace.path).shards {
      guard let manifest = try workspace.manifest(file.name) else { continue }
      files.append(file)
      manifests.append(manifest)
    }
    guard !files.isEmpty else {
      throw PipelineError(.badData, "nothing was ingested: run `tamis ingest` first")
    }

    let verdicts = try Verdicts(files.map(\.name), manifests, recipe, workspace)
    let fields = try AddedFields(recipe, recipe.addedFields, basis: workspace.path + "/models/pca")
    if fields?.basis != nil {
      guard try Fit.isCurrent(recipe, in: workspace) else {
        throw PipelineError(.usage, "the PCA is older than the columns or the recipe: run `tamis fit` first")
      }
    }
    let key = try publishKey(recipe, manifests, verdicts, fields)
    var report = PublishReport()
    report.path = recipe.publish.path
    switch try OutputDirectory.existing(recipe.publish.path) {
    case .published(let manifest) where manifest.key == key:
      if try OutputDirectory.isIntact(recipe.publish.path, manifest) {
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

    let kept = try KeptSamples(files.map(\.name), order: recipe.publish.order, workspace) {
      verdicts.isKept(shard: $0, row: $1)
    }
    let output = try OutputDirectory(path: recipe.publish.path, key: key)
    let limits = try MemoryPlan(recipe.limits).shardLimits
    let feed = SampleFeed(files, manifests, limits: limits, input: recipe.input, workspace)
    let stored = files.reduce(0) { $0 + $1.status.size }
    events(.began(stage: "publish", shards: files.count, bytes: stored, samples: kept.rows.count))
    var packer = ShardPacker(
      recipe.publish, total: kept.rows.count, output.staging, fields, workspace: workspace.path)
    switch recipe.publish.order {
    case .input:
      try publishInInputOrder(kept, feed, recipe, into: &packer, output, events)
    case .key, .shuffle:
      try publishReordered(kept, feed, recipe, into: &packer, output, workspace.path, events)
    }
    for notice in packer.notices { events(.notice(notice)) }
    let manifest = PublishManifest(
      key: key, format: recipe.publish.format.rawValue, compress: recipe.publish.compress.text,
      samples: kept.rows.count, shards: packer.shards, fields)
    try writeSidecars(manifest, output)
    try workspace.recordPublished(key, at: recipe.publish.path)
    try output.commit()
    events(.ended(stage: "publish"))
    return report.adding(manifest)
  }

  private static func publishInInputOrder(
    _ kept: KeptSamples, _ feed: borrowing SampleFeed, _ recipe: Recipe, into packer: inout ShardPacker,
    _ output: borrowing OutputDirectory, _ events: EventHandler
  ) throws {
    var next = kept.rows.makeIterator()
    var wanted = next.next()
    for shard in kept.shards.indices where wanted?.shard == shard {
      try feed.read(shard: shard) { row, sample in
        guard wanted == KeptSamples.Row(shard: shard, row: row) else { return }
        wanted = next.next()
        try packer.add(output, shard: kept.shards[shard], row: row, events) {
          PublishedSample(sample, onBadCaption: recipe.decode.onBadCaption)
        }
      }
    }
    try packer.finish(events)
  }

  private static func publishReordered(
    _ kept: KeptSamples, _ feed: borrowing SampleFeed, _ recipe: Recipe, into packer: inout ShardPacker,
    _ output: borrowing OutputDirectory, _ workspace: String, _ events: EventHandler
  ) throws {
    let wanted = Set(kept.rows)
    var spool = try SampleSpool(path: workspace + "/.publish-spool")
    for shard in kept.shards.indices {
      try feed.read(shard: shard) { row, sample in
        let row = KeptSamples.Row(shard: shard, row: row)
        guard wanted.contains(row) else { return }
        try spool.add(PublishedSample(sample, onBadCaption: recipe.decode.onBadCaption), at: row)
      }
    }
    try spool.seal()
    for row in kept.rows {
      try packer.add(output, shard: kept.shards[row.shard], row: row.row, events) {
        try spool.sample(at: row)
      }
    }
    try packer.finish(events)
  }

  /// Hash of all that decides the published bytes.
  private static func publishKey(
    _ recipe: Recipe, _ manifests: [ColumnManifest], _ verdicts: Verdicts, _ fields: AddedFields?
  ) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var publish: Recipe.Publish
      /// What to do with captions that are not UTF-8.
      var onBadCaption: String
      /// Hashes of each shard's bytes, keys and kept rows, in the order that decides the output.
      var columns: [String]
      var basis: String?
      var mask: Recipe.Mask?
      var patches: Recipe.Patches?
    }
    var publish = recipe.publish
    publish.path = ""
    var columns = try manifests.enumerated().map { index, manifest in
      let keys = manifest.files["keys.txt"]?.sha256 ?? ""
      let parts = [manifest.input.sha256, keys, verdicts.keptDigest(shard: index)]
      return sha256(try JSON.line(parts + readingParts(manifest.input)))
    }
    if recipe.publish.order != .input { columns.sort() }
    return sha256(
      try JSON.line(
        Parts(
          version: formatVersion, publish: publish, onBadCaption: recipe.decode.onBadCaption.rawValue,
          columns: columns, basis: fields?.basis,
          mask: fields?.basis == nil ? nil : recipe.features.pca?.mask ?? Recipe.Mask(),
          patches: publish.add.contains(.patches) ? recipe.features.patches : nil)))
  }

  /// How a shard was read, where that may change the bytes of samples whose keys stay the same.
  private static func readingParts(_ input: ColumnManifest.Input) -> [String] {
    (input.repeatedKeys > 0 ? [input.duplicates.rawValue] : []) + (input.ignoresZeros ? ["ignore_zeros"] : [])
  }

  /// Files that make the directory a drop-in for trainers (spec/ecosystem.md B1), the manifest last.
  private static func writeSidecars(_ manifest: PublishManifest, _ output: borrowing OutputDirectory) throws {
    let sizes = Dictionary(uniqueKeysWithValues: manifest.shards.map { ($0.name, $0.samples) })
    try output.write(try JSON.file(sizes), as: "sizes.json")
    try output.write(Array("\(manifest.samples)".utf8), as: "__len__")
    try output.write(try JSON.file(manifest), as: "manifest.json")
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
