import Shards

/// Writes published samples in one format, one shard after the other. A shard is first completed, durably, under a
/// hidden name; ``HiddenShard`` then gives it its own.
protocol ShardFormat: AnyObject {
  /// Whether the open shard can take the sample; asked before each is added, and again after a shard was finished. One that no shard can take is an error.
  func hasRoom(for sample: PublishedSample) throws -> Bool
  /// Adds the sample that ``hasRoom(for:)`` was asked about last to the open shard, or opens shard `index` with it.
  func add(_ sample: PublishedSample, shard index: Int) throws
  /// Completes shard `index`, durably, under its hidden name.
  func complete(shard index: Int) throws -> PublishManifest.Shard
  /// Files that go with all the shards, such as an index; written when the last one is done.
  func finishAll(_ shards: [PublishManifest.Shard]) throws -> [String: [UInt8]]
  /// What to tell at the end.
  var notices: [String] { get }
}

extension ShardFormat {
  func finishAll(_ shards: [PublishManifest.Shard]) throws -> [String: [UInt8]] { [:] }
  var notices: [String] { [] }
}

/// A shard, a file or a directory of arrays, before it has its name: `.00000.tar.tmp`.
enum HiddenShard {
  static func path(_ name: String, in directory: String) -> String { directory + "/." + name + ".tmp" }

  /// Gives a completed shard its name, durably; the index for DALI that belongs to it first.
  ///
  /// One that has its name already is left alone: this may be done again after a kill.
  ///
  /// - Throws: ``PipelineError`` if what has the name then is not the shard.
  static func reveal(_ shard: PublishManifest.Shard, in directory: String) throws {
    let index = Sidecar.index.fileName(ofShard: shard.name)
    for name in (index.map { [$0] } ?? []) + [shard.name] where name != "." {
      if try FileStatus(path: path(name, in: directory)) != nil {
        if shard.files != nil { try Directory.remove(directory + "/" + name) }
        try Directory.rename(path(name, in: directory), to: directory + "/" + name)
      }
    }
    guard try OutputDirectory.isIntact(directory, shard) else {
      throw PipelineError(.badData, "\(directory)/\(shard.name): is not the shard that was completed")
    }
  }
}

extension Recipe.Publish {
  /// The name of a shard: `00000.tar`.
  func shardName(_ index: Int, _ suffix: String) -> String {
    let number = String(index)
    return String(repeating: "0", count: max(0, digits - number.count)) + number + suffix
  }
}
