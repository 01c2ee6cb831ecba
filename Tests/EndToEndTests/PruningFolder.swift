import Foundation
import Testing

/// A recipe that fits, prunes and publishes the samples with masks, quickly: 16 x 16 thumbnails.
struct PruningRecipe {
  var dedup: String? = "{ epsilon: auto, clusters: 4 }"
  var concepts: String? = "{ clusters: 12, neighbours: 5, keep: 0.4 }"
  var reference: String?
  var mask = "{ ratio: [0.1, 0.9], seed: 7 }"
  var standardize = "feature"
  /// Keys of `features.pca` but the ones here.
  var pca = "size: 16"
  var publish = ""

  var text: String {
    let stages = [("dedup", dedup), ("reference", reference), ("concepts", concepts)]
      .compactMap { name, stage in stage.map { "  \(name): \($0)\n" } }.joined()
    return """
      input: { path: in/ }
      features:
        pca: { \(pca), standardize: \(standardize), mask: \(mask) }
        image: { encoder: pixels }
      \(stages.isEmpty ? "" : "prune:\n\(stages)")publish: { path: out/, samples_per_shard: 60, add: [mask]\(publish) }

      """
  }
}

extension TemporaryFolder {
  /// A copy of the samples under these names with a pruning recipe; returns the recipe's path.
  func addPruning(
    _ recipe: PruningRecipe = PruningRecipe(), names: [String] = ["00000", "00001", "00002", "00003"]
  ) throws -> String {
    _ = try addSamples(names: names)
    return try write("recipe.yaml", recipe.text)
  }

  /// Runs an oracle on this folder's files and expects what it prints; `%` stands for the folder.
  func expectOracle(
    _ name: String, _ arguments: [String], _ output: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let arguments = arguments.map { $0.replacingOccurrences(of: "%", with: path) }
    let result = try run(Repository.python, [Repository.oracle(name)] + arguments)
    #expect(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
    if let output { #expect(result.output == output + "\n", sourceLocation: sourceLocation) }
  }

  /// Modification times and inodes of all files below a directory: what was not written again stays the same.
  func identities(_ name: String) throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    for file in FileManager.default.enumerator(atPath: path + "/" + name)?.allObjects as? [String] ?? [] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)/\(file)")
      let (inode, date) = (attributes[.systemFileNumber], attributes[.modificationDate] as? Date)
      found[file] = ["\(inode ?? 0)", "\(date?.timeIntervalSinceReferenceDate ?? 0)"]
    }
    return found
  }
}
