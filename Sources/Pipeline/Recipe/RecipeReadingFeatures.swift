import Algebra
import Decode
import Features
import Prune
import Shards
import Yams

/// Reading of `features` and `prune`.
extension RecipeFile {
  static func readFeatures(
    _ root: inout RecipeSection, _ features: inout Recipe.Features, _ directory: String
  ) {
    var section = root.section("features")
    if section.has("pca") {
      features.pca = Recipe.PCA()
      var pca = section.section("pca")
      features.thumbnail.size = pca.integer("size", features.thumbnail.size, in: 4...224)
      features.thumbnail.fit = pca.choice("fit", features.thumbnail.fit)
      features.thumbnail.filter = pca.choice("filter", features.thumbnail.filter)
      features.pca!.fitOn = pca.choice("fit_on", .all)
      readBasis(&pca, &features.pca!, size: features.thumbnail.size)
      features.pca!.standardize = pca.choice("standardize", features.pca!.standardize)
      readMask(&pca, &features.pca!.mask)
      pca.finish()
    }
    if section.has("image") {
      features.image = readImageEncoder(&section, directory)
    }
    if section.has("patches") { features.patches = readPatches(&section) }
    features.measuresQuality = section.bool("quality", false)
    features.text = readText(&section, directory)
    section.finish()
  }

  /// The largest side whose D × D eigenproblem LAPACK takes (3·104² = 32 448).
  private static let largestFullSize = 104

  private static func readBasis(_ section: inout RecipeSection, _ pca: inout Recipe.PCA, size: Int) {
    pca.basis = section.choice("basis", pca.basis)
    switch pca.basis {
    case .full:
      if size > largestFullSize {
        section.report(
          "basis", "a full basis goes up to size \(largestFullSize); take separable, dct, truncated or patch")
      }
      if section.string("components", "all") != "all" {
        pca.components = section.integer("components", 1, in: 1...1_000_000)
      }
    case .truncated:
      let most = min(Recipe.PCA.largestTruncated, 3 * size * size)
      let fallback = min(Recipe.PCA.defaultTruncated, most)
      pca.components = section.integer("components", fallback, in: 1...most)
    case .separable, .dct, .patch:
      if section.string("components", "all") != "all" {
        section.report("components", "a \(pca.basis.rawValue) basis has all of them; leave it out or say all")
      }
    }
    guard pca.basis == .patch else {
      if section.has("patch") {
        _ = section.node("patch")
        section.report("patch", "belongs to basis: patch")
      }
      return
    }
    let patch = section.integer("patch", Recipe.PCA.defaultPatch, in: 1...size)
    pca.patch = patch
    if !size.isMultiple(of: patch) {
      section.report("patch", "\(patch) does not divide the size \(size)")
    } else if patch > largestFullSize {
      section.report("patch", "the patch basis goes up to patches of \(largestFullSize)")
    }
  }

  static func readPrune(_ root: inout RecipeSection, _ prune: inout Recipe.Prune, _ directory: String) {
    var section = root.section("prune")
    if section.has("filter") {
      do throws(FilterError) { prune.filter = try SampleFilter(section.string("filter", "true")) } catch {
        section.report("filter", error.description)
      }
    }
    if section.has("domain") { prune.domain = readDomain(&section, directory) }
    if section.has("dedup") { prune.dedup = readDedup(&section) }
    if section.has("score") { prune.score = readScore(&section) }
    if section.has("reference") { prune.reference = readReference(&section, directory) }
    if section.has("concepts") { prune.concepts = readConcepts(&section) }
    section.finish()
    for problem in PruneSettings(prune, calibratedEpsilon: 0, threads: 1).problems() {
      section.report(problem.path, problem.message)
    }
  }

  private static func readDedup(_ root: inout RecipeSection) -> Recipe.Dedup {
    var section = root.section("dedup")
    var dedup = Recipe.Dedup()
    if section.has("keep") {
      dedup.keep = section.number("keep", 1)
      if section.has("epsilon") {
        _ = section.node("epsilon")
        section.report("epsilon", "give either epsilon or keep")
      }
    } else {
      dedup.epsilon = section.numberOrAuto("epsilon")
    }
    dedup.clusters = section.integerOrAuto("clusters", in: 1...10_000_000)
    dedup.rule = section.choice("rule", dedup.rule)
    section.finish()
    return dedup
  }

  private static func readScore(_ root: inout RecipeSection) -> Recipe.Score {
    var section = root.section("score")
    defer { section.finish() }
    var score = Recipe.Score()
    if section.has("min") {
      score.minimum = section.number("min", 0)
      for key in ["keep", "rule"] where section.has(key) {
        _ = section.node(key)
        section.report(key, "belongs to a fraction; give either keep or min")
      }
      return score
    }
    if !section.has("keep") { section.report("keep", "missing: which fraction? Or min, the least score") }
    score.keep = section.number("keep", 1)
    score.rule = section.choice("rule", score.rule)
    return score
  }

  /// A basis of the kept samples, while what is kept depends on the basis.
  static func checkFitOn(_ recipe: Recipe, _ problems: RecipeProblems) {
    guard recipe.features.pca?.fitOn == .kept, Fit.needsEncoder(recipe) else { return }
    problems.add(
      "features.pca.fit_on", "kept needs another features.image than pixels, whose rows come from the basis")
  }

  /// A filter that reads what no column has.
  static func checkFilter(_ recipe: Recipe, _ problems: RecipeProblems) {
    guard let filter = recipe.prune.filter else { return }
    if let fields = recipe.prune.jsonFields, fields.names.count > JSONFields.maximumNames {
      problems.add("prune.filter", "reads more than \(JSONFields.maximumNames) fields of the JSON")
    }
    do throws(PipelineError) { _ = try FilterColumns.workspace(filter, recipe.features) } catch {
      problems.add("prune.filter", error.description)
    }
  }

  /// A stage that needs scores, without captions and images in one space.
  static func checkScores(_ recipe: Recipe, _ problems: RecipeProblems) {
    guard recipe.prune.needsScores else { return }
    if case .minilmConSE? = recipe.features.text { return }
    if recipe.features.shareSpace { return }
    problems.add(
      recipe.prune.score != nil ? "prune.score" : "prune.dedup.rule",
      "needs captions and images in one space: features.text: { encoder: minilm-conse }, or models (or files) for both "
        + "features.image and features.text")
  }

  private static func readReference(_ root: inout RecipeSection, _ directory: String) -> Recipe.Reference {
    var section = root.section("reference")
    var reference = Recipe.Reference()
    reference.files = section.strings("file", []).map { resolve($0, directory) }
    if reference.files.isEmpty { section.report("file", "missing: which reference embeddings?") }
    reference.gaps = section.strings("gap", []).map { resolve($0, directory) }
    reference.rule = section.choice("rule", reference.rule)
    if section.has("keep"), reference.rule == .gap {
      section.report("keep", "rule gap keeps what no gap forbids")
    }
    reference.keep = section.number("keep", reference.keep)
    if reference.rule == .gap ? reference.gaps.count != reference.files.count : !reference.gaps.isEmpty {
      section.report("gap", "rule gap needs one file of gaps for each file of references, other rules none")
    }
    section.finish()
    return reference
  }

  private static func readConcepts(_ root: inout RecipeSection) -> Recipe.Concepts {
    var section = root.section("concepts")
    var concepts = Recipe.Concepts()
    concepts.clusters = section.integerOrAuto("clusters", in: 1...10_000_000)
    concepts.neighbours = section.integer("neighbours", concepts.neighbours, in: 1...10_000_000)
    concepts.official = section.bool("official", concepts.official)
    concepts.quotas = section.choice("quotas", concepts.quotas)
    typealias Official = PruneSettings.Concepts
    concepts.temperature = section.number(
      "temperature", concepts.official ? Official.officialTemperature : concepts.temperature)
    concepts.balance = section.number(
      "balance", concepts.official ? Official.officialBalance : concepts.balance)
    concepts.keep = section.number("keep", concepts.keep)
    concepts.rule = section.choice("rule", concepts.rule)
    section.finish()
    return concepts
  }
}
