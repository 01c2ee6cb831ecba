import Foundation
import Prune
import Shards

/// `models/domain`: what the domain stage of a plan is, for the samples to come.
struct DomainPlan {
  /// `manifest.json` beside `head.npz`.
  struct Manifest: Codable, Equatable {
    var tamis = tamisVersion
    /// Seed of the random ranks.
    var seed: UInt64
    /// By class of the head, then ambiguous.
    var classes: [DomainCount]
    /// The files beside it.
    var files: [String: ColumnManifest.FileEntry]?
  }

  let head: DomainHead
  private let seed: UInt64
  private let cuts: [UInt64?]

  private static func path(_ workspace: String) -> String { workspace + "/models/domain" }

  /// Writes what the stage decided, or removes what an earlier one did.
  static func write(_ result: DomainStage.Result?, to workspace: String) throws {
    guard let result else { return try Directory.remove(path(workspace)) }
    try Directory.create(Directory.parent(of: path(workspace)))
    let directory = try AtomicDirectory(path: path(workspace))
    let file = directory.temporary + "/head.npz"
    try DomainHeadFile.write(result.head, nil, to: file)
    let manifest = Manifest(
      seed: result.rule.seed, classes: result.decision.counts, files: ["head.npz": try .init(path: file)])
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// The plan of a workspace; nil if it has none.
  static func read(_ workspace: String) throws -> DomainPlan? {
    guard let bytes = try readFile(path(workspace) + "/manifest.json"),
      let manifest = try? JSON.decode(Manifest.self, from: bytes)
    else { return nil }
    let head = try DomainHeadFile.read(path(workspace) + "/head.npz")
    guard manifest.classes.count == head.classes.count + 1 else {
      throw PipelineError(.badData, "\(path(workspace)): head and manifest do not fit together")
    }
    return DomainPlan(head: head, seed: manifest.seed, cuts: manifest.classes.map(\.cut))
  }

  private func probabilities(_ values: [Float]) throws(PipelineError) -> [Float] {
    guard values.count == head.dimension else {
      throw PipelineError(
        .badData, "the domain head is for rows of \(head.dimension) values, not \(values.count)")
    }
    return head.probabilities(values)
  }

  /// A line about a sample for people.
  ///
  /// - Parameter values: its row, `(d,)`, as stored.
  func story(_ values: [Float]) throws(PipelineError) -> String {
    var values = values
    if values.count == head.dimension, RowBlock.inspect(values, dimension: values.count).isOff {
      RowBlock.normalise(&values, dimension: values.count)
    }
    let probabilities = try probabilities(values)
    let kind = Int(head.classify(probabilities)[0])
    let parts = head.classes.indices.map { j in
      let threshold = head.thresholds[j]
      return head.classes[j] + String(format: " %.4f", probabilities[j])
        + (threshold.isInfinite ? "" : String(format: " (from %.4f)", threshold))
    }
    return "  domain: \(kind < 0 ? DomainHead.ambiguous : head.classes[kind]); "
      + parts.joined(separator: ", ")
  }

  /// Whether a sample stays.
  ///
  /// - Parameter values: its row, `(d,)`, of unit length.
  /// - Throws: ``PipelineError`` for a row of another width.
  func keeps(_ values: [Float], keyHash: UInt64) throws(PipelineError) -> Bool {
    let kind = head.classify(try probabilities(values))[0]
    guard let cut = cuts[kind < 0 ? head.classes.count : Int(kind)] else { return false }
    return cut == .max || randomRank(seed: seed, keyHash: keyHash) <= cut
  }
}
