import ArgumentParser
import Pipeline
import Prune

/// `--score-rule`.
enum ScoreRule: String, ExpressibleByArgument, CaseIterable { case exact, datacomp }
/// `--rule`.
enum ConceptRule: String, ExpressibleByArgument, CaseIterable { case hard, easy, random }
/// `--reference-rule`.
enum ReferenceRule: String, ExpressibleByArgument, CaseIterable { case near, far, gap }

/// The stages of `prune --image-embeddings`.
struct StageOptions: ParsableArguments {
  @Option(help: "Drop rows more similar than 1 - e to an earlier row of their cluster.")
  var dedupEpsilon: Double?
  @Option(help: "Keep this fraction, the least duplicated.")
  var dedupKeep: Double?
  @Option(
    help:
      "Directory of an earlier run: its similarities are used, for another limit. -o itself is looked at anyway."
  )
  var dedupFrom: String?
  @Option(help: "Clusters within which rows are compared: a number or auto (n/8800).")
  var dedupClusters: ClusterCount?
  @Option(help: "Who comes first in a cluster, and stays: hard, easy, random or score.")
  var dedupRule: PruneSettings.Rule?

  @Option(help: "Keep this fraction, the best image-text scores.")
  var scoreKeep: Double?
  @Option(help: "Keep scores of at least this.")
  var scoreMin: Double?
  @Option(help: "exact, or datacomp: the threshold is the (n·f + 1)-th score and ties stay.")
  var scoreRule = ScoreRule.exact

  @Option(help: "near: drop the nearest; far: keep the nearest; gap: drop those closer than --gap allows.")
  var referenceRule: ReferenceRule?
  @Option(help: "Fraction kept by near and far.")
  var referenceKeep: Double?

  @Option(help: "Concepts: a number or auto (square root of n, at most 100).")
  var clusters: ClusterCount?
  @Option(help: "Nearest other centroids in the distance between concepts.")
  var neighbours: Int?
  @Option(help: "Temperature of the softmax over complexities.")
  var temperature: Double?
  @Option(help: "Least share of an even split that each concept keeps, 0 to 1.")
  var balance: Double?
  @Option(help: "Fraction kept by the concepts stage.")
  var keep: Double?
  @Option(help: "Number kept by the concepts stage.")
  var keepCount: Int?
  @Option(help: "Which rows of a concept stay: hard (farthest from the centroid), easy or random.")
  var rule: ConceptRule?
  @Option(help: "What a concept's quota follows: complexity, uniform (the same for all) or size.")
  var quotas: PruneSettings.Concepts.QuotaRule?
  @Flag(
    help:
      "Quotas as the published script makes them; temperature and balance 0.5 unless given (docs/pruning.md)."
  )
  var official = false
  @Option(help: "Rounds of k-means (100).")
  var iterations: Int?
  @Option(help: "Seed (0).")
  var seed: UInt64?

  @Option(help: "Keep what passes, such as 'min(width, height) >= 200'; needs --columns (docs/filters.md).")
  var filter: String?
  @Option(help: "A structured array (n,) whose fields --filter reads, such as samples.npy; may be repeated.")
  var columns: [String] = []
  @OptionGroup var domains: DomainOptions

  private var hasDedup: Bool { dedupEpsilon != nil || dedupKeep != nil }
  var hasConcepts: Bool { keep != nil || keepCount != nil }
  var isGiven: Bool {
    hasDedup || scoreKeep != nil || scoreMin != nil || referenceRule != nil || hasConcepts || filter != nil
      || domains.domain != nil
  }

  func validate() throws {
    if let filter {
      do throws(FilterError) { _ = try SampleFilter(filter) } catch {
        throw ValidationError("--filter: \(error.description)")
      }
    }
    if (filter == nil) != columns.isEmpty { throw ValidationError("--filter and --columns belong together.") }
    if dedupEpsilon != nil, dedupKeep != nil {
      throw ValidationError("Give either --dedup-epsilon or --dedup-keep.")
    }
    if !hasDedup, dedupFrom != nil || dedupClusters != nil || dedupRule != nil {
      throw ValidationError("The dedup stage needs --dedup-epsilon or --dedup-keep.")
    }
    if scoreKeep != nil, scoreMin != nil { throw ValidationError("Give either --score-keep or --score-min.") }
    if scoreRule == .datacomp, scoreKeep == nil {
      throw ValidationError("--score-rule datacomp needs --score-keep.")
    }
    if keep != nil, keepCount != nil { throw ValidationError("Give either --keep or --keep-count.") }
    if !hasConcepts,
      clusters != nil || neighbours != nil || temperature != nil || balance != nil || rule != nil
        || quotas != nil || official
    {
      throw ValidationError("The concepts stage needs --keep or --keep-count.")
    }
  }

  /// An array without the stage that reads it is a mistake.
  func check(_ arrays: ArrayOptions) throws {
    let unused: [(String, Bool, String)] = [
      ("--centroids", arrays.centroids != nil && !hasConcepts, "--keep or --keep-count"),
      ("--dedup-centroids", arrays.dedupCentroids != nil && !hasDedup, "--dedup-epsilon or --dedup-keep"),
      ("--gap", !arrays.gap.isEmpty && referenceRule != .gap, "--reference-rule gap"),
      (
        "--score-column",
        arrays.scoreColumn != nil && scoreKeep == nil && scoreMin == nil && dedupRule != .score,
        "--score-keep or --score-min"
      ),
    ]
    for (flag, isUnused, need) in unused where isUnused {
      throw PipelineError(.usage, "\(flag) needs \(need)")
    }
  }

  /// The flags as settings; values are checked by `prune` itself, all at once.
  func settings(hasReference: Bool) throws -> PruneSettings {
    var settings = PruneSettings()
    settings.iterations = iterations ?? settings.iterations
    settings.seed = seed ?? settings.seed
    if hasDedup {
      var dedup = PruneSettings.Dedup()
      dedup.limit = dedupKeep.map { .keep($0) } ?? .epsilon(dedupEpsilon!)
      dedup.clusters = dedupClusters?.number
      dedup.rule = dedupRule ?? .hard
      settings.dedup = dedup
    }
    if let scoreKeep { settings.score = scoreRule == .datacomp ? .dataComp(scoreKeep) : .keep(scoreKeep) }
    if let scoreMin { settings.score = .minimum(scoreMin) }
    if let referenceRule {
      guard hasReference else { throw PipelineError(.usage, "--reference-rule needs --reference") }
      guard referenceRule != .gap || referenceKeep == nil else {
        throw PipelineError(.usage, "--reference-keep: rule gap keeps what no gap forbids")
      }
      guard referenceRule == .gap || referenceKeep != nil else {
        throw PipelineError(
          .usage, "--reference-rule \(referenceRule.rawValue) needs --reference-keep")
      }
      switch referenceRule {
      case .near: settings.reference = .near(keep: referenceKeep!)
      case .far: settings.reference = .far(keep: referenceKeep!)
      case .gap: settings.reference = .gap
      }
    } else if hasReference {
      throw PipelineError(.usage, "--reference needs --reference-rule near, far or gap")
    }
    if hasConcepts {
      var concepts = PruneSettings.Concepts()
      concepts.limit = keepCount.map { .count($0) } ?? .keep(keep!)
      concepts.clusters = clusters?.number
      concepts.neighbours = neighbours ?? concepts.neighbours
      concepts.official = official
      concepts.quotas = quotas ?? .complexity
      if official {
        concepts.temperature = PruneSettings.Concepts.officialTemperature
        concepts.balance = PruneSettings.Concepts.officialBalance
      }
      concepts.temperature = temperature ?? concepts.temperature
      concepts.balance = balance ?? concepts.balance
      concepts.rule = rule.flatMap { PruneSettings.Rule(rawValue: $0.rawValue) } ?? .hard
      settings.concepts = concepts
    }
    return settings
  }
}
