/// Turns image files into 8-bit RGB. One per worker: it keeps its libjpeg state and its work memory from image to
/// image.
public struct ImageDecoder: ~Copyable {
  private let limits: DecodeLimits
  private let onWarning: WarningPolicy
  private let appliesOrientation: Bool
  private let isFast: Bool
  private var jpeg: JPEGDecoder?
  private let resampler = Resampler()
  private let pixels = WorkMemory()
  private let turned = WorkMemory()

  /// Work memory beyond this is given back after each image.
  private static let keptMemory = 16 << 20

  /// A decoder; nothing is allocated before the first image.
  ///
  /// - Parameters:
  ///   - appliesOrientation: turn the image as its EXIF orientation says, as `ImageOps.exif_transpose`.
  ///   - isFast: let ``thumbnail(_:info:by:)`` decode a JPEG at the smallest scale that is still large enough.
  ///     Thumbnails then differ a little from exact ones; see docs/performance.md.
  public init(
    limits: DecodeLimits = DecodeLimits(), onWarning: WarningPolicy = .reject,
    appliesOrientation: Bool = true,
    isFast: Bool = false
  ) {
    self.limits = limits
    self.onWarning = onWarning
    self.appliesOrientation = appliesOrientation
    self.isFast = isFast
  }

  /// Decodes the bytes that ``probe(_:limits:)`` described as `info`; alpha is laid over white, 16-bit samples
  /// become round(v / 257), of an animation the first frame is taken.
  ///
  /// - Throws: any code of ``DecodeError`` but those of captions; `pixel_limit` also where the codec asks for
  ///   more memory than ``ImageInfo/decodeMemory`` foresaw.
  public mutating func decode(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> RGBImage {
    try checkMemory(info)
    let image: RGBImage
    switch info.format {
    case .jpeg:
      let decoder = try jpegDecoder()
      let onWarning = onWarning
      let pixels = try unsafe filledBytes(info.width * info.height * 3) { target throws(DecodeError) in
        try unsafe decoder.decode(bytes, info: info, onWarning: onWarning, into: target)
      }
      image = RGBImage(width: info.width, height: info.height, pixels: pixels)
    case .png: image = try PNGDecoder().decode(bytes, info: info)
    case .webp: image = try decodeWebP(bytes, info: info)
    case .gif: image = try decodeGIF(bytes, info: info)
    }
    return appliesOrientation ? oriented(image, info.orientation) : image
  }

  /// The thumbnail of the image, as ``Thumbnailer/make(from:)`` makes it of the decoded one: size × size × 3
  /// bytes. An upright JPEG is resized as it is decoded and never in memory whole; for other formats and turned
  /// images it is decode, turn, resize.
  ///
  /// - Throws: what ``decode(_:info:)`` throws, in the same cases: parts that the thumbnail does not show are
  ///   checked all the same.
  public mutating func thumbnail(
    _ bytes: RawSpan, info: ImageInfo, by thumbnailer: Thumbnailer
  ) throws(DecodeError) -> [UInt8] {
    var result: [UInt8] = []
    try thumbnail(bytes, info: info, by: thumbnailer, into: &result)
    return result
  }

  /// Several thumbnails of one image: each as ``thumbnail(_:info:by:)`` makes it, the image decoded once.
  public mutating func thumbnails(
    _ bytes: RawSpan, info: ImageInfo, by thumbnailers: [Thumbnailer]
  ) throws(DecodeError) -> [[UInt8]] {
    var results: [[UInt8]] = []
    // A fast decode is another one for each size.
    if thumbnailers.count == 1 || isFast {
      for thumbnailer in thumbnailers { results.append(try thumbnail(bytes, info: info, by: thumbnailer)) }
      return results
    }
    let image = try decode(bytes, info: info)
    for thumbnailer in thumbnailers {
      results.append(resampler.resize(image, thumbnailer.plan(width: image.width, height: image.height)))
    }
    return results
  }

  /// The same as one into an array whose memory is reused where it is large enough; after an error its content is
  /// unspecified.
  public mutating func thumbnail(
    _ bytes: RawSpan, info: ImageInfo, by thumbnailer: Thumbnailer, into result: inout [UInt8]
  ) throws(DecodeError) {
    let count = thumbnailer.size * thumbnailer.size * 3
    if result.count != count { result = [UInt8](repeating: 0, count: count) }
    guard info.format == .jpeg else {
      let image = try decode(bytes, info: info)
      let plan = thumbnailer.plan(width: image.width, height: image.height)
      unsafe result.withUnsafeMutableBufferPointer { target in
        unsafe resampler.resize(image, plan, into: target.baseAddress!)
      }
      return
    }
    try checkMemory(info)
    let decoder = try jpegDecoder()
    var failure: DecodeError?
    unsafe result.withUnsafeMutableBufferPointer { target in
      do throws(DecodeError) {
        try unsafe jpegThumbnail(bytes, info: info, by: thumbnailer, decoder, into: target.baseAddress!)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func jpegThumbnail(
    _ bytes: RawSpan, info: ImageInfo, by thumbnailer: Thumbnailer, _ decoder: JPEGDecoder,
    into target: UnsafeMutablePointer<UInt8>
  ) throws(DecodeError) {
    let orientation = appliesOrientation ? info.orientation : 1
    let scale = isFast ? thumbnailer.scale(for: info, orientation: orientation) : .full
    let plan = thumbnailer.plan(for: info, orientation: orientation, scale: scale)
    try unsafe resizeJPEG(bytes, info: info, scale, orientation, plan, decoder, into: target)
  }

  /// The window that `plan` asks for, of the JPEG decoded at `scale` and turned.
  private func resizeJPEG(
    _ bytes: RawSpan, info: ImageInfo, _ scale: JPEGScale, _ orientation: UInt8, _ plan: ResizePlan,
    _ decoder: JPEGDecoder, into target: UnsafeMutablePointer<UInt8>
  ) throws(DecodeError) {
    // CMYK rows are converted after they are read.
    if orientation == 1, info.channels != 4, !plan.isYFirst {
      try unsafe decoder.resize(
        bytes, info: info, scale: scale, onWarning: onWarning, plan, with: resampler, into: target)
      return
    }
    let (width, height) = (scale.applied(info.width), scale.applied(info.height))
    let image = unsafe pixels.reserve(width * height * 3)
    defer {
      pixels.release(above: Self.keptMemory)
      turned.release(above: Self.keptMemory)
    }
    try unsafe decoder.decode(bytes, info: info, scale: scale, onWarning: onWarning, into: image)
    if let turn = Turn(orientation, width: width, height: height) {
      let upright = unsafe turned.reserve(width * height * 3)
      unsafe turn.copy(image, to: upright)
      unsafe resampler.resize(upright, plan, into: target)
    } else {
      unsafe resampler.resize(image, plan, into: target)
    }
  }

  /// The image as `size` has it: decoded whole (never at a smaller scale), turned, resized as
  /// ``resize(_:width:height:filter:)`` does, then cut or laid on white. The memory of `result` is reused where it has
  /// the right size; after an error its content is unspecified.
  ///
  /// - Throws: what ``decode(_:info:)`` throws; `pixel_limit` also where the result has a side above
  ///   ``DecodeLimits/maxSide``, or decode and result together are above ``DecodeLimits/maxMemory``.
  public mutating func decode(
    _ bytes: RawSpan, info: ImageInfo, to size: PictureSize, into result: inout RGBImage
  ) throws(DecodeError) {
    let orientation = appliesOrientation ? info.orientation : 1
    let isTurned = orientation >= 5
    let (width, height) = isTurned ? (info.height, info.width) : (info.width, info.height)
    let placing = size.placing(width: width, height: height)
    if size.isUnchanged(width: width, height: height) {
      result = try decode(bytes, info: info)
      return
    }
    try checkMemory(info)
    try checkResult(placing.canvas, info)
    let count = placing.canvas.width * placing.canvas.height * 3
    if result.pixels.count != count { result.pixels = [UInt8](repeating: 0, count: count) }
    (result.width, result.height) = placing.canvas
    let plan = ResizePlan(
      from: (width, height), to: placing.scaled, columns: placing.columns, rows: placing.rows,
      filter: size.filter)
    let image = info.format == .jpeg ? nil : try decode(bytes, info: info)
    let decoder = info.format == .jpeg ? try jpegDecoder() : nil
    var failure: DecodeError?
    unsafe result.pixels.withUnsafeMutableBufferPointer { target in
      let start = target.baseAddress!
      do throws(DecodeError) {
        if let image {
          unsafe resampler.resize(image, plan, into: start)
        } else if let decoder {
          try unsafe resizeJPEG(bytes, info: info, .full, orientation, plan, decoder, into: start)
        }
        unsafe placing.spread(start)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func checkResult(_ size: (width: Int, height: Int), _ info: ImageInfo) throws(DecodeError) {
    let name = "\(info.orientedWidth) x \(info.orientedHeight) resized to \(size.width) x \(size.height)"
    if max(size.width, size.height) > limits.maxSide {
      throw DecodeError(.pixelLimit, "\(name) has a side above \(limits.maxSide)")
    }
    let needed = info.decodeMemory + size.width * size.height * 3
    if needed > limits.maxMemory {
      throw DecodeError(.pixelLimit, "\(name) needs \(needed) bytes, \(limits.maxMemory) are allowed")
    }
  }

  private func checkMemory(_ info: ImageInfo) throws(DecodeError) {
    if info.decodeMemory > limits.maxMemory {
      throw DecodeError(.pixelLimit, "needs \(info.decodeMemory) bytes, \(limits.maxMemory) are allowed")
    }
  }

  private mutating func jpegDecoder() throws(DecodeError) -> JPEGDecoder {
    if let jpeg { return jpeg }
    let decoder = try JPEGDecoder()
    jpeg = decoder
    return decoder
  }
}
