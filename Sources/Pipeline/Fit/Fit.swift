import Algebra
import Features
import Shards

/// What fitting did.
public struct FitReport: Sendable, Equatable {
  /// Samples and components of the PCA; nil if the recipe asks for none.
  public var samples: Int?
  public var components: Int?
  /// Leading components that hold 90 % of the variance.
  public var componentsFor90Percent: Int?
  /// The PCA was there already.
  public var wasCurrent = false
  /// Shards whose embeddings were computed now.
  public var shardsEmbedded = 0
  /// Columns of shards that were filled from files now; nil if the recipe imports none.
  public var columnsImported: Int?
  /// Shards whose captions were embedded now; nil if the recipe asks for none.
  public var shardsWithCaptionsEmbedded: Int?

  public init() {}
}

/// The second stage: models of the pixels, and the embeddings that need them.
public enum Fit {
  static let formatVersion = 2

  /// Counts the n-grams of captions, fits the PCA of the thumbnails, and fills the `text.npy` and `image.npy`
  /// columns or imports them, as far as the recipe needs them.
  ///
  /// - Throws: ``PipelineError``, before any work, when `limits.memory` cannot hold the PCA.
  public static func run(
    _ recipe: Recipe, in workspace: borrowing Workspace, events: @escaping EventHandler
  ) throws -> FitReport {
    try run(recipe, in: workspace, saveEvery: ThumbnailGram.interval, events: events)
  }

  /// The same with another distance between saves of the running sums, in samples.
  package static func run(
    _ recipe: Recipe, in workspace: borrowing Workspace, saveEvery interval: Int,
    events: @escaping EventHandler
  ) throws -> FitReport {
    try checkMemory(recipe)
    var report = FitReport()
    if case .ngrams(let dimensions)? = recipe.features.text {
      report.shardsWithCaptionsEmbedded = try TextColumn.fit(dimensions, recipe, workspace, events)
    }
    report.columnsImported = try ImportedColumn.fill(recipe, workspace, events)
    guard needsPCA(recipe), !isAfterPruning(recipe) else {
      return report
    }
    try fitPCA(recipe, keptBy: nil, workspace, saveEvery: interval, &report, events)
    return report
  }

  /// What is left of fitting once the verdicts are there: the basis of the kept samples (`fit_on: kept`).
  ///
  /// - Parameter report: of ``run(_:in:events:)``; the PCA is added.
  public static func runAfterPruning(
    _ recipe: Recipe, in workspace: borrowing Workspace, _ report: inout FitReport,
    events: @escaping EventHandler
  ) throws {
    guard needsPCA(recipe), isAfterPruning(recipe) else { return }
    try checkMemory(recipe)
    let verdicts = try Verdicts(workspace.ingestedShards(), recipe, workspace)
    try fitPCA(
      recipe, keptBy: verdicts, workspace, saveEvery: ThumbnailGram.interval, &report, events)
  }

  /// Whether the basis waits for the verdicts.
  private static func isAfterPruning(_ recipe: Recipe) -> Bool { recipe.features.pca?.fitOn == .kept }

  private static func fitPCA(
    _ recipe: Recipe, keptBy verdicts: Verdicts?, _ workspace: borrowing Workspace, saveEvery interval: Int,
    _ report: inout FitReport, _ events: @escaping EventHandler
  ) throws {
    let shards = try workspace.ingestedShards()
    let pca = recipe.features.pca ?? Recipe.PCA()
    let key = try pcaKey(pca, shards, keptBy: verdicts)
    let path = workspace.path + "/models/pca"
    if try PCAFiles.manifest(path)?.key == key {
      report.wasCurrent = true
    } else {
      try fitPCA(pca, recipe, shards, keptBy: verdicts, key, workspace, saveEvery: interval, events)
    }
    let basis = try PCAFiles.read(path)
    report.samples = basis.count
    report.components = basis.componentCount
    var share: Float = 0
    // A truncated basis may hold less.
    report.componentsFor90Percent =
      (basis.ratios.firstIndex { ratio in
        share += ratio
        return share >= 0.9
      }.map { $0 + 1 }) ?? (basis.kind == .truncated ? nil : basis.componentCount)
    if needsEncoder(recipe) {
      report.shardsEmbedded = try ImageColumn.fill(
        PixelEncoder(basis: basis), id: try encoderID(path), recipe, shards, workspace, events)
    }
  }

  /// Whether `models/pca` is the basis of the recipe and of the columns that are there.
  static func isCurrent(_ recipe: Recipe, in workspace: borrowing Workspace) throws -> Bool {
    let shards = try workspace.ingestedShards()
    let verdicts = isAfterPruning(recipe) ? try Verdicts(shards, recipe, workspace) : nil
    let key = try pcaKey(recipe.features.pca ?? Recipe.PCA(), shards, keptBy: verdicts)
    return try PCAFiles.manifest(workspace.path + "/models/pca")?.key == key
  }

  /// Names the encoder that made a column: equal names, equal rows.
  static func encoderID(_ path: String) throws -> String {
    "pixels:" + (try PCAFiles.manifest(path)?.basisSHA256 ?? "")
  }

  private static func pcaKey(
    _ pca: Recipe.PCA, _ shards: [IngestedShard], keptBy verdicts: Verdicts?
  ) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var basis: String
      var components: Int?
      var patch: Int?
      var standardize: String
      var thumbnails: [String]
    }
    return sha256(
      try JSON.line(
        Parts(
          version: formatVersion, basis: pca.basis.rawValue, components: pca.components, patch: pca.patch,
          standardize: pca.standardize.rawValue,
          thumbnails: shards.indices.map { shard in
            (shards[shard].manifest.files["thumbnail.npy"]?.sha256 ?? "")
              + (verdicts.map { " " + $0.keptDigest(shard: shard) } ?? "")
          }.sorted())))
  }

  static func needsEncoder(_ recipe: Recipe) -> Bool {
    switch recipe.features.image {
    case .pixels: true
    case nil: recipe.prune.needsImages || recipe.addedFields.contains(.embedding)
    case .efficientnetLite0, .model, .file: false
    }
  }

  private static func needsPCA(_ recipe: Recipe) -> Bool {
    recipe.features.pca != nil || needsEncoder(recipe) || AddedFields.needBasis(recipe.addedFields)
  }

  /// Refuses a memory limit that the PCA would break, before any work (rule 3).
  static func checkMemory(_ recipe: Recipe) throws(PipelineError) {
    guard needsPCA(recipe) else { return }
    let size = recipe.features.thumbnail.size
    try BasisFit(recipe.features.pca ?? Recipe.PCA(), limits: recipe.limits, events: { _ in })
      .checkMemory(PixelShape(height: size, width: size))
  }

  private static func fitPCA(
    _ pca: Recipe.PCA, _ recipe: Recipe, _ shards: [IngestedShard], keptBy verdicts: Verdicts?,
    _ key: String, _ workspace: borrowing Workspace, saveEvery interval: Int, _ events: @escaping EventHandler
  ) throws {
    let size = recipe.features.thumbnail.size
    let examples = try PCAPictures.examples(shards, keptBy: verdicts, workspace, size: size)
    let path = workspace.path + "/models/pca"
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    // The dual of few images takes seconds: nothing to go on from after a kill. Nor is there where only some count.
    guard pca.basis == .full, verdicts == nil, !PCABasis.prefersDual(count: total, features: 3 * size * size)
    else {
      let (basis, solver, passes) = try BasisFit(pca, limits: recipe.limits, events: events)
        .fit(WorkspacePixels(shards, keptBy: verdicts, workspace, size: size), stage: "fit PCA")
      try PCAFiles.write(
        basis, PCAManifest.Origin(key: key, solver: solver, passes: passes), examples: examples, to: path)
      return
    }
    let bytes = UInt64(total * 3 * size * size)
    events(.began(stage: "fit PCA", shards: shards.count, bytes: bytes, samples: total))
    let running = ThumbnailGram(shards, workspace, size: size, interval: interval)
    do {
      let sums = try running.accumulate(threads: try MemoryPlan(recipe.limits).workers, events)
      let basis = try PCABasis.fit(
        try sums.covariance(), standardization: pca.standardize, channels: 3, components: pca.components)
      try PCAFiles.write(
        ComponentBasis(basis, shape: PixelShape(height: size, width: size)), PCAManifest.Origin(key: key),
        examples: examples, to: path)
    } catch let error as PCAError {
      throw PipelineError(.badData, "PCA: \(error.description)")
    }
    try running.forget()
    events(.ended(stage: "fit PCA"))
  }
}
