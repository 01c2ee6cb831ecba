import CWebP

/// Reads the chunks of a WebP file (RFC 9649): libwebp's own header reader for the size, a bounded walk of the
/// RIFF chunks for the orientation.
func readWebPHeader(_ bytes: RawSpan) throws(DecodeError) -> ImageHeader {
  guard let length = bytes.littleEndian32(at: 4) else {
    throw DecodeError(.truncatedImage, "the WebP ends inside its header")
  }
  if length + 8 > bytes.byteCount {
    throw DecodeError(.truncatedImage, "the WebP claims \(length + 8) bytes and has \(bytes.byteCount)")
  }
  let features = try webPFeatures(bytes)
  let hasAlpha = features.has_alpha != 0
  // An extended header has the canvas first; `format` 2 is lossless, 0 undecided (animated).
  var header = ImageHeader(
    width: Int(features.width), height: Int(features.height), channels: hasAlpha ? 4 : 3, depth: 8)
  header.orientation = webPOrientation(bytes) ?? 1
  let pixels = header.width * header.height
  // Lossless decoding works on ARGB pixels; alpha needs RGBA before it is laid over white, and its own plane.
  header.codecMemory = header.width * 128 + (1 << 19)
  if features.format != 1 { header.codecMemory += pixels * 4 }
  header.codecMemory += webPTableBytes(bytes, width: header.width, height: header.height)
  // libwebp lists every chunk of an animation: 32 bytes for one that may have 8.
  if features.has_animation != 0 { header.codecMemory += bytes.byteCount * 4 }
  if hasAlpha || features.has_animation != 0 { header.codecMemory += pixels * 5 }
  return header
}

/// What libwebp reads from the header.
func webPFeatures(_ bytes: RawSpan) throws(DecodeError) -> WebPBitstreamFeatures {
  var features = WebPBitstreamFeatures()
  let status = unsafe bytes.withUnsafeBytes {
    unsafe WebPGetFeatures($0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count, &features)
  }
  try checkWebP(status)
  return features
}

/// Turns a status of libwebp into the error it means.
func checkWebP(_ status: VP8StatusCode) throws(DecodeError) {
  switch status {
  case VP8_STATUS_OK: return
  case VP8_STATUS_NOT_ENOUGH_DATA: throw DecodeError(.truncatedImage, "the WebP ends early")
  case VP8_STATUS_OUT_OF_MEMORY: throw DecodeError(.pixelLimit, "no memory for libwebp")
  case VP8_STATUS_UNSUPPORTED_FEATURE: throw DecodeError(.unsupported, "an unknown variant of WebP")
  default: throw DecodeError(.corruptImage, "libwebp status \(status.rawValue)")
  }
}

/// Bytes of the code tables that decoding the image or the first frame takes: of its lossless stream, or of its
/// lossless alpha. A frame's chunks are read as if they stood beside it, as libwebp does with a frame in a frame.
private func webPTableBytes(_ bytes: RawSpan, width: Int, height: Int) -> Int {
  var (width, height) = (width, height)
  var alpha = 0
  var offset = 12
  while let length = bytes.littleEndian32(at: offset + 4) {
    let body = min(offset + 8, bytes.byteCount)..<min(offset + 8 + length, bytes.byteCount)
    if bytes.has("ANMF", at: offset) {
      (width, height) = (frameSide(bytes, body, 6), frameSide(bytes, body, 9))
      alpha = 0
      offset += 24
      continue
    }
    if bytes.has("ALPH", at: offset), body.count > 1, let flags = bytes.byte(at: offset + 8) {
      let stream = body.lowerBound + 1..<body.upperBound
      alpha = flags & 3 == 1 ? vp8lTableBytes(bytes, stream, width: width, height: height) : 0
    } else if bytes.has("VP8L", at: offset), body.count > 5 {
      let stream = body.lowerBound + 5..<body.upperBound
      return max(alpha, vp8lTableBytes(bytes, stream, width: width, height: height))
    } else if bytes.has("VP8 ", at: offset) {
      return alpha
    }
    offset += 8 + length + length & 1
  }
  return alpha
}

/// A side of an animation's frame, stored as 24 bits less one.
private func frameSide(_ bytes: RawSpan, _ body: Range<Int>, _ offset: Int) -> Int {
  (bytes.littleEndian32(at: body.lowerBound + offset) ?? 0) & 0xFF_FFFF + 1
}

/// From the first EXIF chunk, or else from the first XMP chunk; each counts only if the header announces it.
private func webPOrientation(_ bytes: RawSpan) -> UInt8? {
  guard bytes.has("VP8X", at: 12), let flags = bytes.byte(at: 20) else { return nil }
  var hasEXIF = flags & 0x08 != 0
  var hasXMP = flags & 0x04 != 0
  var exifOrientation: UInt8?
  var xmpOrientation: UInt8?
  var offset = 12
  while hasEXIF || hasXMP, let length = bytes.littleEndian32(at: offset + 4) {
    let body = min(offset + 8, bytes.byteCount)..<min(offset + 8 + length, bytes.byteCount)
    if hasEXIF, bytes.has("EXIF", at: offset) {
      exifOrientation = readEXIFOrientation(bytes.extracting(body))
      hasEXIF = false
    } else if hasXMP, bytes.has("XMP ", at: offset) {
      xmpOrientation = readXMPOrientation(bytes.extracting(body))
      hasXMP = false
    }
    offset += 8 + length + length & 1
  }
  return exifOrientation ?? xmpOrientation
}
