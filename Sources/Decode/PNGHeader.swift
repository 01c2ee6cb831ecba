/// Reads the chunks of a PNG file (W3C PNG, third edition): IHDR, and from the rest only what tells orientation
/// and transparency. Chunk lengths are stepped over; at most two texts that tell an orientation are inflated, to 1 MiB
/// each.
func readPNGHeader(_ bytes: RawSpan) throws(DecodeError) -> ImageHeader {
  guard let width = bytes.bigEndian32(at: 16), let height = bytes.bigEndian32(at: 20),
    let depth = bytes.byte(at: 24), let colour = bytes.byte(at: 25), let interlace = bytes.byte(at: 28)
  else { throw DecodeError(.truncatedImage, "the PNG ends inside its header") }
  guard bytes.has("IHDR", at: 12), bytes.bigEndian32(at: 8) == 13 else {
    throw DecodeError(.corruptImage, "the PNG does not start with IHDR")
  }
  let channels: UInt8
  switch (colour, depth) {
  case (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (3, 1), (3, 2), (3, 4), (3, 8): channels = 1
  case (2, 8), (2, 16): channels = 3
  case (4, 8), (4, 16): channels = 2
  case (6, 8), (6, 16): channels = 4
  default: throw DecodeError(.corruptImage, "PNG colour type \(colour) with \(depth) bits")
  }
  if interlace > 1 { throw DecodeError(.corruptImage, "PNG interlace method \(interlace)") }
  var header = ImageHeader(
    width: width, height: height, channels: channels, depth: depth, isProgressive: interlace == 1)
  if interlace == 1 { header.scans = 7 }

  var hasAlpha = colour == 4 || colour == 6
  var orientation = PNGOrientation()
  var offset = 33
  while let length = bytes.bigEndian32(at: offset), length < 1 << 31, !bytes.has("IEND", at: offset + 4) {
    let body = min(offset + 8, bytes.byteCount)..<min(offset + 8 + length, bytes.byteCount)
    if bytes.has("tRNS", at: offset + 4) { hasAlpha = true } else { orientation.note(bytes, body) }
    offset += 12 + length
  }
  header.hasTransparency = hasAlpha
  header.orientation = orientation.orientation(bytes) ?? 1
  // libpng's rows before and after conversion, its window and tables.
  header.codecMemory = width * 32 + (1 << 18)
  // Sides above 2^24 are rejected next; the bound keeps the product small.
  if hasAlpha, interlace == 1 { header.codecMemory += min(width, 1 << 24) * min(height, 1 << 24) * 4 }
  return header
}
