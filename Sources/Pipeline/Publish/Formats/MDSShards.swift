import Shards

/// MDS shards with their `index.json`: `shard.00000.mds`, or `shard.00000.mds.zstd`…
final class MDSShards: ShardFormat {
  private let format: MDSFormat
  private var table: MDSTable
  private let directory: String
  private let threads: Int
  private var writer: MDSShardWriter
  /// Of the sample that was asked about last.
  private var values: [ArraySlice<UInt8>] = []

  init(_ format: MDSFormat, _ table: MDSTable, directory: String, threads: Int) {
    (self.format, self.table, self.directory, self.threads) = (format, table, directory, threads)
    writer = MDSShardWriter(format)
  }

  /// A sample larger than a shard may be gets one of its own, as MDS's own writer has it.
  func hasRoom(for sample: PublishedSample) throws -> Bool {
    values = try table.values(sample)
    return writer.samples == 0 || writer.hasRoom(valueBytes: values.reduce(0) { $0 + $1.count })
  }

  func add(_ sample: PublishedSample, shard index: Int) { writer.add(values) }

  func complete(shard index: Int) throws -> PublishManifest.Shard {
    let name = format.name(index)
    let hidden = HiddenShard.path(name, in: directory)
    let (stored, raw) = try writer.finish(try File(path: hidden, .create), threads: threads)
    return .init(
      name: name, samples: stored.samples, bytes: stored.bytes, sha256: stored.sha256,
      raw: .init(bytes: raw.bytes, sha256: raw.sha256))
  }

  func finishAll(_ shards: [PublishManifest.Shard]) -> [String: [UInt8]] {
    ["index.json": Self.index(shards, format)]
  }

  /// `index.json` of these shards.
  static func index(_ shards: [PublishManifest.Shard], _ format: MDSFormat) -> [UInt8] {
    format.index(
      shards.enumerated().map { index, shard in
        let raw = shard.raw!
        return MDSShardInfo(
          samples: shard.samples, raw: (MDSFormat.rawName(index), raw.bytes, raw.sha256),
          stored: format.compression == .none ? nil : (shard.name, shard.bytes, shard.sha256!))
      })
  }

  var notices: [String] { table.notices }
}
