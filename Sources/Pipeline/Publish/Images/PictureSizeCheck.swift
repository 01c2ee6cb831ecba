import Decode
import Shards

/// Tells which pictures cannot become as large as the recipe has it (slivers, by `keep_ratio`), so that none of them stops
/// the work at its end: a run looks at all of them before anything is written, a stream rejects them as they come.
struct PictureSizeCheck: Sendable {
  private let image: Recipe.Publish.Image
  private let isTurning: Bool
  private let maxSide: Int
  private let maxMemory: Int

  init(_ recipe: Recipe, _ limits: DecodeLimits) {
    image = recipe.publish.image
    isTurning = recipe.decode.appliesOrientation
    let isJPEG = image.form == .resize && image.format == .jpg
    maxSide = isJPEG ? min(JPEGEncoder.maxSide, limits.maxSide) : limits.maxSide
    maxMemory = limits.maxMemory
  }

  /// What is wrong with the size that a picture would get; nil if nothing is.
  ///
  /// - Parameters:
  ///   - width: in pixels, as the picture is looked at.
  ///   - decodeMemory: bytes that the decode takes.
  private func fault(width: Int, height: Int, decodeMemory: Int) -> String? {
    if image.form == .keep { return nil }
    let result = image.pictureSize.result(width: width, height: height)
    let isSmall = max(result.width, result.height) <= maxSide
    if isSmall, decodeMemory + result.width * result.height * 3 <= maxMemory { return nil }
    return "\(width) x \(height) pixels would become \(result.width) x \(result.height)"
  }

  /// The same for a picture whose header was read.
  func fault(_ info: ImageInfo) -> String? {
    let (width, height) =
      isTurning ? (info.orientedWidth, info.orientedHeight) : (info.width, info.height)
    return fault(width: width, height: height, decodeMemory: info.decodeMemory)
  }

  /// Looks at all pictures that will be published.
  ///
  /// - Throws: ``PipelineError`` with the number of those that would become too large, and the first of them.
  func check(
    _ shards: [IngestedShard], isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws {
    guard image.form != .keep else { return }
    var count = 0
    var first = ""
    for (index, shard) in shards.enumerated() where shard.manifest.accepted > 0 {
      let directory = workspace.columns(shard.name)
      let reader = try NpyReader(path: directory + "/samples.npy")
      for start in stride(from: 0, to: reader.rowCount, by: 1 << 14) {
        let block = start..<min(start + 1 << 14, reader.rowCount)
        let bytes = try reader.rows(block)
        for row in block where isKept(index, row) {
          let record = SampleRecord.dimensions(bytes[((row - start) * reader.rowBytes)...])
          let (width, height) =
            isTurning && record.orientation >= 5
            ? (record.height, record.width) : (record.width, record.height)
          guard let fault = fault(width: width, height: height, decodeMemory: 3 * width * height) else {
            continue
          }
          count += 1
          if count > 1 { continue }
          let key = printable(try KeyFile.keys(directory + "/keys.txt")[row])
          first = "\(key) of \(shard.name): \(fault)"
        }
      }
    }
    guard count > 0 else { return }
    throw PipelineError(
      .badData,
      "publish.resize_mode: \(count) of the pictures would become too large, as \(first); a picture has at most "
        + "\(maxSide) pixels a side and \(ByteSize.text(maxMemory)) here; resize_mode: keep_ratio_largest bounds the "
        + "longer side, prune.filter: 'max(width, height) <= \(maxSide / image.size) * min(width, height)' leaves "
        + "slivers out")
  }
}
