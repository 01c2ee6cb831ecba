import Shards

/// The shards that are finished in a staging directory, one JSON line each, so that a killed run goes on behind them.
final class OutputJournal: ShardLog {
  private static let name = ".shards.jsonl"

  let staging: String
  private let file: File
  /// Finished shards, in order.
  private(set) var shards: [PublishManifest.Shard] = []

  /// Samples in them.
  var samples: Int { shards.reduce(0) { $0 + $1.samples } }

  /// Opens the journal of a staging directory; what was written behind the last sound line is forgotten.
  init(staging: String) throws {
    self.staging = staging
    let path = staging + "/" + Self.name
    for line in (try readFile(path) ?? []).split(separator: UInt8(ascii: "\n")) {
      guard let shard = try? JSON.decode(PublishManifest.Shard.self, from: Array(line)),
        try OutputDirectory.isIntact(staging, shard)
      else { break }
      shards.append(shard)
    }
    file = try File(path: path, .create)
    try file.write(try shards.flatMap { try JSON.line($0) })
    try file.sync()
  }

  var count: Int { shards.count }

  /// A staging directory is thrown away or finished as a whole: nothing needs be known of a shard before its name.
  func announce(_ shard: PublishManifest.Shard) {}

  /// Adds a shard that has its name.
  func record(_ shard: PublishManifest.Shard) throws {
    try file.write(try JSON.line(shard))
    try file.sync()
    shards.append(shard)
  }

  /// Removes the journal when the directory is complete.
  static func remove(staging: String) throws { try Directory.remove(staging + "/" + name) }
}
