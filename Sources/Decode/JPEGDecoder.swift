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
  ///
  /// - Parameter target: room for the pixels, 3 bytes each, of the size that `scale` makes of the image.
  func decode(
    _ bytes: RawSpan, info: ImageInfo, scale: JPEGScale = .full, onWarning: WarningPolicy,
    into target: UnsafeMutablePointer<UInt8>
  ) throws(DecodeError) {
    try reading(bytes, info: info, scale: scale, onWarning: onWarning) { header throws(DecodeError) in
      let (width, height) = (Int(header.width), Int(header.height))
      if header.channels == 3 {
        try check(unsafe tamis_jpeg_read(handle, target, width * 3, height))
      } else {
        try unsafe readCMYK(into: target, width: width, height: height)
      }
    }
  }

  /// Decodes and resizes as the rows come, so that the image is never in memory whole. Rows and columns that the
  /// plan does not need are read and checked, but no pixels are made of them.
  ///
  /// - Precondition: `plan` is of the size that `scale` makes of the image and goes along x first; the image is
  ///   not CMYK.
  func resize(
    _ bytes: RawSpan, info: ImageInfo, scale: JPEGScale, onWarning: WarningPolicy, _ plan: ResizePlan,
    with resampler: Resampler, into target: UnsafeMutablePointer<UInt8>
  ) throws(DecodeError) {
    try reading(bytes, info: info, scale: scale, onWarning: onWarning) { header throws(DecodeError) in
      guard header.channels == 3 else {
        throw DecodeError(.corruptImage, "libjpeg reads \(header.channels) components from the header")
      }
      let width = Int(header.width)
      var left: UInt32 = 0
      var columns = header.width
      // Of a file with warnings every pixel stays as libjpeg's usual ways make it.
      let needsAll = onWarning == .keep
      let needed = resampler.columns(plan)
      let rows = resampler.rows(plan)
      if !needsAll, needed.count + 64 < width {
        left = UInt32(max(needed.lowerBound - 2, 0))
        columns = UInt32(min(needed.upperBound + 2, width)) - left
        try check(unsafe tamis_jpeg_crop(handle, &left, &columns))
      }
      let read = Int(left)..<Int(left + columns)
      let line = unsafe spare.reserve(read.count * 3)
      try unsafe pass(rows.lowerBound, line: line, decoding: needsAll)
      try unsafe resampler.alongXThenY(plan, from: read, into: target) {
        band, stride, count throws(DecodeError) in
        try check(unsafe tamis_jpeg_read(handle, band, stride, count))
      }
      let behind = Int(header.height) - rows.upperBound
      if behind > 0 {
        try unsafe pass(behind - 1, line: line, decoding: needsAll)
        try check(unsafe tamis_jpeg_read(handle, line, 0, 1))
      }
    }
  }

  /// A row that nobody looks at.
  private let spare = WorkMemory()

  private func pass(_ rows: Int, line: UnsafeMutablePointer<UInt8>, decoding: Bool) throws(DecodeError) {
    if rows == 0 { return }
    // With a stride of 0 every row goes to the same place.
    try check(unsafe decoding ? tamis_jpeg_read(handle, line, 0, rows) : tamis_jpeg_skip(handle, rows))
  }

  /// Starts a decode, lets `body` read the rows and ends it.
  private func reading(
    _ bytes: RawSpan, info: ImageInfo, scale: JPEGScale, onWarning: WarningPolicy,
    _ body: (tamis_jpeg_header) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    defer { unsafe tamis_jpeg_reset(handle) }
    let failure = unsafe bytes.withUnsafeBytes { source -> DecodeError? in
      do throws(DecodeError) {
        var header = tamis_jpeg_header()
        try check(
          unsafe tamis_jpeg_start(
            handle, source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, info.codecMemory,
            Int32(DecodeLimits.maxScans), onWarning == .reject ? 1 : 0, Int32(scale.eighths), &header))
        guard header.width == scale.applied(info.width), header.height == scale.applied(info.height) else {
          throw DecodeError(.corruptImage, "libjpeg reads \(header.width) x \(header.height) from the header")
        }
        try body(header)
        try check(unsafe tamis_jpeg_finish(handle))
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
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
