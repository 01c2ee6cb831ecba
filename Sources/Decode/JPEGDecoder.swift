import CCodecs

/// Owns one libjpeg decompressor, reused from image to image.
@safe final class JPEGDecoder {
  private let handle: OpaquePointer

  init() throws(DecodeError) {
    guard let handle = unsafe tamis_jpeg_create() else {
      throw DecodeError(.pixelLimit, "no memory for libjpeg")
    }
    unsafe self.handle = handle
  }

  deinit { unsafe tamis_jpeg_destroy(handle) }

  /// Decodes with libjpeg's defaults, which are Pillow's: accurate integer DCT and smooth upsampling.
  func decode(_ bytes: RawSpan, info: ImageInfo, onWarning: WarningPolicy) throws(DecodeError) -> RGBImage {
    defer { unsafe tamis_jpeg_reset(handle) }
    let result = unsafe bytes.withUnsafeBytes { source -> Result<[UInt8], DecodeError> in
      do throws(DecodeError) {
        return .success(try unsafe read(source, info: info, strict: onWarning == .reject))
      } catch {
        return .failure(error)
      }
    }
    return RGBImage(width: info.width, height: info.height, pixels: try result.get())
  }

  private func read(
    _ source: UnsafeRawBufferPointer, info: ImageInfo, strict: Bool
  ) throws(DecodeError) -> [UInt8] {
    var header = tamis_jpeg_header()
    try check(
      unsafe tamis_jpeg_start(
        handle, source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, info.codecMemory,
        Int32(DecodeLimits.maxScans), strict ? 1 : 0, &header))
    guard header.width == info.width, header.height == info.height else {
      throw DecodeError(.corruptImage, "libjpeg reads \(header.width) x \(header.height) from the header")
    }
    let stride = info.width * 3
    let pixels = try unsafe filledBytes(stride * info.height) { target throws(DecodeError) in
      if header.channels == 3 {
        try self.check(unsafe tamis_jpeg_read(handle, target, stride, info.height))
      } else {
        try unsafe self.readCMYK(into: target, width: info.width, height: info.height)
      }
    }
    try check(unsafe tamis_jpeg_finish(handle))
    return pixels
  }

  private func readCMYK(
    into target: UnsafeMutablePointer<UInt8>, width: Int, height: Int
  ) throws(DecodeError) {
    var row = [UInt8](repeating: 0, count: width * 4)
    for y in 0..<height {
      try check(unsafe tamis_jpeg_read(handle, &row, width * 4, 1))
      unsafe invertedCMYKToRGB(
        row, into: UnsafeMutableBufferPointer(start: target + y * width * 3, count: width * 3))
    }
  }

  private func check(_ status: tamis_status) throws(DecodeError) {
    if status == tamis_ok { return }
    let code: DecodeError.Code
    switch status {
    case tamis_truncated: code = .truncatedImage
    case tamis_unsupported: code = .unsupported
    case tamis_memory: code = .pixelLimit
    case tamis_scans: code = .costLimit
    case tamis_warning: code = .jpegWarning
    default: code = .corruptImage
    }
    throw DecodeError(code, "libjpeg: \(unsafe String(cString: tamis_jpeg_message(handle)))")
  }
}
