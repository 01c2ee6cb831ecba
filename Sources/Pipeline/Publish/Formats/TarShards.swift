import Shards

/// WebDataset shards: `00000.tar`, `00001.tar`…
final class TarShards: ShardFormat {
  private let publish: Recipe.Publish
  private let directory: String
  private let threads: Int
  private var writer: ShardWriter?
  /// Bytes of the open shard's tar, before compression.
  private var rawBytes = 0

  /// - Parameter threads: that compress.
  init(_ publish: Recipe.Publish, directory: String, threads: Int) {
    (self.publish, self.directory, self.threads) = (publish, directory, threads)
  }

  private func name(_ index: Int) -> String {
    publish.shardName(index, "." + publish.compress.tarExtension)
  }

  private func temporary(_ index: Int) -> String { HiddenShard.path(name(index), in: directory) }

  /// A sample larger than a shard may be gets one of its own.
  func hasRoom(for sample: PublishedSample) -> Bool {
    guard let most = publish.shardBytes, writer != nil else { return true }
    return rawBytes + ShardWriter.rawBytes(of: sample.fields) <= most
  }

  func add(_ sample: PublishedSample, shard index: Int) throws {
    if writer == nil {
      let file = try File(path: temporary(index), .create)
      let index: DaliIndexWriter? =
        PublishSidecars(publish).wants(.index)
        ? try DaliIndexWriter(
          path: HiddenShard.path(Sidecar.index.fileName(ofShard: name(index))!, in: directory)) : nil
      writer = try ShardWriter(file, compression: publish.compress, threads: threads, index: index)
      rawBytes = 0
    }
    rawBytes += ShardWriter.rawBytes(of: sample.fields)
    do { try writer!.write(key: sample.key, fields: sample.fields) } catch let fault as ShardFault {
      throw PipelineError(
        .badData, "\(name(index)):-:\(fault.member): \(fault.code.rawValue): \(fault.message)")
    }
  }

  func complete(shard index: Int) throws -> PublishManifest.Shard {
    let written = try writer.take()!.finish()
    return .init(
      name: name(index), samples: written.samples, bytes: written.bytes, sha256: written.sha256)
  }
}
