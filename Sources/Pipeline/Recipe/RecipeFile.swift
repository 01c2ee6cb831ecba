import Decode
import Foundation
import Shards
import Yams

/// Reads and writes recipe files.
public enum RecipeFile {
  /// Largest recipe read.
  static let maximumBytes = 1 << 20

  /// Most aliases (`*name`) in a recipe: aliases of aliases grow exponentially where a mapping has one as its key.
  static let maximumAliases = 32

  /// Reads a recipe; overrides win over the environment, the environment over the file.
  ///
  /// - Parameters:
  ///   - overrides: key path → YAML text, from flags: `["limits.jobs": "2"]`.
  ///   - environment: `TAMIS_LIMITS_MEMORY=1GiB` overrides `limits.memory`.
  /// - Throws: ``RecipeError`` with every problem, or `FileError`.
  public static func load(
    _ path: String, overrides: [String: String] = [:], environment: [String: String] = [:]
  ) throws -> Recipe {
    let file = try File(path: path, .read)
    let bytes = try file.read(at: 0, count: maximumBytes + 1)
    guard bytes.count <= maximumBytes else { throw RecipeError(path: path, problems: ["larger than 1 MiB"]) }
    return try parse(
      String(decoding: bytes, as: UTF8.self), path: path, overrides: overrides, environment: environment)
  }

  /// Reads a recipe from its text; `path` gives the directory for relative paths and the name in errors.
  public static func parse(
    _ text: String, path: String, overrides: [String: String] = [:], environment: [String: String] = [:]
  ) throws(RecipeError) -> Recipe {
    var root: Node
    guard aliases(in: text) <= maximumAliases else {
      throw RecipeError(path: path, problems: ["more than \(maximumAliases) YAML aliases (*name)"])
    }
    do {
      root =
        try Yams.compose(yaml: text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text) ?? emptyMapping
    } catch {
      throw RecipeError(
        path: path, problems: ["not YAML: \(error)".replacingOccurrences(of: "\n", with: " ")])
    }
    let problems = RecipeProblems()
    for (keyPath, value) in environmentOverrides(environment).merging(overrides, uniquingKeysWith: { $1 }) {
      root = setting(keyPath.split(separator: ".").map(String.init)[...], to: value, in: root)
    }
    var recipe = Recipe()
    var section = RecipeSection(root, path: "", problems: problems)
    let directory = Directory.parent(of: path)
    readInput(&section, &recipe.input, directory)
    readDecode(&section, &recipe.decode)
    readFeatures(&section, &recipe.features, directory)
    readPrune(&section, &recipe.prune, directory)
    checkFitOn(recipe, problems)
    checkFilter(recipe, problems)
    checkScores(recipe, problems)
    readPublish(&section, &recipe.publish, directory)
    checkAdded(recipe, problems)
    readDaemon(&section, &recipe.daemon, directory)
    readLimits(&section, &recipe.limits)
    section.finish()
    guard problems.all.isEmpty else { throw RecipeError(path: path, problems: problems.all) }
    return recipe
  }

  private static func readInput(_ root: inout RecipeSection, _ input: inout Recipe.Input, _ directory: String)
  {
    var section = root.section("input")
    if !section.has("path") { section.report("path", "missing: where are the shards?") }
    input.path = ShardPatterns.mapSets(section.string("path", "")) { resolve($0, directory) }
    input.match = section.string("match", input.match)
    input.imageFields = section.strings("image_field", input.imageFields).map { $0.lowercased() }
    input.keys = section.choice("keys", input.keys)
    input.duplicates = section.choice("duplicates", input.duplicates)
    input.salvage = section.bool("salvage", input.salvage)
    input.ignoresZeros = section.bool("ignore_zeros", input.ignoresZeros)
    section.finish()
  }

  private static func readDecode(_ root: inout RecipeSection, _ decode: inout Recipe.Decoding) {
    var section = root.section("decode")
    decode.maxPixels = section.integer("max_pixels", decode.maxPixels, in: 1...(1 << 32))
    decode.maxCost = section.integerOrAuto("max_cost", in: 1...Int.max).map(UInt64.init)
    decode.appliesOrientation = section.bool("apply_orientation", true)
    decode.onBadCaption = section.choice("on_bad_caption", decode.onBadCaption)
    decode.onWarning = section.choice("on_warning", decode.onWarning)
    decode.isFast = section.bool("fast", false)
    section.finish()
  }

  private static func readLimits(_ root: inout RecipeSection, _ limits: inout Recipe.Limits) {
    var section = root.section("limits")
    limits.memory = section.bytes("memory", limits.memory)
    limits.jobs = section.integerOrAuto("jobs", in: 1...1024)
    limits.imageSeconds = section.integer("image_seconds", limits.imageSeconds, in: 1...86_400)
    limits.quarantine = section.bytes("quarantine", limits.quarantine)
    section.finish()
  }

  static func resolve(_ path: String, _ directory: String) -> String {
    path.hasPrefix("/") || directory == "." ? path : directory + "/" + path
  }

  /// `TAMIS_PUBLISH_SAMPLES_PER_SHARD` → `publish.samples_per_shard`, for variables that begin with a section.
  private static func environmentOverrides(_ environment: [String: String]) -> [String: String] {
    let sections = [
      "input", "decode", "features.pca.mask", "features.pca", "features.image", "features.patches",
      "prune.dedup", "prune.score", "prune.reference", "prune.concepts", "publish", "daemon.fit", "daemon",
      "limits", "features.text", "features",
    ]
    var found: [String: String] = [:]
    for (name, value) in environment where name.hasPrefix("TAMIS_") {
      let rest = name.dropFirst("TAMIS_".count).lowercased()
      for section in sections {
        let prefix = section.replacingOccurrences(of: ".", with: "_") + "_"
        guard rest.hasPrefix(prefix) else { continue }
        found[section + "." + rest.dropFirst(prefix.count)] = value
        break
      }
    }
    return found
  }

  /// Places where an alias may stand: a `*` that begins a value, with a name behind it. Comments may hold any.
  private static func aliases(in text: String) -> Int {
    var count = 0
    var last = UInt8(ascii: "\n")
    var isStar = false
    var isComment = false
    for byte in text.utf8 {
      if isStar, !" \t\r\n*".utf8.contains(byte) { count += 1 }
      if byte == UInt8(ascii: "#"), " \t\r\n".utf8.contains(last) { isComment = true }
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { isComment = false }
      isStar = !isComment && byte == UInt8(ascii: "*") && " \t\r\n[{,:?-".utf8.contains(last)
      last = byte
    }
    return count
  }

  private static var emptyMapping: Node { .mapping(.init([])) }

  /// A copy of `node` with the value at a key path replaced.
  private static func setting(_ path: ArraySlice<String>, to value: String, in node: Node) -> Node {
    guard let key = path.first else { return (try? Yams.compose(yaml: value)) ?? Node(value) }
    var pairs = node.mapping.map { Array($0) } ?? []
    let old = pairs.first { $0.key.string == key }?.value ?? emptyMapping
    pairs.removeAll { $0.key.string == key }
    pairs.append((key: Node(key), value: setting(path.dropFirst(), to: value, in: old)))
    return .mapping(.init(pairs.map { ($0.key, $0.value) }))
  }

  /// The recipe in force, defaults filled in, as YAML.
  public static func text(of recipe: Recipe) throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.width = -1
    return try encoder.encode(recipe)
  }
}
