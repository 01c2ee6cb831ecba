import Decode
import Shards

/// Which fields the published samples have: the same ones in all of them, decided before the first is written.
///
/// Readers want that: Hugging Face's `datasets` infers the columns from the first samples, MDS has fixed ones.
struct FieldPlan: Sendable {
  /// In the order in which a sample's picture is looked for.
  private let imageFields: [String]
  private let publish: Recipe.Publish
  private let onBadCaption: CaptionPolicy
  /// What pictures of different names are called where the format has room for one only.
  private var commonImageName: String?
  /// Left out of all samples, as some lack them.
  private var dropped: Set<String> = []
  /// What samples get that lack a field, by its name.
  private var fillers: [String: [UInt8]] = [:]
  /// The fields of every sample, sorted; nil where nothing is known of them (streams of tars).
  private var names: [String]?
  /// Whether ``names`` were decided before all samples were seen: what a sample has beside them is left out.
  private var isFixed = false
  /// Those of them that are pictures; several only where each sample keeps its own name.
  private(set) var imageNames: [String] = []

  /// The fields that all samples of a stream have, whatever comes later: those of its first published samples.
  struct Fixed: Codable, Equatable {
    /// Sorted.
    var names: [String]
    /// What every picture is called; nil where the recipe says it.
    var image: String?
  }

  /// A plan that knows nothing of the samples to come: each keeps the fields it has, and gets a caption if it has none.
  init(stream recipe: Recipe) {
    imageFields = recipe.input.imageFields
    publish = recipe.publish
    onBadCaption = recipe.decode.onBadCaption
    for field in publish.fields ?? [] where publish.missing == .empty {
      fillers[field.name] = filler(field.name)
    }
    if let captionName { fillers[captionName] = [] }
  }

  /// A plan for samples to come that all get the same fields: what one has besides is left out, what it lacks is filled.
  init(stream recipe: Recipe, _ fixed: Fixed) {
    self.init(stream: recipe)
    (names, isFixed, commonImageName) = (fixed.names, true, fixed.image)
    imageNames = imageName.map { fixed.names.contains($0) ? [$0] : [] } ?? []
    for name in fixed.names { fillers[name] = filler(name) }
  }

  /// What the caption is called; nil if it is not published.
  var captionName: String? { publishedName(of: captionField) }
  /// What the JSON is called; nil if it is not published.
  var jsonName: String? { publishedName(of: "json") }

  private func publishedName(of field: String) -> String? {
    guard let selections = publish.fields else { return field }
    return selections.first { $0.sources.contains(field) }?.name
  }

  /// What stands for a field that a sample lacks.
  private func filler(_ name: String) -> [UInt8] {
    if name == jsonName { return Array("{}".utf8) }
    return publish.format == .mds && name == MDSTable.integerField ? MDSTable.noLabel : []
  }

  /// Looks at the field sets of all samples that will be published.
  ///
  /// - Throws: ``PipelineError`` when they differ and the recipe does not say what to do.
  init(
    _ recipe: Recipe, _ shards: [IngestedShard],
    isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws {
    self.init(stream: recipe)
    var found = try fieldSets(shards, isKept: isKept, workspace)
    if publish.format == .mds, found.images.count > 1 {
      commonImageName = "image"
      found = try fieldSets(shards, isKept: isKept, workspace)
    }
    try decide(found)
  }

  /// Stands in a set of fields for a picture that keeps the name it has.
  private static let anyImage = "<image>"

  /// The different sets of fields, under their published names.
  private struct FieldSets {
    /// How many samples have which fields.
    var samples: [Set<String>: Int] = [:]
    /// Where the first sample of each set is.
    var example: [Set<String>: String] = [:]
    /// Names of pictures, where each keeps its own.
    var images: Set<String> = []
  }

  /// What ingest noted of the samples that will be published.
  ///
  /// - Throws: ``PipelineError`` for a shard with more different sets than are noted.
  private func fieldSets(
    _ shards: [IngestedShard], isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace,
    passesOverUnknown: Bool = false
  ) throws -> FieldSets {
    var found = FieldSets()
    for (index, shard) in shards.enumerated() {
      let column = try FieldSetColumn.read(workspace.columns(shard.name))
      var counts = [Int](repeating: 0, count: FieldSetColumn.maximumSets + 1)
      var firstRows = counts
      for row in 0..<shard.manifest.accepted where isKept(index, row) {
        let set = Int(column?[row] ?? 0)
        if counts[set] == 0 { firstRows[set] = row }
        counts[set] += 1
      }
      for (set, count) in counts.enumerated() where count > 0 {
        guard set < shard.manifest.fieldSets.count else {
          if passesOverUnknown { continue }
          throw PipelineError(
            .badData,
            "\(shard.name): its samples have more than \(FieldSetColumn.maximumSets) different sets of fields; "
              + "this is no shard of samples for a trainer")
        }
        let (published, _, image) = renamed(shard.manifest.fieldSets[set])
        var names = Set(published)
        if keepsImageNames, let image {
          found.images.insert(published[image])
          names.remove(published[image])
          names.insert(Self.anyImage)
        }
        found.samples[names, default: 0] += count
        if found.example[names] == nil { found.example[names] = "sample \(firstRows[set]) of \(shard.name)" }
      }
    }
    return found
  }

  /// The fields that a stream fixes by its first published samples: those that any of them has, or, with
  /// `publish.missing: drop`, all of them.
  static func fixed(
    _ recipe: Recipe, _ shards: [IngestedShard],
    isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws -> Fixed {
    var plan = FieldPlan(stream: recipe)
    var found = try plan.fieldSets(shards, isKept: isKept, workspace, passesOverUnknown: true)
    if plan.keepsImageNames {
      plan.commonImageName = found.images.count == 1 ? found.images.first! : "image"
      found = try plan.fieldSets(shards, isKept: isKept, workspace, passesOverUnknown: true)
    }
    var names = found.samples.keys.reduce(into: Set<String>()) { $0.formUnion($1) }
    if recipe.publish.missing == .drop {
      let fillable = [plan.captionName, plan.jsonName].compactMap { $0 }
      for set in found.samples.keys { names = names.filter { set.contains($0) || fillable.contains($0) } }
    }
    if let caption = plan.captionName { names.insert(caption) }
    // The sample's own key has this name.
    names.remove(MDSTable.keyColumn)
    return Fixed(names: names.sorted(), image: plan.commonImageName)
  }

  /// What samples of a shard lose and get by fixed fields: names to tell, both sorted.
  func differences(_ sets: [[String]]) -> (leftOut: [String], filled: [String]) {
    guard isFixed, let names else { return ([], []) }
    var (leftOut, filled) = (Set<String>(), Set<String>())
    for set in sets {
      let published = Set(renamed(set).published)
      leftOut.formUnion(published.subtracting(names))
      filled.formUnion(
        Set(names).subtracting(published).subtracting([captionName, jsonName].compactMap { $0 }))
    }
    return (leftOut.sorted(), filled.sorted())
  }

  /// The published fields of a sample, under their published names.
  func fields(of sample: Sample) -> [(name: String, field: Field)] {
    let (published, sources, _) = renamed(sample.fields.map(\.name))
    return zip(published, sources).map { ($0, sample.fields[$1]) }
  }

  /// The samples' own fields, sorted, as they are called when these fields are added: one of an added field's name makes
  /// way (``PublishedSample/add(_:)``).
  func names(beside added: some Collection<String>) -> [String] {
    var taken = Set(names ?? [])
    return (names ?? []).map { name in
      guard added.contains(name) else { return name }
      let free = PublishedSample.freeName(name, taken.contains)
      taken.insert(free)
      return free
    }.sorted()
  }

  /// Makes the fields the same in all samples, as ``Recipe/Publish/Missing`` has it.
  private mutating func decide(_ found: FieldSets) throws {
    let (samples, example) = (found.samples, found.example)
    let total = samples.values.reduce(0, +)
    guard total > 0 else { return names = [] }
    if let fields = publish.fields {
      for field in fields where !samples.keys.contains(where: { $0.contains(field.name) }) {
        guard field.name == captionName else {
          throw PipelineError(
            .usage, "publish.fields: no sample has '\(field.sources.joined(separator: "' or '"))'")
        }
      }
    }
    var all = samples.keys.reduce(into: Set<String>()) { $0.formUnion($1) }
    if let imageName, publish.image.form != .keep, !all.contains(imageName) {
      throw PipelineError(
        .usage, "publish.image: the picture, called \(imageName) then, is not among publish.fields")
    }
    all.formUnion(fillers.keys)
    imageNames = imageName.map { all.contains($0) ? [$0] : [] } ?? found.images.sorted()
    var problems: [String] = []
    for name in all.sorted() {
      let having = samples.reduce(0) { $0 + ($1.key.contains(name) ? $1.value : 0) }
      guard having < total else { continue }
      if name == captionName || name == jsonName {
        fillers[name] = filler(name)
        continue
      }
      switch publish.missing {
      case .empty: fillers[name] = filler(name)
      case .drop:
        dropped.insert(name)
        all.remove(name)
      case .error:
        let place = samples.keys.filter { !$0.contains(name) }.compactMap { example[$0] }.min()!
        problems.append("'\(name)' is in \(having) of \(total) samples, not in \(place)")
      }
    }
    guard problems.isEmpty else {
      throw PipelineError(
        .badData,
        "field sets differ: \(problems.prefix(5).joined(separator: "; "))"
          + (problems.count > 5 ? "; and \(problems.count - 5) more" : "")
          + "; publish.missing: drop leaves such fields out, empty fills them, publish.fields chooses")
    }
    guard !all.isEmpty else {
      throw PipelineError(.badData, "publish.missing: drop leaves no field: some samples lack each of them")
    }
    if all.remove(Self.anyImage) != nil { all.formUnion(found.images) }
    names = all.sorted()
  }

  /// Whether each picture keeps the name it has, so that there may be several.
  private var keepsImageNames: Bool {
    imageName == nil && publish.fields == nil
  }

  /// What every picture is called; nil where each keeps its name.
  var imageName: String? {
    switch publish.image.form {
    case .keep: publish.imageField ?? commonImageName
    case .resize: publish.imageField ?? publish.image.format.rawValue
    case .raw: (publish.imageField ?? "image") + ".npy"
    }
  }

  /// What to tell about the fields, before anything is written.
  var notices: [String] {
    var notices: [String] = []
    if imageNames.count > 1 {
      notices.append(
        "pictures are called \(imageNames.joined(separator: ", ")): some readers take these for different columns; "
          + "publish.image_field gives them one name")
    }
    if commonImageName != nil {
      notices.append(
        "pictures have different names: the column is called image and holds their bytes; publish.image_field: jpg "
          + "has readers decode them")
    }
    if !dropped.isEmpty {
      notices.append("left out, as some samples lack them: \(dropped.sorted().joined(separator: ", "))")
    }
    return notices
  }

  /// The fields of a sample under their published names: where each comes from, and the picture among them.
  private func renamed(_ fields: [String]) -> (published: [String], sources: [Int], image: Int?) {
    var names = fields
    let image = imageFields.lazy.compactMap { fields.firstIndex(of: $0) }.first
    if let image, let imageName {
      names[image] = imageName
      // Another field of that name makes way.
      for other in names.indices where other != image && names[other] == imageName {
        names[other] = PublishedSample.freeName(imageName, names.contains)
      }
    }
    guard let selections = publish.fields else { return (names, Array(names.indices), image) }
    var result: (published: [String], sources: [Int]) = ([], [])
    for selection in selections {
      // A field goes out once.
      let found = selection.sources.lazy.compactMap { names.firstIndex(of: $0) }
      guard let source = found.first(where: { !result.sources.contains($0) }) else { continue }
      result.published.append(selection.name)
      result.sources.append(source)
    }
    return (result.published, result.sources, image)
  }

  private func isLeftOut(_ name: String) -> Bool {
    dropped.contains(name) || isFixed && !names!.contains(name)
  }

  /// A sample with its published fields, and which of them is the picture, if it is published.
  func apply(_ sample: Sample) -> (sample: PublishedSample, image: Int?) {
    let (published, sources, image) = renamed(sample.fields.map(\.name))
    var result = PublishedSample(key: sample.key, fields: [])
    var imageIndex: Int?
    for (name, source) in zip(published, sources) where !isLeftOut(name) {
      let field = sample.fields[source]
      var bytes = sample.bytes[field.range]
      if field.name == captionField, onBadCaption == .replace { bytes = repairedCaption(bytes)[...] }
      if source == image { imageIndex = result.fields.count }
      result.fields.append(OutputField(name: name, bytes: bytes))
    }
    for (name, filler) in fillers where !published.contains(name) {
      result.fields.append(OutputField(name: name, bytes: filler[...]))
    }
    return (result, imageIndex)
  }
}
