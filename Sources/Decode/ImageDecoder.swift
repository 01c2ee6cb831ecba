/// Turns image files into 8-bit RGB. One per worker: it keeps its libjpeg state from image to image.
public struct ImageDecoder: ~Copyable {
  private let limits: DecodeLimits
  private let onWarning: WarningPolicy
  private let appliesOrientation: Bool
  private var jpeg: JPEGDecoder?

  /// A decoder; nothing is allocated before the first image.
  ///
  /// - Parameter appliesOrientation: turn the image as its EXIF orientation says, as `ImageOps.exif_transpose`.
  public init(
    limits: DecodeLimits = DecodeLimits(), onWarning: WarningPolicy = .reject, appliesOrientation: Bool = true
  ) {
    self.limits = limits
    self.onWarning = onWarning
    self.appliesOrientation = appliesOrientation
  }

  /// Decodes the bytes that ``probe(_:limits:)`` described as `info`; alpha is laid over white, 16-bit samples
  /// become round(v / 257), of an animation the first frame is taken.
  ///
  /// - Throws: any code of ``DecodeError`` but those of captions; `pixel_limit` also where the codec asks for
  ///   more memory than ``ImageInfo/decodeMemory`` foresaw.
  public mutating func decode(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> RGBImage {
    if info.decodeMemory > limits.maxMemory {
      throw DecodeError(.pixelLimit, "needs \(info.decodeMemory) bytes, \(limits.maxMemory) are allowed")
    }
    let image: RGBImage
    switch info.format {
    case .jpeg:
      let decoder: JPEGDecoder
      if let jpeg { decoder = jpeg } else { decoder = try JPEGDecoder() }
      jpeg = decoder
      image = try decoder.decode(bytes, info: info, onWarning: onWarning)
    case .png: image = try PNGDecoder().decode(bytes, info: info)
    case .webp: image = try decodeWebP(bytes, info: info)
    case .gif: image = try decodeGIF(bytes, info: info)
    }
    return appliesOrientation ? oriented(image, info.orientation) : image
  }
}
