import Decode
import Shards

/// One row of `samples.npy`: what is known of an accepted sample without its pixels.
struct SampleRecord: Sendable {
  /// The packed type of the file, in the contract's order.
  static let type = NpyType.record([
    NpyField("width", .uint32), NpyField("height", .uint32), NpyField("image_bytes", .uint32),
    NpyField("image_offset", .uint64), NpyField("caption_bytes", .uint32), NpyField("format", .uint8),
    NpyField("orientation", .uint8), NpyField("channels", .uint8), NpyField("depth", .uint8),
  ])

  var image: ImageInfo
  var imageBytes: Int
  /// Of the image data in the decompressed tar.
  var imageOffset: UInt64
  /// 0 without a caption.
  var captionBytes: Int

  /// The row: 28 packed bytes, little-endian.
  var bytes: [UInt8] {
    var row: [UInt8] = []
    row.appendLittleEndian(UInt32(image.width))
    row.appendLittleEndian(UInt32(image.height))
    row.appendLittleEndian(UInt32(imageBytes))
    row.appendLittleEndian(imageOffset)
    row.appendLittleEndian(UInt32(captionBytes))
    row += [image.format.rawValue, image.orientation, image.channels, image.depth]
    return row
  }

  /// Width and height as stored, in pixels, and the orientation, of a row's ``bytes``.
  static func dimensions(_ row: ArraySlice<UInt8>) -> (width: Int, height: Int, orientation: UInt8) {
    let sides = UInt32.decode(Array(row.prefix(8)))
    let orientationOffset = 25
    return (Int(sides[0]), Int(sides[1]), row[row.startIndex + orientationOffset])
  }
}
