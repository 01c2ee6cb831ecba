import CCodecs

/// The way back from pixels to a photograph's file. One per worker: it keeps its libjpeg state and its buffer from
/// image to image.
///
/// Baseline JPEG with JFIF header, chroma halved along both sides (4:2:0), the standard's Huffman tables and accurate
/// integer DCT: what Pillow's `save(quality=…)` and OpenCV's `imencode` write by default. Equal pixels and quality
/// give equal bytes on one libjpeg.
@safe public final class JPEGEncoder {
  private let handle: OpaquePointer

  /// libjpeg's scale of quality, 0...100.
  public let quality: Int

  /// Longest side of a JPEG, in pixels: what libjpeg writes.
  public static let maxSide = DecodeLimits.maxJPEGSide

  /// An encoder of one quality, 0...100.
  ///
  /// - Throws: `pixel_limit` if there is no memory.
  public init(quality: Int = 95) throws(DecodeError) {
    precondition((0...100).contains(quality), "no such quality")
    guard let handle = unsafe tamis_jpeg_writer_create() else {
      throw DecodeError(.pixelLimit, "no memory for libjpeg")
    }
    unsafe self.handle = handle
    self.quality = quality
  }

  deinit { unsafe tamis_jpeg_writer_destroy(handle) }

  /// More bytes than the file of any image takes: black and white noise at quality 100 comes to about 3 a pixel.
  static func maxBytes(width: Int, height: Int) -> Int { (width + 15) * (height + 15) * 6 + 8192 }

  /// An image as JPEG.
  ///
  /// - Throws: `pixel_limit` where a side is longer than ``maxSide``, and if there is no memory.
  /// - Precondition: at least one pixel.
  public func encode(_ image: RGBImage) throws(DecodeError) -> [UInt8] {
    precondition(image.width > 0 && image.height > 0, "an image has at least one pixel")
    let side = max(image.width, image.height)
    if side > Self.maxSide {
      throw DecodeError(.pixelLimit, "a JPEG has at most \(Self.maxSide) pixels a side, not \(side)")
    }
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    let status = unsafe tamis_jpeg_write(
      handle, image.pixels, UInt32(image.width), UInt32(image.height), Int32(quality),
      Self.maxBytes(width: image.width, height: image.height), &bytes, &count)
    guard status == tamis_ok, let bytes = unsafe bytes else {
      throw DecodeError(.pixelLimit, "libjpeg: \(unsafe String(cString: tamis_jpeg_writer_message(handle)))")
    }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
