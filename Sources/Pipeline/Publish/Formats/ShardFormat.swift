import Shards

/// Writes published samples in one format, one shard after the other; nothing has its final name before
/// ``finish(_:)`` of its shard.
protocol ShardFormat: AnyObject {
  /// Whether the open shard can take the sample; asked before each is added, and again after a shard was finished. One that no shard can take is an error.
  func hasRoom(for sample: PublishedSample) throws -> Bool
  /// Adds the sample that ``hasRoom(for:)`` was asked about last to the open shard, or opens shard `index` with it.
  func add(_ sample: PublishedSample, shard index: Int) throws
  /// Completes shard `index`, durably and under its name.
  func finish(shard index: Int) throws -> PublishManifest.Shard
  /// Files that go with all the shards, such as an index; written when the last one is done.
  func finishAll(_ shards: [PublishManifest.Shard]) throws -> [String: [UInt8]]
  /// What to tell at the end.
  var notices: [String] { get }
}

extension ShardFormat {
  func finishAll(_ shards: [PublishManifest.Shard]) throws -> [String: [UInt8]] { [:] }
  var notices: [String] { [] }
}

extension Recipe.Publish {
  /// The name of a shard: `00000.tar`.
  func shardName(_ index: Int, _ suffix: String) -> String {
    let number = String(index)
    return String(repeating: "0", count: max(0, digits - number.count)) + number + suffix
  }
}
