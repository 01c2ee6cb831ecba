import Shards

/// The journal's seals as the writers' log.
final class SealLog: ShardLog {
  private let journal: any StreamJournal
  private(set) var shards: [PublishManifest.Shard]
  private(set) var samples: Int

  init(_ journal: any StreamJournal, _ seals: [StreamSeal]) throws {
    self.journal = journal
    shards = try seals.map(Self.shard)
    samples = shards.reduce(0) { $0 + $1.samples }
  }

  static func shard(_ seal: StreamSeal) throws -> PublishManifest.Shard {
    do { return try JSON.decode(PublishManifest.Shard.self, from: Array(seal.entry.utf8)) } catch {
      throw PipelineError(.badData, "\(seal.name): its row in the catalog cannot be read")
    }
  }

  var count: Int { shards.count }

  func announce(_ shard: PublishManifest.Shard) throws {
    let entry = String(decoding: try JSON.line(shard).dropLast(), as: UTF8.self)
    try journal.add(
      StreamSeal(
        number: count, name: shard.name, samples: shard.samples, bytes: shard.bytes, entry: entry))
  }

  func record(_ shard: PublishManifest.Shard) throws {
    try journal.published(seal: count)
    shards.append(shard)
    samples += shard.samples
  }
}
