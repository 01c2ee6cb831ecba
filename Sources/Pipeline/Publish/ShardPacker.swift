import Foundation
import Shards

/// Fills published shards `00000.tar`, `00001.tar`… with `samples_per_shard` samples each and commits every one
/// as it is full.
struct ShardPacker: ~Copyable {
  private let compression: ShardCompression
  private let perShard: Int
  private let total: Int
  private let directory: String
  private var writer: ShardWriter?
  private var added = 0
  /// Those committed so far, in order.
  private(set) var shards: [PublishManifest.Shard] = []
  /// True while the current shard exists already and its samples are passed over.
  private var isSkipping = false
  private var block: FieldBlock
  private var thumbnails: ThumbnailReader

  /// - Parameter fields: computed for every sample from the thumbnails in `workspace`.
  init(
    _ publish: Recipe.Publish, total: Int, _ directory: String, _ fields: AddedFields?, workspace: String
  ) {
    block = FieldBlock(fields)
    thumbnails = ThumbnailReader(workspace: workspace)
    compression = publish.compress
    perShard = publish.samplesPerShard
    self.total = total
    self.directory = directory
  }

  private func name(_ index: Int) -> String {
    String(format: "%05d.", index) + compression.tarExtension
  }

  private func temporary(_ name: String) -> String { directory + "/." + name + ".tmp" }

  /// What to tell at the end.
  var notices: [String] { block.notices }

  /// Adds the next sample, row `row` of workspace shard `shard`; `sample` is not asked for when its shard was finished by an earlier run.
  mutating func add(
    _ output: borrowing OutputDirectory, shard: String, row: Int, _ events: EventHandler,
    _ sample: () throws -> PublishedSample
  ) throws {
    if added % perShard == 0 {
      try finish(events)
      let name = name(shards.count)
      let samples = min(perShard, total - added)
      if let finished = try output.finished(name, samples: samples) {
        isSkipping = true
        shards.append(.init(name: name, samples: samples, bytes: finished.bytes, sha256: finished.sha256))
      } else {
        isSkipping = false
        writer = try ShardWriter(try File(path: temporary(name), .create), compression: compression)
      }
    }
    added += 1
    guard !isSkipping else { return }
    let ready = try block.add(try sample(), position: added - 1) {
      try thumbnails.thumbnail(shard: shard, row: row)
    }
    try write(ready)
    if added % 64 == 0 { events(.progress(samples: added, bytes: 0)) }
  }

  private mutating func write(_ samples: [PublishedSample]) throws {
    for sample in samples { try writer!.write(key: sample.key, fields: sample.fields) }
  }

  /// Commits the shard that is open, if any.
  mutating func finish(_ events: EventHandler) throws {
    try write(block.flush())
    guard let writer = writer.take() else { return }
    let written = try writer.finish()
    let name = name(shards.count)
    try Directory.rename(temporary(name), to: directory + "/" + name)
    shards.append(.init(name: name, samples: written.samples, bytes: written.bytes, sha256: written.sha256))
    events(.committed(path: name, samples: written.samples))
  }
}
