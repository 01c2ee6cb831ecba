import Decode
import Shards
import Yams

/// Reads the section `publish`.
extension RecipeFile {
  static func readPublish(
    _ root: inout RecipeSection, _ publish: inout Recipe.Publish, _ directory: String
  ) {
    var section = root.section("publish")
    if section.has("path") { publish.path = resolve(section.string("path", ""), directory) }
    publish.format = section.choice("format", publish.format)
    publish.compress = readCompression(&section)
    if section.node("samples_per_shard")?.scalar?.string == "all" {
      publish.samplesPerShard = .max
    } else {
      publish.samplesPerShard = section.integer(
        "samples_per_shard", publish.samplesPerShard, in: 1...10_000_000)
    }
    if section.has("shard_bytes") { publish.shardBytes = section.bytes("shard_bytes", 0) }
    publish.digits = section.integer("digits", publish.digits, in: 5...12)
    publish.add = readAdded(&section, "add", Recipe.Publish.Added.allCases)
    publish.order = readOrder(&section)
    readImage(&section, &publish)
    publish.fields = readFields(&section)
    publish.missing = section.choice("missing", publish.missing)
    readSidecars(&section, &publish)
    checkFormat(section, publish)
    section.finish()
  }

  /// `none`, `gzip`, `zstd:19`, or `{ zstd: 19, window: 27 }`.
  private static func readCompression(_ section: inout RecipeSection) -> ShardCompression {
    let expected = "expected none, gzip, gzip:1 to 9, zstd, zstd:1 to 22 or { zstd: 19, window: 27 }"
    switch section.node("compress") {
    case nil: return .none
    case .scalar(let scalar)?:
      if let compression = ShardCompression(text: scalar.string) { return compression }
      section.report("compress", "unknown value '\(scalar.string)'; \(expected)")
    case .mapping(let mapping)?:
      func number(_ key: String) -> Int? { mapping[key]?.scalar.flatMap { Int($0.string) } }
      let keys = mapping.keys.compactMap(\.string)
      if let level = number("zstd"), (1...22).contains(level), keys.allSatisfy(["zstd", "window"].contains) {
        if !keys.contains("window") { return .zstd(level: level) }
        if let window = number("window"), (10...27).contains(window) {
          return .zstd(level: level, window: window)
        }
        section.report("compress", "window: expected 10 to 27, the most that every reader accepts")
      } else {
        section.report("compress", expected)
      }
    default: section.report("compress", expected)
    }
    return .none
  }

  private static func readOrder(_ section: inout RecipeSection) -> Recipe.Publish.Order {
    switch section.node("order") {
    case nil: return .input
    case .scalar(let scalar)? where scalar.string == "input": return .input
    case .scalar(let scalar)? where scalar.string == "key": return .key
    case .mapping(let mapping)?:
      if mapping.count == 1, let seed = mapping["shuffle"]?.scalar.flatMap({ UInt64($0.string) }) {
        return .shuffle(seed: seed)
      }
      section.report("order", "expected { shuffle: SEED }")
    default: section.report("order", "expected input, key or { shuffle: SEED }")
    }
    return .input
  }

  /// `image` and the keys that go with it, spelled as img2dataset's options.
  private static func readImage(_ section: inout RecipeSection, _ publish: inout Recipe.Publish) {
    var image = publish.image
    image.form = section.choice("image", image.form)
    // Raw pixels keep their size unless one is asked for.
    if image.form == .raw, !section.has("image_size") { image.mode = .no }
    let resizing = ["image_size", "resize_mode", "resize_filter", "resize_only_if_bigger"]
    for key in resizing + ["encode_quality", "encode_format"] where section.has(key) {
      if image.form == .keep { section.report(key, "needs image: resize or raw") }
      if image.form == .raw, !resizing.contains(key) { section.report(key, "needs image: resize") }
    }
    image.size = section.integer("image_size", image.size, in: 1...16_384)
    image.mode = section.choice("resize_mode", image.mode)
    image.filter = section.choice("resize_filter", image.filter)
    image.onlyIfBigger = section.bool("resize_only_if_bigger", image.onlyIfBigger)
    image.quality = section.integer("encode_quality", image.quality, in: 0...100)
    image.format = section.choice("encode_format", image.format)
    publish.image = image
    guard section.has("image_field") else { return }
    let name = section.string("image_field", "")
    if ["txt", "json", "cls", "key"].contains(name) || name.hasSuffix(".npy") || name.hasSuffix(".json") {
      section.report("image_field", "'\(name)' means something else to readers")
    } else if isFieldName(name) {
      publish.imageField = name
    } else {
      section.report("image_field", fieldRule)
    }
  }

  private static let fieldRule = "a field is 1 to 60 of [a-z0-9._-] and neither begins nor ends with a dot"

  private static func isFieldName(_ name: String) -> Bool {
    (1...60).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasSuffix(".")
      && name.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "._-".utf8.contains($0)
      }
  }

  /// `[jpg, txt]`, or `{ jpg: [jpg, jpeg], caption.txt: txt }`: the published name, and which field it is.
  private static func readFields(_ section: inout RecipeSection) -> [Recipe.Publish.Selection]? {
    let expected = "expected a list of fields, or published names with the fields they come from"
    var selections: [Recipe.Publish.Selection] = []
    switch section.node("fields") {
    case nil: return nil
    case .sequence(let names)?:
      for name in names.compactMap({ $0.scalar?.string }) {
        selections.append(.init(name: name, sources: [name]))
      }
      if selections.count != names.count { section.report("fields", expected) }
    case .mapping(let mapping)?:
      for (key, value) in mapping {
        let sources = (value.sequence.map { Array($0) } ?? [value]).compactMap { $0.scalar?.string }
        selections.append(.init(name: key.string ?? "", sources: sources.map { $0.lowercased() }))
        if sources.isEmpty { section.report("fields.\(key.string ?? "?")", "which field is it?") }
      }
    default: section.report("fields", expected)
    }
    for selection in selections where !isFieldName(selection.name) {
      section.report("fields", "'\(selection.name)': \(fieldRule)")
    }
    if Set(selections.map(\.name)).count != selections.count {
      section.report("fields", "one is given twice")
    }
    if selections.isEmpty { section.report("fields", "none is left") }
    return selections.sorted { $0.name < $1.name }
  }

  private static func readSidecars(_ section: inout RecipeSection, _ publish: inout Recipe.Publish) {
    let all = Recipe.Publish.Sidecar.allCases
    guard section.has("sidecars") else { return }
    let names = section.strings("sidecars", [])
    if names == ["all"] {
      publish.sidecars = all
    } else if names != ["none"] {
      publish.sidecars = names.compactMap { name in
        if let sidecar = Recipe.Publish.Sidecar(rawValue: name) { return sidecar }
        let known = all.map(\.rawValue).joined(separator: ", ")
        section.report("sidecars", "unknown value '\(name)'; expected all, none or a list of \(known)")
        return nil
      }
    } else {
      publish.sidecars = []
    }
  }

  /// What one format cannot do.
  private static func checkFormat(_ section: RecipeSection, _ publish: Recipe.Publish) {
    switch publish.format {
    case .webdataset: break
    case .mds:
      if let bytes = publish.shardBytes, bytes >= 1 << 32 {
        section.report("shard_bytes", "an MDS shard is less than 4 GiB")
      }
      if publish.digits != 5 { section.report("digits", "MDS names have five") }
      if case .gzip = publish.compress {
        section.report("compress", "MDS shards are compressed with zstd or not at all")
      }
    case .npy, .columns:
      if publish.add.isEmpty {
        section.report("add", "missing: format \(publish.format.rawValue) holds nothing else")
      }
      for key in ["image", "image_field", "fields", "missing", "shard_bytes"] where section.has(key) {
        section.report(key, "format \(publish.format.rawValue) holds none of the samples' own fields")
      }
      if publish.format == .npy, publish.compress != .none {
        section.report("compress", "arrays are not compressed")
      }
      if publish.format == .columns, publish.order != .input {
        section.report("order", "columns follow the input shards")
      }
      if publish.format == .columns, section.has("samples_per_shard") {
        section.report("samples_per_shard", "columns follow the input shards")
      }
    }
  }

  /// Added fields need what they are made of.
  static func checkAdded(_ recipe: Recipe, _ problems: RecipeProblems) {
    let added = recipe.publish.add
    if added.contains(.patches), recipe.features.patches == nil {
      problems.add("publish.add", "'patches' needs features.patches: which grid?")
    }
    if recipe.features.text == nil {
      for field in [Recipe.Publish.Added.text, .joint] where added.contains(field) {
        problems.add("publish.add", "'\(field.rawValue)' needs features.text")
      }
    }
  }
}
