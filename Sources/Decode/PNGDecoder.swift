import CCodecs

/// Owns one libpng decoder, good for one image.
@safe final class PNGDecoder {
  private let handle: OpaquePointer

  init() throws(DecodeError) {
    guard let handle = unsafe tamis_png_create() else {
      throw DecodeError(.pixelLimit, "no memory for libpng")
    }
    unsafe self.handle = handle
  }

  deinit { unsafe tamis_png_destroy(handle) }

  /// Decodes to RGB, alpha laid over white; every CRC up to IEND is checked.
  func decode(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> RGBImage {
    let result = unsafe bytes.withUnsafeBytes { source -> Result<[UInt8], DecodeError> in
      do throws(DecodeError) {
        return .success(try unsafe read(source, info: info))
      } catch {
        return .failure(error)
      }
    }
    return RGBImage(width: info.width, height: info.height, pixels: try result.get())
  }

  private func read(_ source: UnsafeRawBufferPointer, info: ImageInfo) throws(DecodeError) -> [UInt8] {
    var header = tamis_png_header()
    try check(
      unsafe tamis_png_start(
        handle, source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count,
        UInt32(max(info.width, info.height)), &header))
    guard header.width == info.width, header.height == info.height,
      header.channels == 3 || header.channels == 4
    else { throw DecodeError(.corruptImage, "libpng reads another size from the header") }
    let (width, height) = (info.width, info.height)
    let hasAlpha = header.channels == 4
    let pixels = try unsafe filledBytes(width * height * 3) { target throws(DecodeError) in
      if !hasAlpha {
        try self.check(unsafe tamis_png_read(handle, target, width * 3))
      } else if info.isProgressive {
        let image = try unsafe filledBytes(width * height * 4) { rgba throws(DecodeError) in
          try self.check(unsafe tamis_png_read(handle, rgba, width * 4))
        }
        unsafe layOverWhite(image, into: UnsafeMutableBufferPointer(start: target, count: width * height * 3))
      } else {
        try unsafe self.readRowsOverWhite(into: target, width: width, height: height)
      }
    }
    try check(unsafe tamis_png_finish(handle))
    return pixels
  }

  private func readRowsOverWhite(
    into target: UnsafeMutablePointer<UInt8>, width: Int, height: Int
  ) throws(DecodeError) {
    var row = [UInt8](repeating: 0, count: width * 4)
    for y in 0..<height {
      try check(unsafe tamis_png_read_row(handle, &row))
      unsafe layOverWhite(
        row, into: UnsafeMutableBufferPointer(start: target + y * width * 3, count: width * 3))
    }
  }

  private func check(_ status: tamis_status) throws(DecodeError) {
    if status == tamis_ok { return }
    let code: DecodeError.Code
    switch status {
    case tamis_truncated: code = .truncatedImage
    case tamis_scans: code = .costLimit
    default: code = .corruptImage
    }
    throw DecodeError(code, "libpng: \(unsafe String(cString: tamis_png_message(handle)))")
  }
}
