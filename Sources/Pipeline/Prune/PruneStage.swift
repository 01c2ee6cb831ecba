import Algebra
public import Prune
import Shards

/// What pruning did.
public struct PruneReport: Sendable, Equatable {
  /// Rows in = kept + dropped.
  public var samples = 0
  public var kept = 0
  /// Dropped rows by reason; reasons that did not occur are absent.
  public var dropped: [Reason: Int] = [:]
  public var concepts: [ConceptLine] = []
  /// Whether the recipe has any stage; without one nothing is dropped.
  public var isActive = false
  public var wasCurrent = false

  public init() {}

  /// One concept, for people.
  public struct ConceptLine: Sendable, Equatable {
    public var cluster: Int
    public var size: Int
    public var complexity: Double
    public var target: Double
    public var quota: Int
  }

  mutating func count(_ verdicts: some Sequence<Verdict>) {
    for verdict in verdicts {
      samples += 1
      if verdict.kept { kept += 1 } else { dropped[verdict.reason, default: 0] += 1 }
    }
  }

  mutating func note(_ model: ConceptModel?) {
    guard let model else { return }
    concepts = model.size.indices.map {
      ConceptLine(
        cluster: $0, size: model.size[$0], complexity: model.complexity[$0], target: model.target[$0],
        quota: model.quota[$0])
    }
  }
}

/// `verdicts/manifest.json`.
struct VerdictManifest: Codable, Equatable {
  var tamis = tamisVersion
  /// Hash of the recipe part, the embeddings and the keys; verdicts are current when it is equal.
  var key: String
  var samples: Int
  var kept: Int
  /// `duplicate` → count.
  var dropped: [String: Int]
  /// SHA-256 of each verdict file.
  var files: [String: String]
  /// Rows with a score below this were dropped; nil without that stage.
  var scoreCut: Double?
  /// That another limit of the near-duplicates can be applied to the similarities in the verdicts.
  var matches: StoredMatches?
  /// What made the rows that were decided on, by column.
  var encoders: [String: String]?

  enum CodingKeys: String, CodingKey {
    case tamis, key, samples, kept, dropped, files, encoders, matches
    case scoreCut = "score_cut"
  }
}

/// The third stage: embeddings → a verdict for every row.
public enum PruneStage {
  static let formatVersion = 1

  /// Brings `verdicts/`, `models/concepts` and `models/dedup` up to date.
  public static func run(
    _ recipe: Recipe, in workspace: borrowing Workspace, events: @escaping EventHandler
  ) throws -> PruneReport {
    let shards = try workspace.ingestedShards()
    let key = try stageKey(recipe, shards)
    var report = PruneReport()
    report.isActive = recipe.prune.isActive
    let directory = workspace.path + "/verdicts"
    if try isCurrent(recipe, key, workspace) {
      report.wasCurrent = true
      for shard in shards { report.count(try VerdictFile.read(directory + "/\(shard.name).npy")) }
      report.note(try ConceptFiles.read(workspace.path + "/models/concepts"))
      return report
    }
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "prune", shards: shards.count, bytes: 0, samples: total))
    let decided = try decideAll(recipe, shards, workspace, &report, events)
    report.count(decided.verdicts)
    guard report.samples == total, report.kept + report.dropped.values.reduce(0, +) == total else {
      throw PipelineError(.internalError, "samples in are not kept + dropped")
    }
    try write(decided, report, recipe, shards, key, workspace.path)
    events(.ended(stage: "prune"))
    return report
  }

  /// Makes the models anew, on the shards that are visible, and leaves the verdicts as they are: a stream's next plan.
  static func refit(
    _ recipe: Recipe, in workspace: borrowing Workspace, events: @escaping EventHandler
  ) throws -> PruneReport {
    let shards = try workspace.ingestedShards()
    var report = PruneReport()
    report.isActive = recipe.prune.isActive
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "prune", shards: shards.count, bytes: 0, samples: total))
    let decided = try decideAll(recipe, shards, workspace, &report, events)
    report.count(decided.verdicts)
    guard var manifest = try manifest(in: workspace.path) else {
      throw PipelineError(.badData, "\(workspace.path): there are no verdicts")
    }
    (manifest.scoreCut, manifest.matches) = (decided.scoreCut, nil)
    try AtomicFile.write(try JSON.file(manifest), to: workspace.path + "/verdicts/manifest.json")
    events(.ended(stage: "prune"))
    return report
  }

  /// What the stages decide of all rows, in workspace order.
  private struct Decided {
    var verdicts: [Verdict]
    var scoreCut: Double?
    /// Nil where no near-duplicates were looked for.
    var matchesKey: String?
  }

  /// Runs the stages, and writes their models.
  private static func decideAll(
    _ recipe: Recipe, _ shards: [IngestedShard], _ workspace: borrowing Workspace,
    _ report: inout PruneReport,
    _ events: @escaping EventHandler
  ) throws -> Decided {
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    var verdicts = [Verdict](repeating: Verdict(), count: total)
    var scoreCut: Double?
    var drops: [Reason]?
    var matchesKey: String?
    if let filter = recipe.prune.filter {
      drops = try filtered(FilterColumns.workspace(filter, recipe.features), recipe, shards, workspace)
      for (row, reason) in drops!.enumerated() where reason != .kept { verdicts[row].drop(reason) }
      for text in try recipe.prune.jsonFields?.notices(shards, workspace) ?? [] { events(.notice(text)) }
    }
    var domain: DomainStage.Result?
    if let rule = recipe.prune.domain, total > 0 {
      domain = try DomainStage.run(
        rule, shards, workspace, drops: drops, threads: MemoryPlan(recipe.limits).workers)
      events(.notice(domain!.notice))
      drops = domain!.decision.drops
    }
    try DomainPlan.write(domain, to: workspace.path)
    if recipe.prune.needsImages, total > 0 {
      matchesKey = try self.matchesKey(recipe, drops, shards)
      let result = try decide(recipe, drops, matchesKey, shards, workspace, events)
      try writeModels(result, recipe, shards, workspace)
      (verdicts, scoreCut) = (result.verdicts, result.scoreCut)
      report.note(result.concepts)
    } else {
      for model in ["concepts", "dedup", "reference"] {
        try Directory.remove(workspace.path + "/models/" + model)
      }
    }
    return Decided(verdicts: verdicts, scoreCut: scoreCut, matchesKey: matchesKey)
  }

  /// The manifest of the verdicts of the workspace at `path`; nil if there are none.
  static func manifest(in path: String) throws -> VerdictManifest? {
    guard let bytes = try readFile(path + "/verdicts/manifest.json") else { return nil }
    return try? JSON.decode(VerdictManifest.self, from: bytes)
  }

  /// Whether the verdicts are those of `key`, whole, with the models behind them.
  private static func isCurrent(
    _ recipe: Recipe, _ key: String, _ workspace: borrowing Workspace
  ) throws -> Bool {
    guard let manifest = try manifest(in: workspace.path), manifest.key == key else { return false }
    for (name, sha256) in manifest.files {
      let path = workspace.path + "/verdicts/" + name
      guard try FileStatus(path: path) != nil, try FileDigest(path: path).sha256 == sha256 else {
        return false
      }
    }
    guard manifest.samples > 0 else { return true }
    let models = [("dedup", recipe.prune.dedup != nil), ("concepts", recipe.prune.concepts != nil)]
    for (name, isWanted) in models where isWanted {
      guard try ConceptFiles.manifest(workspace.path + "/models/" + name) != nil else { return false }
    }
    if recipe.prune.domain != nil {
      guard try DomainPlan.read(workspace.path) != nil else { return false }
    }
    if recipe.prune.reference != nil {
      return try ReferenceFiles.manifest(workspace.path + "/models/reference")?.key == key
    }
    return true
  }

  /// What the filter drops, over all shards.
  private static func filtered(
    _ filter: FilterColumns, _ recipe: Recipe, _ shards: [IngestedShard], _ workspace: borrowing Workspace
  ) throws -> [Reason] {
    var drops: [Reason] = []
    for shard in shards {
      let kept = try filter.keeps(
        shard: workspace.columns(shard.name), recipe.features, rows: shard.manifest.accepted)
      drops += kept.map { $0 ? .kept : .filter }
    }
    return drops
  }

  private static func writeModels(
    _ result: PruneResult, _ recipe: Recipe, _ shards: [IngestedShard], _ workspace: borrowing Workspace
  ) throws {
    let key = try stageKey(recipe, shards, naming: false)
    func manifest(_ centroids: EmbeddingMatrix) -> ConceptManifest {
      ConceptManifest(
        key: key, clusters: centroids.rows, dimension: centroids.dimension,
        rule: (recipe.prune.concepts?.rule ?? .hard).rawValue, seed: 0, duplicateAbove: result.dedupCut,
        encoder: shards.first?.manifest.encoders["image"] ?? "", openblasKernel: OpenBLAS.coreName)
    }
    let models = workspace.path + "/models/"
    if let concepts = result.concepts {
      try ConceptFiles.write(concepts, manifest(concepts.centroids), to: models + "concepts")
    } else {
      try Directory.remove(models + "concepts")
    }
    if let centroids = result.dedupCentroids {
      try ConceptFiles.write(dedup: centroids, manifest(centroids), to: models + "dedup")
    } else {
      try Directory.remove(models + "dedup")
    }
  }

  private static func write(
    _ decided: Decided, _ report: PruneReport, _ recipe: Recipe, _ shards: [IngestedShard], _ key: String,
    _ workspace: String
  ) throws {
    let directory = try AtomicDirectory(path: workspace + "/verdicts")
    var files: [String: String] = [:]
    var start = 0
    for shard in shards {
      let end = start + shard.manifest.accepted
      try VerdictFile.write(decided.verdicts[start..<end], to: directory.temporary + "/\(shard.name).npy")
      files[shard.name + ".npy"] = try FileDigest(path: directory.temporary + "/\(shard.name).npy").sha256
      start = end
    }
    try directory.write(Array(shards.map { $0.name + "\n" }.joined().utf8), as: "shards.txt")
    let dropped = Dictionary(uniqueKeysWithValues: report.dropped.map { ("\($0.key)", $0.value) })
    let used = recipe.prune.needsImages ? ["image"] + (recipe.prune.needsScores ? scoreColumns : []) : []
    let made = shards.first { $0.manifest.accepted > 0 }?.manifest.encoders ?? [:]
    let centroids = workspace + "/models/dedup/centroids.npy"
    var matches: StoredMatches?
    if let matchesKey = decided.matchesKey, try FileStatus(path: centroids) != nil {
      matches = StoredMatches(
        key: matchesKey, centroids: try FileDigest(path: centroids).sha256,
        verdicts: shards.map { files[$0.name + ".npy"]! })
    }
    let manifest = VerdictManifest(
      key: key, samples: report.samples, kept: report.kept, dropped: dropped, files: files,
      scoreCut: decided.scoreCut, matches: matches,
      encoders: made.filter { used.contains($0.key) })
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// Hash of all that decides the verdicts; without the names of the shards, of all that decides the models.
  static func stageKey(
    _ recipe: Recipe, _ shards: [IngestedShard], naming: Bool = true
  ) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var prune: Recipe.Prune
      var reference: String?
      var domain: String?
      var shards: [[String]]
    }
    var prune = recipe.prune
    let reference = try prune.reference.map(ReferenceSets.digest)
    prune.reference?.files = []
    prune.reference?.gaps = []
    let domain = try prune.domain.map { try DomainHeadFile.digest($0.head) }
    prune.domain?.head = ""
    let measured =
      (prune.filter == nil ? [] : ["samples.npy", "quality.npy"])
      + (prune.jsonFields == nil ? [] : [JSONFields.file])
    let files =
      ["keys.txt"] + (prune.needsImages ? ["image.npy"] : []) + measured
      + (prune.needsScores ? scoreColumns.map { $0 + ".npy" } : [])
    var parts = shards.map { shard in
      (naming ? [shard.name] : []) + files.map { shard.manifest.files[$0]?.sha256 ?? "" }
    }
    if !naming { parts.sort { $0.lexicographicallyPrecedes($1) } }
    return sha256(
      try JSON.line(
        Parts(
          version: formatVersion, prune: prune, reference: reference, domain: domain, shards: parts)))
  }
}
