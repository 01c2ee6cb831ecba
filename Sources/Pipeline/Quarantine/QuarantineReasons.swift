import Shards

/// `<name>.reason.json`: why the file beside it is in quarantine.
struct QuarantineReasons: Codable, Equatable {
  struct Reason: Codable, Equatable {
    /// Key in the quarantine tar; nil when the shard as a whole was rejected.
    var key: String?
    var member: String
    /// In the decompressed tar.
    var offset: UInt64
    var code: String
    var message: String
    /// False when the bytes are not in the tar: no field could be read, or the quarantine was full.
    var kept: Bool?
  }

  static let suffix = ".reason.json"

  /// Workspace name.
  var shard: String
  var tamis = tamisVersion
  /// Hash of the recipe parts that ingest depends on.
  var recipe: String?
  var reasons: [Reason]

  /// True when it is about a whole shard.
  var isWholeShard: Bool { reasons.count == 1 && reasons[0].key == nil }

  static func read(_ path: String) throws -> QuarantineReasons? {
    guard let bytes = try readFile(path) else { return nil }
    return try? JSON.decode(QuarantineReasons.self, from: bytes)
  }
}
