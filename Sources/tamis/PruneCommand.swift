import ArgumentParser
import Pipeline
import Prune

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Third stage of run, or the whole pruning on bare arrays.",
    discussion: """
      With --image-embeddings everything is given by flags and written to -o; otherwise by the recipe, into the
      workspace. Stages run in the order filter, domain, dedup, score, reference, concepts; a stage without flags
      does not run.

      Embeddings are FILE.npy, FILE.npz:NAME, DIR:NAME (every .npz of a DataComp pool, by name), or a clip-retrieval
      folder (docs/embeddings.md).

      Examples:
        tamis prune recipe.yaml -w ws
        tamis prune --image-embeddings img.npy --keys keys.txt --dedup-epsilon 0.07 --keep 0.4 -o pruned
        tamis prune --image-embeddings img.npy --text-embeddings txt.npy --score-keep 0.3 -o pruned
        tamis prune --image-embeddings img.npy --keep 0.4 --what-if -o pruned
        tamis prune --image-embeddings pool:l14_img --text-embeddings pool:l14_txt --score-keep 0.3 -o pruned
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var logging: LogOptions
  @OptionGroup(title: "Arrays") var arrays: ArrayOptions
  @OptionGroup(title: "Stages") var stages: StageOptions

  @Option(name: .shortAndLong, help: "Directory to write (with --image-embeddings).")
  var output: String?

  @Option(help: "Memory limit (with --image-embeddings).")
  var memory = ByteSizeArgument(bytes: Recipe.Limits().memory)

  @Flag(help: "Rows that are not of unit length are an error.")
  var strict = false

  @Flag(
    help:
      "Print what other temperatures and fractions would do to the quotas; with a workspace, nothing else.")
  var whatIf = false

  func validate() throws {
    if arrays.imageEmbeddings == nil {
      guard !stages.isGiven, stages.seed == nil, stages.iterations == nil, output == nil else {
        throw ValidationError(
          "Stage flags and -o need --image-embeddings; a workspace is pruned by its recipe.")
      }
    } else {
      guard output != nil else { throw ValidationError("Give a directory to write with -o.") }
      guard options.recipe == nil, options.workspace == nil else {
        throw ValidationError("Give either a recipe or --image-embeddings.")
      }
      guard !whatIf || stages.hasConcepts else {
        throw ValidationError("--what-if needs --keep or --keep-count.")
      }
      guard stages.isGiven else {
        throw ValidationError(
          "Nothing to do: give --filter, --domain, --dedup-..., --score-..., --reference-rule, --keep or --keep-count."
        )
      }
    }
  }

  func run() throws {
    let report: PruneReport
    if let image = arrays.imageEmbeddings, let output {
      try stages.check(arrays)
      var settings = try stages.settings(hasReference: !arrays.reference.isEmpty)
      settings.strictNorms = strict
      settings.threads = options.jobs ?? Recipe.Limits.defaultJobs
      var request = ArrayPrune.Request(image: image, output: output, settings: settings, memory: memory.bytes)
      arrays.apply(to: &request)
      request.dedupFrom = stages.dedupFrom
      (request.filter, request.columns) = (try stages.filter.map { try SampleFilter($0) }, stages.columns)
      request.domain = stages.domains.domain.map { ($0, stages.domains.rule(seed: settings.seed)) }
      report = try ArrayPrune.run(request, events: logging.log.handler)
      if whatIf, let concepts = settings.concepts {
        print(WhatIfTable.text(try ConceptOutlook.lines(output + "/concepts", concepts)))
      }
    } else {
      let (recipe, path) = try options.load()
      let workspace = try Workspace(path: path)
      try workspace.checkIsNoStreams()
      if whatIf {
        print(WhatIfTable.text(try ConceptOutlook.lines(recipe, in: workspace)))
        return
      }
      report = try PruneStage.run(recipe, in: workspace, events: logging.log.handler)
      var fitted = FitReport()
      try Fit.runAfterPruning(recipe, in: workspace, &fitted, events: logging.log.handler)
    }
    if !logging.quiet {
      print(Summary.text(report) ?? "The recipe prunes nothing: \(report.samples) samples kept.")
    }
  }
}

/// The arrays of `prune --image-embeddings`.
struct ArrayOptions: ParsableArguments {
  @Option(help: "(n, d) rows of f2, f4 or f8: .npy, FILE.npz:NAME, DIR:NAME or a clip-retrieval folder.")
  var imageEmbeddings: String?
  @Option(help: "(n, t) caption rows.")
  var textEmbeddings: String?
  @Option(help: "(n, t) image rows in the captions' space. Default: the image rows, where the sizes agree.")
  var jointEmbeddings: String?
  @Option(help: "Keys, one a line.")
  var keys: String?
  @Option(help: "DataComp uids, [('f0', '<u8'), ('f1', '<u8')].")
  var uids: String?
  @Option(help: "(n,) scores instead of the dot product of captions and images.")
  var scoreColumn: String?
  @Option(help: "(q, d) reference rows; may be repeated, a set each.")
  var reference: [String] = []
  @Option(
    help: "(q,) largest similarity allowed with each reference row (rule gap); one for each --reference.")
  var gap: [String] = []
  @Option(help: "(k, d) concept centroids: no k-means.")
  var centroids: String?
  @Option(help: "(m, d) centroids of the near-duplicate stage: no k-means.")
  var dedupCentroids: String?

  func validate() throws {
    if keys != nil, uids != nil { throw ValidationError("Give either --keys or --uids.") }
  }

  func apply(to request: inout ArrayPrune.Request) {
    (request.text, request.joint, request.keys, request.uids) = (textEmbeddings, jointEmbeddings, keys, uids)
    (request.scores, request.references, request.gaps) = (scoreColumn, reference, gap)
    (request.conceptCentroids, request.dedupCentroids) = (centroids, dedupCentroids)
  }
}
