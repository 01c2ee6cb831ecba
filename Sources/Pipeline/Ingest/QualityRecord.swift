import Features
import Shards

/// One row of `quality.npy`: see docs/quality.md.
struct QualityRecord: Sendable {
  /// The packed type of the file.
  static let type = NpyType.record([
    NpyField("brightness", .float32), NpyField("contrast", .float32), NpyField("sharpness", .float32),
    NpyField("entropy", .float32), NpyField("greyness", .float32), NpyField("aspect", .float32),
    NpyField("phash", .uint64), NpyField("caption_length", .uint32), NpyField("caption_words", .uint32),
    NpyField("jpeg_subsampling", .uint16), NpyField("jpeg_quality", .uint8),
  ])

  var picture: PictureQuality
  var caption: CaptionSize
  var jpeg: JPEGQuality

  /// The row: 43 packed bytes, little-endian.
  var bytes: [UInt8] {
    var row: [UInt8] = []
    row.reserveCapacity(43)
    for value in [
      picture.brightness, picture.contrast, picture.sharpness, picture.entropy, picture.greyness,
      picture.aspect,
    ] { row.appendLittleEndian(value.bitPattern) }
    row.appendLittleEndian(picture.hash)
    row.appendLittleEndian(UInt32(clamping: caption.characters))
    row.appendLittleEndian(UInt32(clamping: caption.words))
    row.appendLittleEndian(jpeg.subsampling)
    row.append(jpeg.quality)
    return row
  }
}
