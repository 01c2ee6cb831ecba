import Features
import Shards

/// Adds `image.npy` to columns: temp + fsync + rename, then the manifest that names it.
enum ImageColumn {
  /// Rows encoded as one item of work.
  private static let blockRows = 256

  /// Encodes the shards whose column is missing or was made by another encoder. Returns how many.
  static func fill(
    _ encoder: PixelEncoder, id: String, _ recipe: Recipe, _ shards: [IngestedShard],
    _ workspace: borrowing Workspace,
    _ events: @escaping EventHandler
  ) throws -> Int {
    var stale: [IngestedShard] = []
    for shard in shards {
      let isThere = try FileStatus(path: workspace.columns(shard.name) + "/image.npy") != nil
      let manifest = shard.manifest
      if !isThere || manifest.encoders["image"] != id || manifest.files["image.npy"] == nil {
        stale.append(shard)
      }
    }
    guard !stale.isEmpty else { return 0 }
    let total = stale.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "embed", shards: stale.count, bytes: 0, samples: total))
    let memory = try MemoryPlan(recipe.limits)
    var done = 0
    for shard in stale {
      let directory = workspace.columns(shard.name)
      let temporary = directory + "/.image.npy.tmp"
      try orderedMap(
        from: BlockSource(try NpyReader(path: directory + "/thumbnail.npy"), blockRows: blockRows),
        into: try RowSink(path: temporary, dimension: encoder.dimension), workers: memory.workers,
        window: memory.window,
        makeWorker: { EncodeWorker(encoder: encoder, pixels: encoder.features / 3) },
        finish: { try $0.finish() })
      try Directory.rename(temporary, to: directory + "/image.npy")
      var manifest = shard.manifest
      manifest.encoders["image"] = id
      manifest.files["image.npy"] = try .init(path: directory + "/image.npy")
      try AtomicFile.write(try JSON.file(manifest), to: directory + "/manifest.json")
      done += shard.manifest.accepted
      events(.progress(samples: done, bytes: 0))
    }
    events(.ended(stage: "embed"))
    return stale.count
  }
}

/// Blocks of rows of an array, in order.
private struct BlockSource: PullSource, ~Copyable {
  private let reader: NpyReader
  private let blockRows: Int
  private var position = 0

  init(_ reader: consuming NpyReader, blockRows: Int) {
    self.reader = reader
    self.blockRows = blockRows
  }

  mutating func next() throws -> (item: [UInt8], cost: Int)? {
    guard position < reader.rowCount else { return nil }
    let end = min(position + blockRows, reader.rowCount)
    let rows = try reader.rows(position..<end)
    position = end
    return (rows, 3 * rows.count)
  }
}

/// Thumbnails (n, S, S, 3) → the bytes of `<f2` rows.
private struct EncodeWorker: MapWorker, ~Copyable {
  let encoder: PixelEncoder
  let pixels: Int

  func map(_ images: [UInt8]) -> [UInt8] {
    NpyFile.bytes(of: encoder.encode(PixelLayout.planar(images.span, pixels: pixels).span))
  }
}

private struct RowSink: OrderedSink, ~Copyable {
  private var writer: NpyWriter?

  init(path: String, dimension: Int) throws {
    writer = try NpyWriter(path: path, type: .float16, rowShape: [dimension])
  }

  mutating func consume(_ rows: [UInt8]) throws { try writer!.append(rows) }
  mutating func finish() throws { if let writer = writer.take() { try writer.finish() } }
}
