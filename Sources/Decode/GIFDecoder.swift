import CGIF

/// Decodes the first picture of a GIF on its screen. Where the picture does not cover the screen, the rest is
/// white if the picture has a transparent colour and colour 0 otherwise, as in Pillow.
func decodeGIF(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> RGBImage {
  let result = unsafe bytes.withUnsafeBytes { source -> Result<[UInt8], DecodeError> in
    do throws(DecodeError) {
      let reader = try unsafe GIFReader(source)
      return .success(try reader.read(width: info.width, height: info.height))
    } catch {
      return .failure(error)
    }
  }
  return RGBImage(width: info.width, height: info.height, pixels: try result.get())
}

/// Where giflib reads from.
@unsafe private struct GIFSource {
  let bytes: UnsafeRawBufferPointer
  var position = 0
}

/// Owns one giflib decoder.
@safe private final class GIFReader {
  private let source: UnsafeMutablePointer<GIFSource>
  private let file: UnsafeMutablePointer<GifFileType>

  init(_ bytes: UnsafeRawBufferPointer) throws(DecodeError) {
    unsafe source = .allocate(capacity: 1)
    unsafe source.initialize(to: GIFSource(bytes: bytes))
    var code: Int32 = 0
    let opened = unsafe DGifOpen(
      source,
      { file, target, count in
        guard let file = unsafe file, let target = unsafe target, count > 0,
          let source = unsafe file.pointee.UserData?.assumingMemoryBound(to: GIFSource.self)
        else { return 0 }
        let start = unsafe source.pointee.position
        let got = unsafe min(Int(count), source.pointee.bytes.count - start)
        if got > 0 {
          unsafe target.update(
            from: source.pointee.bytes.baseAddress!.advanced(by: start).assumingMemoryBound(to: UInt8.self),
            count: got)
        }
        unsafe source.pointee.position += got
        return Int32(got)
      }, &code)
    guard let opened = unsafe opened else {
      unsafe source.deallocate()
      throw GIFReader.error(code)
    }
    unsafe file = opened
  }

  deinit {
    var code: Int32 = 0
    _ = unsafe DGifCloseFile(file, &code)
    unsafe source.deallocate()
  }

  /// Reads up to the first picture and returns the screen as RGB.
  func read(width: Int, height: Int) throws(DecodeError) -> [UInt8] {
    var transparent: UInt8?
    while true {
      var kind = UNDEFINED_RECORD_TYPE
      try check(unsafe DGifGetRecordType(file, &kind))
      switch kind {
      case EXTENSION_RECORD_TYPE:
        if let found = try readExtension() { transparent = found }
      case IMAGE_DESC_RECORD_TYPE:
        let wide = wideCodes()
        let status = unsafe DGifGetImageDesc(file)
        // It has read the whole descriptor when it refuses the size of the codes.
        if unsafe wide == nil || source.pointee.position != wide!.offset { try check(status) }
        return try readPicture(width: width, height: height, transparent: transparent, wide: wide)
      default:
        throw DecodeError(.corruptImage, "the GIF has no picture")
      }
    }
  }

  /// Where the data of the picture descriptor to be read starts and its minimum code size, if that is one that
  /// giflib refuses.
  private func wideCodes() -> (offset: Int, size: Int)? {
    let bytes = unsafe source.pointee.bytes
    let start = unsafe source.pointee.position
    guard start + 8 < bytes.count else { return nil }
    let flags = unsafe bytes[start + 8]
    let offset = start + 9 + (flags & 0x80 != 0 ? 6 << Int(flags & 7) : 0)
    guard offset < bytes.count, unsafe (9...11).contains(bytes[offset]) else { return nil }
    return (offset + 1, unsafe Int(bytes[offset]))
  }

  /// Skips an extension; the transparent colour if it is a graphic control extension that names one.
  private func readExtension() throws(DecodeError) -> UInt8? {
    var label: Int32 = 0
    var block: UnsafeMutablePointer<GifByteType>?
    var transparent: UInt8?
    unsafe try check(DGifGetExtension(file, &label, &block))
    var isFirst = true
    while let data = unsafe block {
      // Length, flags, delay (2 bytes), transparent colour.
      if label == 0xF9, isFirst, unsafe data[0] >= 4, unsafe data[1] & 1 != 0 { transparent = unsafe data[4] }
      isFirst = false
      unsafe try check(DGifGetExtensionNext(file, &block))
    }
    return transparent
  }

  private func readPicture(
    width: Int, height: Int, transparent: UInt8?, wide: (offset: Int, size: Int)?
  ) throws(DecodeError) -> [UInt8] {
    let picture = unsafe file.pointee.Image
    let (left, top) = unsafe (Int(picture.Left), Int(picture.Top))
    let (columns, rows) = unsafe (Int(picture.Width), Int(picture.Height))
    guard left >= 0, top >= 0, columns > 0, rows > 0, left + columns <= width, top + rows <= height else {
      throw DecodeError(.corruptImage, "a GIF picture outside its screen")
    }
    let colours = palette(transparent: transparent)
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    if transparent == nil, columns < width || rows < height {
      for i in 0..<width * height { for channel in 0..<3 { pixels[i * 3 + channel] = colours[channel] } }
    }
    var line = [UInt8](repeating: 0, count: columns)
    var indices: [UInt8] = []
    if let wide {
      let bytes = unsafe source.pointee.bytes.bytes
      indices = try decodeWideGIFCodes(
        bytes, at: wide.offset, minimumCodeSize: wide.size, count: columns * rows)
    }
    for (row, y) in unsafe (picture.Interlace ? interlacedRows(rows) : Array(0..<rows)).enumerated() {
      if wide != nil {
        line = Array(indices[row * columns..<(row + 1) * columns])
      } else {
        try check(unsafe DGifGetLine(file, &line, Int32(columns)))
      }
      var target = ((top + y) * width + left) * 3
      for index in line {
        for channel in 0..<3 { pixels[target + channel] = colours[Int(index) * 3 + channel] }
        target += 3
      }
    }
    return pixels
  }

  /// 256 colours: the picture's own or the global ones, then black, or a grey ramp if they are a ramp
  /// themselves or there are none (Pillow reads such a picture as grey). The transparent one is white.
  private func palette(transparent: UInt8?) -> [UInt8] {
    let ramp = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 3) }
    var colours: [UInt8] = []
    if let map = unsafe file.pointee.Image.ColorMap ?? file.pointee.SColorMap {
      for i in unsafe 0..<min(Int(map.pointee.ColorCount), 256) {
        let colour = unsafe map.pointee.Colors[i]
        colours += [colour.Red, colour.Green, colour.Blue]
      }
    }
    if ramp.starts(with: colours) {
      colours = ramp
    } else {
      colours += [UInt8](repeating: 0, count: ramp.count - colours.count)
    }
    if let transparent { for channel in 0..<3 { colours[Int(transparent) * 3 + channel] = 255 } }
    return colours
  }

  /// The order in which an interlaced picture stores its rows (GIF89a appendix E).
  private func interlacedRows(_ rows: Int) -> [Int] {
    [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { Array(stride(from: $0.0, to: rows, by: $0.1)) }
  }

  private func check(_ status: Int32) throws(DecodeError) {
    if status != GIF_OK { throw unsafe GIFReader.error(file.pointee.Error) }
  }

  private static func error(_ code: Int32) -> DecodeError {
    let isShort = code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON
    let text = unsafe GifErrorString(code).map { unsafe String(cString: $0) } ?? "unknown error"
    return DecodeError(isShort ? .truncatedImage : .corruptImage, "giflib: \(text)")
  }
}
