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
  /// The fields of every sample, sorted; nil while nothing is known of them (streams).
  private var names: [String]?
  /// Those of them that are pictures; several only where each sample keeps its own name.
  private(set) var imageNames: [String] = []

  /// A plan that knows nothing of the samples to come: each keeps the fields it has, and gets a caption if it has none.
  init(stream recipe: Recipe) {
    imageFields = recipe.input.imageFields
    publish = recipe.publish
    onBadCaption = recipe.decode.onBadCaption
    if publish.fields == nil || publish.fields!.contains(where: { $0.name == captionField }) {
      fillers[captionField] = []
    }
  }

  /// Looks at the field sets of all samples that will be published.
  ///
  /// - Throws: ``PipelineError`` when they differ and the recipe does not say what to do.
  init(
    _ recipe: Recipe, _ shards: [IngestedShard],
    isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws {
    self.init(stream: recipe)
    var (samples, example) = try fieldSets(shards, isKept: isKept, workspace)
    if publish.format == .mds, imageName == nil,
      Set(samples.keys.flatMap { $0.filter(imageFields.contains) }).count > 1
    {
      commonImageName = "image"
      (samples, example) = try fieldSets(shards, isKept: isKept, workspace)
    }
    try decide(samples, example)
  }

  /// How many samples have which fields, under their published names, and where the first of each is.
  private func fieldSets(
    _ shards: [IngestedShard], isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws -> (samples: [Set<String>: Int], example: [Set<String>: String]) {
    var samples: [Set<String>: Int] = [:]
    var example: [Set<String>: String] = [:]
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
          throw PipelineError(
            .badData,
            "\(shard.name): its samples have more than \(FieldSetColumn.maximumSets) different sets of fields; "
              + "this is no shard of samples for a trainer")
        }
        let names = Set(renamed(shard.manifest.fieldSets[set]).published)
        samples[names, default: 0] += count
        if example[names] == nil { example[names] = "sample \(firstRows[set]) of \(shard.name)" }
      }
    }
    return (samples, example)
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

  private mutating func decide(_ samples: [Set<String>: Int], _ example: [Set<String>: String]) throws {
    let total = samples.values.reduce(0, +)
    guard total > 0 else { return names = [] }
    if let fields = publish.fields {
      for field in fields where !samples.keys.contains(where: { $0.contains(field.name) }) {
        guard field.name == captionField else {
          throw PipelineError(
            .usage, "publish.fields: no sample has '\(field.sources.joined(separator: "' or '"))'")
        }
      }
    }
    var all = samples.keys.reduce(into: Set<String>()) { $0.formUnion($1) }
    all.formUnion(fillers.keys)
    imageNames = all.filter(isImageName).sorted()
    var problems: [String] = []
    for name in all.sorted() where !(isImageName(name) && keepsImageNames) {
      let having = samples.reduce(0) { $0 + ($1.key.contains(name) ? $1.value : 0) }
      guard having < total else { continue }
      switch (name, publish.missing) {
      case (captionField, _): fillers[name] = []
      case ("json", _): fillers[name] = Array("{}".utf8)
      case (_, .empty): fillers[name] = []
      case (_, .drop):
        dropped.insert(name)
        all.remove(name)
      case (_, .error):
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
    names = all.sorted()
  }

  /// Whether each picture keeps the name it has, so that there may be several.
  private var keepsImageNames: Bool {
    publish.image.form == .keep && imageName == nil && publish.fields == nil
  }

  private func isImageName(_ name: String) -> Bool {
    name == imageName || (imageName == nil && imageFields.contains(name))
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

  /// A sample with its published fields, and which of them is the picture, if it is published.
  func apply(_ sample: Sample) -> (sample: PublishedSample, image: Int?) {
    let (published, sources, image) = renamed(sample.fields.map(\.name))
    var result = PublishedSample(key: sample.key, fields: [])
    var imageIndex: Int?
    for (name, source) in zip(published, sources) where !dropped.contains(name) {
      let field = sample.fields[source]
      var bytes = sample.bytes[field.range]
      if field.name == captionField, onBadCaption == .replace {
        let stored = Array(bytes)
        bytes = unsafe repairedCaption(stored.span.bytes)[...]
      }
      if source == image { imageIndex = result.fields.count }
      result.fields.append(OutputField(name: name, bytes: bytes))
    }
    for (name, filler) in fillers where !published.contains(name) {
      result.fields.append(OutputField(name: name, bytes: filler[...]))
    }
    return (result, imageIndex)
  }
}
