import Shards

/// Tells which samples of a stream its published shards could not hold, so that they are rejected as they come. A run
/// needs no such check: it stops, with the sample's name, before it puts anything under OUT.
struct PublishableCheck: Sendable {
  private let plan: FieldPlan
  private let publish: Recipe.Publish
  private let needsUid: Bool

  /// nil if the recipe leaves nothing to check.
  init?(_ recipe: Recipe) {
    publish = recipe.publish
    needsUid = PublishSidecars(publish).wants(.subset)
    let requiresFields = publish.fields != nil && publish.missing == .error
    guard publish.holdsSamples, publish.format == .mds || needsUid || requiresFields else { return nil }
    plan = FieldPlan(stream: recipe)
  }

  /// What is wrong, and the field that it is about, if the sample has it; nil if nothing is.
  func fault(_ sample: Sample) -> (field: Field?, message: String)? {
    let fields = plan.fields(of: sample)
    if publish.format == .mds {
      for (name, field) in fields {
        if let problem = MDSTable.problem(name, sample.bytes[field.range], json: plan.jsonName) {
          return (field, "\(name) \(problem)")
        }
      }
    }
    if needsUid {
      let json = fields.first { $0.name == "json" }?.field
      do throws(PipelineError) {
        _ = try SampleUid(json.map { sample.bytes[$0.range] }, of: printable(sample.key))
      } catch { return (json, error.description) }
    }
    guard publish.missing == .error, let wanted = publish.fields else { return nil }
    for selection in wanted where ![plan.captionName, plan.jsonName].contains(selection.name) {
      guard fields.contains(where: { $0.name == selection.name }) else {
        let sources = selection.sources.joined(separator: "' or '")
        return (nil, "has no '\(sources)', which publish.fields asks for; publish.missing: empty fills it")
      }
    }
    return nil
  }
}

extension Recipe.Publish {
  /// Whether the shards hold the samples' own fields.
  var holdsSamples: Bool { [.webdataset, .mds].contains(format) }
}
