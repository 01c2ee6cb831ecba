import Decode
import Shards

/// `tamis export`: rows, keys and captions of a workspace's samples → a clip-retrieval folder.
///
/// Rows stand in the order of the columns: shards bytewise by name, in each as they were accepted.
public enum Export {
  public struct Request: Sendable {
    /// The directory to write.
    public var output: String
    /// Takes what pruning dropped too.
    public var takesAll = false
    /// Reads the input shards once more for the captions.
    public var readsCaptions = true
    /// Most rows of a part.
    public var rowsPerPart = 1_000_000

    public init(output: String) { self.output = output }
  }

  public struct Report: Sendable, Equatable {
    /// Rows written.
    public var samples = 0
    public var parts = 0
    public var dimension = 0
    /// Of the captions' rows; nil without them.
    public var textDimension: Int?
    public var hasCaptions = false
  }

  /// Writes `img_emb`, `text_emb` where captions are embedded, `metadata` and `export.json`, by one rename at the end.
  ///
  /// The rows are `<f2`, as stored. Where images have rows in the captions' space besides (`joint.npy`), those are
  /// written: readers of such folders compare the two.
  ///
  /// - Throws: ``PipelineError`` (usage) when rows are missing or not alike, verdicts are stale, or the directory holds
  ///   anything but an earlier export; (temporary) when a shard changed since it was ingested.
  public static func run(
    _ request: Request, _ recipe: Recipe, in workspace: borrowing Workspace, events: @escaping EventHandler
  ) throws -> Report {
    let output = try ExportDirectory.check(request.output)
    let shards = try workspace.ingestedShards()
    let filled = shards.filter { $0.manifest.accepted > 0 }
    guard !filled.isEmpty else { throw PipelineError(.badData, "no sample was accepted: nothing to export") }
    try PruneStage.checkEmbedded(filled)
    let verdicts = request.takesAll ? nil : try Verdicts(shards, recipe, workspace)
    let isKept = { (shard: Int, row: Int) in verdicts?.isKept(shard: shard, row: row) ?? true }

    let kept = shards.indices.reduce(0) { sum, shard in
      sum + (0..<shards[shard].manifest.accepted).count { isKept(shard, $0) }
    }
    let parts = ExportParts(rows: kept, perPart: request.rowsPerPart)
    let hasText = isUniform("text", filled)
    let image = hasText && isUniform("joint", filled) ? "joint" : "image"
    var report = Report(samples: kept, parts: parts.count)

    let directory = try AtomicDirectory(path: output)
    events(.began(stage: "export", shards: shards.count, bytes: 0, samples: kept))
    report.dimension = try copy(image, shards, isKept, parts, directory.temporary, "img_emb", workspace)
    if hasText {
      report.textDimension = try copy(
        "text", shards, isKept, parts, directory.temporary, "text_emb", workspace)
    }
    let metadata = ExportMetadata(shards: shards, isKept: isKept, parts: parts, events: events)
    let files = try request.readsCaptions ? inputs(of: shards, recipe, workspace, events) : nil
    report.hasCaptions = files != nil
    try metadata.write(to: directory.temporary, files, recipe, workspace)
    let manifest = ExportDirectory.Manifest(
      samples: kept, parts: parts.count, image: image, text: hasText, captions: report.hasCaptions)
    try directory.write(try JSON.file(manifest), as: ExportDirectory.manifest)
    try directory.commit()
    events(.ended(stage: "export"))
    return report
  }

  /// Whether all shards have a column that one encoder made.
  private static func isUniform(_ column: String, _ shards: [IngestedShard]) -> Bool {
    shards.allSatisfy { $0.manifest.files[column + ".npy"] != nil }
      && Set(shards.map { $0.manifest.encoders[column] }).count == 1
  }

  /// Copies the kept rows of a column, in blocks.
  ///
  /// - Returns: values of a row.
  private static func copy(
    _ column: String, _ shards: [IngestedShard], _ isKept: (Int, Int) -> Bool, _ parts: ExportParts,
    _ directory: String, _ name: String, _ workspace: borrowing Workspace
  ) throws -> Int {
    let first = shards.first { $0.manifest.accepted > 0 }!
    let dimension = try NpyReader(path: workspace.columns(first.name) + "/\(column).npy").rowItems
    var file = try PartedFile(parts, directory + "/" + name, name, ".npy") {
      NpyHeader(type: .float16, shape: [$0, dimension]).bytes()
    }
    for (index, shard) in shards.enumerated() where shard.manifest.accepted > 0 {
      let path = workspace.columns(shard.name) + "/\(column).npy"
      let reader = try NpyReader(path: path)
      guard reader.type == .float16, reader.shape == [shard.manifest.accepted, dimension] else {
        throw NpyError(
          path: path, "not \(shard.manifest.accepted) rows of \(dimension) half-precision values")
      }
      let size = reader.rowBytes
      let block = max(1, blockBytes / size)
      for start in stride(from: 0, to: reader.rowCount, by: block) {
        let rows = start..<min(start + block, reader.rowCount)
        guard rows.contains(where: { isKept(index, $0) }) else { continue }
        let bytes = try reader.rows(rows)
        for row in rows where isKept(index, row) {
          try file.append(bytes[(row - start) * size..<(row - start + 1) * size])
        }
      }
    }
    try file.finish()
    return dimension
  }

  /// Bytes of rows that are read at once.
  private static let blockBytes = 4 << 20

  /// The input shards of the columns, in their order; nil, with a notice, when one is no longer there.
  private static func inputs(
    of shards: [IngestedShard], _ recipe: Recipe, _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws -> [ShardFile]? {
    let found: ShardSet
    do { found = try ShardSet.find(recipe.input, workspace: workspace.path) } catch let error as PipelineError
    {
      events(.notice("captions are left out: \(error)"))
      return nil
    }
    let files = Dictionary(uniqueKeysWithValues: found.shards.map { ($0.name, $0) })
    if let missing = shards.first(where: { files[$0.name] == nil }) {
      events(.notice("captions are left out: the shard \(missing.name) is not in \(recipe.input.path)"))
      return nil
    }
    return shards.map { files[$0.name]! }
  }
}
