import Algebra
import Features
import Shards

/// The sums and products of all thumbnails of a workspace, saved now and then so that a killed fit goes on.
///
/// The state is a directory of partial statistics, `models/.pca-partial`, of the first N thumbnails in shard order;
/// it goes when the basis is written. Sums are exact, so the bits of the result do not depend on kills. Saving takes
/// as long as adding some hundred images, whatever their size; at one save in 65 536 images that is below 2 %.
struct ThumbnailGram {
  static let interval = 65_536

  let shards: [IngestedShard]
  let columns: [String]
  /// Side of a thumbnail.
  let size: Int
  /// Where the state is kept.
  let path: String
  /// Images between saves.
  let interval: Int

  init(_ shards: [IngestedShard], _ workspace: borrowing Workspace, size: Int, interval: Int) {
    self.shards = shards
    columns = shards.map { workspace.columns($0.name) }
    self.size = size
    path = workspace.path + "/models/.pca-partial"
    self.interval = interval
  }

  private var features: Int { 3 * size * size }
  private var total: Int { shards.reduce(0) { $0 + $1.manifest.accepted } }

  /// Names the thumbnails and their order.
  private func key() throws -> String {
    sha256(try JSON.line(shards.map { $0.manifest.files["thumbnail.npy"]?.sha256 ?? "" }))
  }

  /// Adds all thumbnails, those of a saved state excepted.
  func accumulate(threads: Int, _ events: EventHandler) throws -> ExactGram {
    let key = try key()
    var gram = try resumed(key, threads: threads)
    var saved = gram.count
    var shardStart = 0
    for (shard, directory) in zip(shards, columns) {
      defer { shardStart += shard.manifest.accepted }
      guard shardStart + shard.manifest.accepted > gram.count else { continue }
      let thumbnails = try NpyReader(path: directory + "/thumbnail.npy")
      guard thumbnails.rowCount == shard.manifest.accepted, thumbnails.rowItems == features else {
        throw PipelineError(
          .badData, "\(directory): the columns do not fit together; ingest this shard again")
      }
      for start in stride(from: gram.count - shardStart, to: thumbnails.rowCount, by: 256) {
        let rows = try thumbnails.rows(start..<min(start + 256, thumbnails.rowCount))
        gram.add(PixelLayout.planar(rows.span, pixels: size * size).span)
        events(.progress(samples: gram.count, bytes: UInt64(gram.count * features)))
        if gram.count - saved >= interval, total - gram.count >= interval {
          try PartialStatistics.write(
            &gram, layout: .init(PixelShape(height: size, width: size)), sources: [key], to: path)
          saved = gram.count
        }
      }
    }
    return gram
  }

  /// What an interrupted fit of the same thumbnails left; an empty accumulator if that is nothing usable.
  private func resumed(_ key: String, threads: Int) throws -> ExactGram {
    guard let manifest = try? PartialStatistics.manifest(path), manifest.sources == [key],
      manifest.features == features, manifest.samples <= total
    else { return ExactGram(features: features, threads: threads) }
    var gram = ExactGram(features: features, threads: threads)
    do {
      try PartialStatistics.add(path, manifest, to: &gram)
      return gram
    } catch {
      // Damaged: begin again, which only costs time.
      return ExactGram(features: features, threads: threads)
    }
  }

  /// Removes the state.
  func forget() throws { try Directory.remove(path) }
}
