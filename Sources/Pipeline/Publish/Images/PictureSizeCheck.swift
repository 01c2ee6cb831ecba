import Decode
import Shards

/// Looks at the sizes of all pictures that will be published, before anything is written: one that cannot become as
/// large as the recipe has it must not stop the work at its end.
struct PictureSizeCheck {
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

  /// - Throws: ``PipelineError`` with the number of such pictures and the first of them.
  func check(
    _ shards: [IngestedShard], isKept: (_ shard: Int, _ row: Int) -> Bool, _ workspace: borrowing Workspace
  ) throws {
    guard image.form != .keep else { return }
    let size = image.pictureSize
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
          let result = size.result(width: width, height: height)
          guard max(result.width, result.height) > maxSide || result.width * result.height * 3 > maxMemory
          else { continue }
          count += 1
          if count > 1 { continue }
          let key = printable(try KeyFile.keys(directory + "/keys.txt")[row])
          first =
            "\(key) of \(shard.name): \(width) x \(height) pixels would become \(result.width) x \(result.height)"
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

extension SampleRecord {
  /// Width and height as stored, and the orientation, of a row.
  static func dimensions(_ row: ArraySlice<UInt8>) -> (width: Int, height: Int, orientation: UInt8) {
    func integer(_ offset: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(row[row.startIndex + offset + $1]) << (8 * $1) }
    }
    return (integer(0), integer(4), row[row.startIndex + 25])
  }
}
