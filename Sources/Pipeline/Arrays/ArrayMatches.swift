import Prune
import Shards

/// Near-duplicate similarities of an earlier `tamis prune` on the same arrays.
enum ArrayMatches {
  /// In the output directory: names the rows and their order, so it is the only file there that differs between the
  /// same rows in another form or order.
  static let file = "matches.json"

  /// Names what the similarities depend on; nil without that stage.
  static func key(_ request: ArrayPrune.Request, drops: [Reason]?) throws -> String? {
    guard let dedup = request.settings.dedup else { return nil }
    func hashes(_ path: String?, _ kind: EmbeddingSource.Kind = .image) throws -> [String] {
      guard let path else { return [] }
      return try EmbeddingSource(path, kind).parts.map { part in
        if case .member(let path, let name) = part {
          return try FileDigest(path: path).sha256 + ":" + (name ?? "")
        }
        return try FileDigest(path: part.path).sha256
      }
    }
    func hash(_ path: String?) throws -> [String] { try path.map { [try FileDigest(path: $0).sha256] } ?? [] }
    var rows = try [
      hashes(request.image), hash(request.keys), hash(request.uids), hashes(request.dedupCentroids),
    ]
    if dedup.rule == .score {
      rows += try [hash(request.scores), hashes(request.text, .text), hashes(request.joint)]
    }
    return try StoredMatches.key(dedup, request.settings, rows: rows, drops: drops)
  }

  /// The similarities of `key` in `dedupFrom`, or in what is about to be replaced; nil if there are none.
  ///
  /// - Throws: ``PipelineError`` (usage) if `dedupFrom` has none, or others.
  static func read(_ key: String, _ request: ArrayPrune.Request) throws -> DuplicateMatches? {
    let path = request.dedupFrom ?? request.output
    if request.dedupFrom != nil, try FileStatus(path: path + "/" + file) == nil {
      throw PipelineError(.usage, "\(path)/\(file): no such file; which directory has an earlier pruning?")
    }
    if let bytes = try readFile(path + "/" + file),
      let found = try? JSON.decode(StoredMatches.self, from: bytes), found.key == key,
      let matches = try found.read(
        centroids: path + "/dedup/centroids.npy", verdicts: [path + "/verdicts.npy"])
    {
      return matches
    }
    if request.dedupFrom == nil { return nil }
    throw PipelineError(
      .usage, "\(path): its similarities are of other rows, keys, clusters, rule, seed or earlier stages")
  }

  /// Describes the similarities written into `directory`; no rows reached the stage where there are no centroids.
  static func stored(_ key: String, _ directory: String) throws -> StoredMatches {
    let centroids = directory + "/dedup/centroids.npy"
    return StoredMatches(
      key: key, centroids: try FileStatus(path: centroids) == nil ? "" : FileDigest(path: centroids).sha256,
      verdicts: [try FileDigest(path: directory + "/verdicts.npy").sha256])
  }
}
