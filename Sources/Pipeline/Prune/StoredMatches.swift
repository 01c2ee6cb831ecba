import Algebra
import Prune
import Shards

/// Near-duplicate similarities of an earlier pruning: they do not depend on ε or the fraction, so another limit is applied
/// without comparing anything again.
struct StoredMatches: Codable, Equatable {
  /// Hash of all that the similarities, and the places they name, depend on.
  var key: String
  /// SHA-256 of the centroids' file.
  var centroids: String
  /// SHA-256 of the verdict files that have the similarities, in the order of the rows.
  var verdicts: [String]

  /// All that the similarities, and the places they name, depend on.
  private struct Parts: Encodable {
    var version = 1
    var rule: String
    var clusters: Int?
    var iterations: Int
    var seed: UInt64
    /// Names and hashes of rows, keys, scores and centroids, in the order of the rows.
    var rows: [[String]]
    /// Hash of what the stages before dropped; nil if they did not run.
    var drops: String?
  }

  /// - Parameter rows: whatever names the rows and their order; of scores only if the rule is `score`.
  static func key(
    _ dedup: PruneSettings.Dedup, _ settings: PruneSettings, rows: [[String]], drops: [Reason]?
  ) throws -> String {
    sha256(
      try JSON.line(
        Parts(
          rule: dedup.rule.rawValue, clusters: dedup.clusters, iterations: settings.iterations,
          seed: settings.seed, rows: rows, drops: drops.map { sha256($0.map(\.rawValue)) })))
  }

  /// The similarities; nil if a file is not what it was.
  ///
  /// - Parameter verdicts: the verdict files, in the order of the rows.
  func read(centroids path: String, verdicts paths: [String]) throws -> DuplicateMatches? {
    guard paths.count == verdicts.count, try Self.isWhole(path, centroids) else { return nil }
    var matches = DuplicateMatches(centroids: try EmbeddingFile.read(path))
    for (path, sha256) in zip(paths, verdicts) {
      guard try Self.isWhole(path, sha256) else { return nil }
      for verdict in try VerdictFile.read(path) { matches.append(verdict) }
    }
    return matches
  }

  private static func isWhole(_ path: String, _ sha256: String) throws -> Bool {
    try FileStatus(path: path) != nil && FileDigest(path: path).sha256 == sha256
  }
}
