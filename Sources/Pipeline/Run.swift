/// What a one-shot run did.
public struct RunReport: Sendable, Equatable {
  public var ingest = IngestReport()
  public var fit = FitReport()
  public var prune = PruneReport()
  public var publish = PublishReport()
  /// Wall time.
  public var seconds = 0.0
  /// True when everything was there already.
  public var didNothing: Bool { ingest.shardsKnown == ingest.shards && publish.wasCurrent }

  public init() {}
}

/// The one-shot: ingest → fit → prune → publish over one workspace. A finished stage is not done again; an interrupted one
/// continues.
public enum Run {
  public static func run(
    _ recipe: Recipe, workspace path: String, replacing: Bool, events: @escaping EventHandler
  ) throws -> RunReport {
    let start = ContinuousClock.now
    guard !recipe.publish.path.isEmpty else {
      throw PipelineError(.usage, "publish.path: missing: where should the shards go? (or -o OUT)")
    }
    if try OutputDirectory.existing(recipe.publish.path) == .foreign {
      throw OutputDirectory.foreign(recipe.publish.path)
    }
    try Places.check(recipe, workspace: path)
    try Fit.checkMemory(recipe)
    try ImportedColumn.check(recipe)
    let workspace = try Workspace(path: path)
    try workspace.checkIsNoStreams()
    var report = RunReport()
    report.ingest = try Ingest.run(recipe, in: workspace, events: events)
    let recipe = withoutModels(recipe, accepted: report.ingest.accepted, events)
    report.fit = try Fit.run(recipe, in: workspace, events: events)
    report.prune = try PruneStage.run(recipe, in: workspace, events: events)
    try Fit.runAfterPruning(recipe, in: workspace, &report.fit, events: events)
    report.publish = try Publish.run(recipe, in: workspace, replacing: replacing, events: events)
    let publishesKept = recipe.publish.format != .columns
    guard report.prune.samples == report.ingest.accepted,
      !publishesKept || report.publish.samples == report.prune.kept
    else {
      throw PipelineError(
        .internalError,
        "\(report.ingest.accepted) samples accepted and \(report.prune.kept) of \(report.prune.samples) kept, "
          + "but \(report.publish.samples) published")
    }
    let elapsed = (ContinuousClock.now - start).components
    report.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    return report
  }

  /// Fewer than two samples have no covariance: they are published as they are.
  private static func withoutModels(_ recipe: Recipe, accepted: Int, _ events: EventHandler) -> Recipe {
    let wantsModels = recipe.features.pca != nil || recipe.features.image != nil || recipe.prune.needsImages
    guard accepted < 2, wantsModels || !recipe.publish.add.isEmpty else { return recipe }
    events(.notice("fewer than 2 samples: no PCA, no pruning, no masks"))
    var plain = recipe
    (plain.features.pca, plain.features.image, plain.prune, plain.publish.add) = (
      nil, nil, Recipe.Prune(), []
    )
    return plain
  }
}
