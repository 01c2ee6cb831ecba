/// Reads a GIF file (GIF89a specification) up to its first picture. The size is that of the logical screen,
/// widened where the first picture goes beyond it, as in Pillow.
func readGIFHeader(_ bytes: RawSpan) throws(DecodeError) -> ImageHeader {
  let truncated = DecodeError(.truncatedImage, "the GIF ends inside its header")
  guard let screenWidth = bytes.littleEndian16(at: 6), let screenHeight = bytes.littleEndian16(at: 8),
    let flags = bytes.byte(at: 10)
  else { throw truncated }
  var offset = 13 + (flags & 0x80 != 0 ? 6 << Int(flags & 7) : 0)
  while let introducer = bytes.byte(at: offset) {
    switch introducer {
    case 0x21:
      offset += 2
      while let length = bytes.byte(at: offset), length != 0 { offset += 1 + Int(length) }
      offset += 1
    case 0x2C:
      guard let left = bytes.littleEndian16(at: offset + 1), let top = bytes.littleEndian16(at: offset + 3),
        let width = bytes.littleEndian16(at: offset + 5), let height = bytes.littleEndian16(at: offset + 7),
        let local = bytes.byte(at: offset + 9)
      else { throw truncated }
      if width == 0 || height == 0 {
        throw DecodeError(.corruptImage, "a GIF picture of \(width) x \(height)")
      }
      return ImageHeader(
        width: max(screenWidth, left + width), height: max(screenHeight, top + height), channels: 1, depth: 8,
        isProgressive: local & 0x40 != 0, codecMemory: 1 << 20)
    case 0x3B:
      throw DecodeError(.corruptImage, "the GIF has no picture")
    default:
      throw DecodeError(.corruptImage, "GIF block type \(introducer)")
    }
  }
  throw truncated
}
