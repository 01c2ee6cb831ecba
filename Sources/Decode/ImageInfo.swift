/// The image formats that are decoded, numbered as in `samples.npy`.
public enum ImageFormat: UInt8, Sendable, CaseIterable {
  case jpeg = 1
  case png
  case webp
  case gif
}

/// What the header of an image says.
public struct ImageInfo: Sendable, Equatable {
  /// The format, from the magic number.
  public let format: ImageFormat
  /// Width in pixels as stored, before orientation.
  public let width: Int
  /// Height in pixels as stored, before orientation.
  public let height: Int
  /// EXIF orientation, 1...8; 1 where there is none.
  public let orientation: UInt8
  /// Channels as stored: palette and grey 1, grey and alpha 2, RGB 3, RGBA and CMYK 4.
  public let channels: UInt8
  /// Bits per channel as stored.
  public let depth: UInt8
  /// Progressive JPEG, or interlaced PNG or GIF.
  public let isProgressive: Bool
  /// Times the pixels are visited: JPEG scans, 7 for an interlaced PNG, otherwise 1.
  public let scans: Int
  /// The work to expect: width × height × scans + bytes. It is compared with ``DecodeLimits/maxCost``.
  public let cost: UInt64
  /// Bytes the decode and the orientation allocate at their peak: the image and the larger of its turned copy
  /// and ``codecMemory``.
  public let decodeMemory: Int
  /// Whether any reader of the stored bytes sees the pixels that decoding gives, but for the orientation: JPEG of grey
  /// or three colours, PNG of 8-bit RGB without transparency.
  package let isPlain: Bool
  /// Bytes the codec may allocate beside the image: coefficient buffers of multi-scan JPEG, intermediate pixels
  /// with alpha, work rows.
  let codecMemory: Int

  init(header: ImageHeader, format: ImageFormat, bytes: Int) {
    self.format = format
    width = header.width
    height = header.height
    orientation = header.orientation
    channels = header.channels
    depth = header.depth
    isProgressive = header.isProgressive
    scans = header.scans
    isPlain =
      switch format {
      case .jpeg: header.channels != 4
      case .png: header.channels == 3 && header.depth == 8 && !header.hasTransparency
      case .webp, .gif: false
      }
    let pixels = header.width * header.height
    cost = UInt64(pixels) * UInt64(header.scans) + UInt64(bytes)
    codecMemory = header.codecMemory
    decodeMemory = pixels * 3 + max(header.codecMemory, header.orientation == 1 ? 0 : pixels * 3)
  }

  /// Width once the orientation is applied.
  public var orientedWidth: Int { orientation >= 5 ? height : width }
  /// Height once the orientation is applied.
  public var orientedHeight: Int { orientation >= 5 ? width : height }
}

/// What a format's header reader finds.
struct ImageHeader {
  var width: Int
  var height: Int
  var channels: UInt8
  var depth: UInt8
  var orientation: UInt8 = 1
  var isProgressive = false
  var scans = 1
  /// Told for PNG alone: an alpha channel or a tRNS chunk.
  var hasTransparency = false
  /// Bytes the codec allocates beside the image.
  var codecMemory = 0
}
