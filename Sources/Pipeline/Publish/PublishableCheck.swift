import Shards

/// Tells which samples of a stream its published shards could not hold, so that they are rejected as they come. A run
/// needs no such check: it stops, with the sample's name, before it puts anything under OUT.
struct PublishableCheck: Sendable {
  /// What is wrong with a sample.
  struct Fault {
    /// That it is about, if the sample has it.
    var field: Field?
    var code: RejectCode
    var message: String
  }

  private let plan: FieldPlan
  private let publish: Recipe.Publish
  private let imageFields: [String]
  private let needsUid: Bool
  /// `publish.add`: a sample's own field of such a name makes way.
  private let addedNames: [String]
  /// Fields that are filled where a sample lacks them.
  private let filledNames: [String]

  /// nil where shards do not hold the samples' own fields.
  init?(_ recipe: Recipe) {
    guard recipe.publish.holdsSamples else { return nil }
    (publish, imageFields) = (recipe.publish, recipe.input.imageFields)
    plan = FieldPlan(stream: recipe)
    needsUid = PublishSidecars(publish).wants(.subset)
    addedNames = recipe.addedFields.map {
      Recipe.Publish.Added.stored.contains($0) ? StoredFields.name($0) : AddedFields.name($0)
    }
    filledNames =
      [plan.captionName].compactMap { $0 }
      + (publish.missing == .empty ? (publish.fields ?? []).map(\.name) : [])
  }

  /// nil if nothing is wrong.
  func fault(_ sample: Sample) -> Fault? {
    let fields = plan.fields(of: sample)
    return (publish.format == .mds ? tableFault(sample, fields) : nameFault(sample, fields))
      ?? pictureFault(sample, fields) ?? uidFault(sample, fields) ?? missingField(fields)
  }

  private func tableFault(_ sample: Sample, _ fields: [(name: String, field: Field)]) -> Fault? {
    for (name, field) in fields where name != plan.captionName {
      if let problem = MDSTable.problem(name, sample.bytes[field.range], json: plan.jsonName) {
        return Fault(field: field, code: .unsupported, message: "\(name) \(problem)")
      }
    }
    return nil
  }

  private func nameFault(_ sample: Sample, _ fields: [(name: String, field: Field)]) -> Fault? {
    let names = fields.map { name, _ in
      addedNames.contains(name)
        ? PublishedSample.freeName(name) { taken in fields.contains { $0.name == taken } } : name
    }
    guard let longest = (names + addedNames + filledNames).max(by: { $0.utf8.count < $1.utf8.count }) else {
      return Fault(code: .unsupported, message: "has none of publish.fields")
    }
    guard !ShardWriter.holds(key: sample.key, field: longest) else { return nil }
    return Fault(code: .badName, message: "the key leaves no room for the name of the field \(longest)")
  }

  /// A picture that takes another form must be the field of its name.
  private func pictureFault(_ sample: Sample, _ fields: [(name: String, field: Field)]) -> Fault? {
    guard publish.image.form != .keep, let name = plan.imageName else { return nil }
    let found = fields.first { $0.name == name }?.field
    if let found, found == sample.field(imageFields) { return nil }
    return Fault(
      field: found, code: .unsupported,
      message: "publish.image: the picture, called \(name) then, is not among publish.fields")
  }

  private func uidFault(_ sample: Sample, _ fields: [(name: String, field: Field)]) -> Fault? {
    guard needsUid else { return nil }
    let json = fields.first { $0.name == "json" }?.field
    do throws(PipelineError) {
      _ = try SampleUid(json.map { sample.bytes[$0.range] }, of: printable(sample.key))
      return nil
    } catch { return Fault(field: json, code: .unsupported, message: error.description) }
  }

  private func missingField(_ fields: [(name: String, field: Field)]) -> Fault? {
    guard publish.missing == .error else { return nil }
    for selection in publish.fields ?? [] where ![plan.captionName, plan.jsonName].contains(selection.name) {
      guard fields.contains(where: { $0.name == selection.name }) else {
        let sources = selection.sources.joined(separator: "' or '")
        return Fault(
          code: .unsupported,
          message: "has no '\(sources)', which publish.fields asks for; publish.missing: empty fills it")
      }
    }
    return nil
  }
}

extension Recipe.Publish {
  /// Whether the shards hold the samples' own fields.
  var holdsSamples: Bool { [.webdataset, .mds].contains(format) }
}
