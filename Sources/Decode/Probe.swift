/// Reads an image's header and holds it against the limits; allocates nothing that grows with the claimed size.
///
/// The cost is width × height × scans + bytes, where scans are the start-of-scan markers of a multi-scan JPEG
/// (found by walking its markers once), 7 for an interlaced PNG and 1 otherwise. It comes from the file alone,
/// so the same file is accepted or rejected everywhere.
///
/// - Throws: `not_an_image`, `unsupported`, `truncated_image` where the header is cut, `corrupt_image` for a
///   header that breaks its format (a side of 0 among them), `pixel_limit` and `cost_limit`.
public func probe(_ bytes: RawSpan, limits: DecodeLimits) throws(DecodeError) -> ImageInfo {
  let format: ImageFormat
  switch sniff(bytes) {
  case .image(let found): format = found
  case .unsupported(let name): throw DecodeError(.unsupported, "\(name) is not decoded")
  case .other(let what): throw DecodeError(.notAnImage, what)
  }
  let header: ImageHeader
  switch format {
  case .jpeg: header = try readJPEGHeader(bytes)
  case .png: header = try readPNGHeader(bytes)
  case .webp: header = try readWebPHeader(bytes)
  case .gif: header = try readGIFHeader(bytes)
  }
  let side = format == .jpeg ? DecodeLimits.maxJPEGSide : 1 << 24
  try check(width: header.width, height: header.height, side: min(side, limits.maxSide), limits)
  let info = ImageInfo(header: header, format: format, bytes: bytes.byteCount)
  if info.scans > DecodeLimits.maxScans {
    throw DecodeError(.costLimit, "more than \(DecodeLimits.maxScans) scans")
  }
  if info.cost > limits.maxCost {
    throw DecodeError(.costLimit, "cost \(info.cost) is above \(limits.maxCost)")
  }
  if info.decodeMemory > limits.maxMemory {
    throw DecodeError(.pixelLimit, "needs \(info.decodeMemory) bytes, \(limits.maxMemory) are allowed")
  }
  return info
}

private func check(width: Int, height: Int, side: Int, _ limits: DecodeLimits) throws(DecodeError) {
  if width <= 0 || height <= 0 { throw DecodeError(.corruptImage, "\(width) x \(height) pixels") }
  // Each side is at most 2^32 - 1 in any format; the side limit comes first so that products stay small.
  if max(width, height) > side {
    throw DecodeError(.pixelLimit, "\(width) x \(height) has a side above \(side)")
  }
  if width * height > limits.maxPixels {
    throw DecodeError(.pixelLimit, "\(width) x \(height) is above \(limits.maxPixels) pixels")
  }
}
