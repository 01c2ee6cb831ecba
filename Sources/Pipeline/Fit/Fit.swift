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
    guard needsPCA(recipe) else {
      return report
    }
    let shards = try workspace.ingestedShards()
    let pca = recipe.features.pca ?? Recipe.PCA()
    let key = try pcaKey(pca, shards)
    let path = workspace.path + "/models/pca"
    if try PCAFiles.manifest(path)?.key == key {
      report.wasCurrent = true
    } else {
      try fitPCA(pca, recipe, shards, key, workspace, saveEvery: interval, events)
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
    return report
  }

  /// Whether `models/pca` is the basis of the recipe and of the columns that are there.
  static func isCurrent(_ recipe: Recipe, in workspace: borrowing Workspace) throws -> Bool {
    let key = try pcaKey(recipe.features.pca ?? Recipe.PCA(), try workspace.ingestedShards())
    return try PCAFiles.manifest(workspace.path + "/models/pca")?.key == key
  }

  /// Names the encoder that made a column: equal names, equal rows.
  static func encoderID(_ path: String) throws -> String {
    "pixels:" + (try PCAFiles.manifest(path)?.basisSHA256 ?? "")
  }

  private static func pcaKey(_ pca: Recipe.PCA, _ shards: [IngestedShard]) throws -> String {
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
          thumbnails: shards.map { $0.manifest.files["thumbnail.npy"]?.sha256 ?? "" }.sorted())))
  }

  private static func needsEncoder(_ recipe: Recipe) -> Bool {
    switch recipe.features.image {
    case .pixels: true
    case nil: recipe.prune.needsImages
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
    _ pca: Recipe.PCA, _ recipe: Recipe, _ shards: [IngestedShard], _ key: String,
    _ workspace: borrowing Workspace, saveEvery interval: Int, _ events: @escaping EventHandler
  ) throws {
    let size = recipe.features.thumbnail.size
    let examples = try PCAPictures.examples(shards, workspace, size: size)
    let path = workspace.path + "/models/pca"
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    // The dual of few images takes seconds: nothing to go on from after a kill.
    guard pca.basis == .full, !PCABasis.prefersDual(count: total, features: 3 * size * size) else {
      let (basis, solver, passes) = try BasisFit(pca, limits: recipe.limits, events: events)
        .fit(WorkspacePixels(shards, workspace, size: size), stage: "fit PCA")
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
