import Decode
import Shards

/// `metadata/metadata_<p>.jsonl`: keys and captions, a line for each row of the arrays.
struct ExportMetadata {
  let shards: [IngestedShard]
  let isKept: (_ shard: Int, _ row: Int) -> Bool
  let parts: ExportParts
  let events: EventHandler

  /// A line, under the names of clip-retrieval's columns.
  private struct Line: Encodable {
    var key: String
    var caption: String?

    enum CodingKeys: String, CodingKey {
      case key = "image_path"
      case caption
    }
  }

  /// - Parameter files: the input shards, for the captions; nil leaves the captions out.
  func write(
    to directory: String, _ files: [ShardFile]?, _ recipe: Recipe, _ workspace: borrowing Workspace
  ) throws {
    var lines = try PartedFile(parts, directory + "/metadata", "metadata", ".jsonl")
    if let files {
      try read(files, recipe, workspace, into: &lines)
    } else {
      for (index, shard) in shards.enumerated() {
        let keys = try KeyFile.keys(workspace.columns(shard.name) + "/keys.txt")
        guard keys.count == shard.manifest.accepted else {
          throw PipelineError(
            .badData, "\(workspace.columns(shard.name)): keys and rows do not fit; ingest this shard again")
        }
        for (row, key) in keys.enumerated() where isKept(index, row) {
          try lines.append(try JSON.line(Line(key: String(decoding: key, as: UTF8.self)))[...])
        }
      }
    }
    try lines.finish()
  }

  /// The same with captions: the text as stored, repaired as the recipe says; empty where there is none.
  private func read(
    _ files: [ShardFile], _ recipe: Recipe, _ workspace: borrowing Workspace, into lines: inout PartedFile
  ) throws {
    let limits = try MemoryPlan(recipe.limits).shardLimits
    var samples = 0
    var bytes: UInt64 = 0
    for (index, shard) in shards.enumerated() {
      defer { bytes += shard.manifest.input.bytes }
      guard (0..<shard.manifest.accepted).contains(where: { isKept(index, $0) }) else { continue }
      var feed = try SampleFeed(
        files[index], shard.manifest, limits: limits, input: recipe.input, workspace: workspace.path)
      while let (row, sample) = try feed.nextAccepted() {
        guard isKept(index, row) else { continue }
        let line = Line(
          key: String(decoding: sample.key, as: UTF8.self),
          caption: Self.caption(sample, recipe.decode.onBadCaption))
        try lines.append(try JSON.line(line)[...])
        samples += 1
        events(.progress(samples: samples, bytes: bytes))
      }
    }
  }

  private static func caption(_ sample: Sample, _ policy: CaptionPolicy) -> String {
    guard let field = sample.field([captionField]) else { return "" }
    guard policy == .replace else { return String(decoding: sample.bytes[field.range], as: UTF8.self) }
    return String(decoding: repairedCaption(sample.bytes[field.range]), as: UTF8.self)
  }
}
