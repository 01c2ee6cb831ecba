/// Reads the tag Orientation (0x0112) from a TIFF structure and nothing else: at most 64 KiB and 512 entries of
/// the first directory are looked at, in either byte order. `nil` where there is no such tag; a value outside
/// 1...8 counts as 1. Like Pillow it takes the last tag if there are several.
func readEXIFOrientation(_ exif: RawSpan) -> UInt8? {
  var tiff = exif.extracting(first: min(exif.byteCount, 1 << 16))
  // PNG and WebP files often keep the prefix that belongs to JPEG.
  for _ in 0..<2 where tiff.has("Exif\0\0", at: 0) { tiff = tiff.extracting(droppingFirst: 6) }
  let isBig: Bool
  if tiff.has([0x4D, 0x4D, 0, 0x2A], at: 0) {
    isBig = true
  } else if tiff.has([0x49, 0x49, 0x2A, 0], at: 0) {
    isBig = false
  } else {
    return nil
  }
  guard let directory = isBig ? tiff.bigEndian32(at: 4) : tiff.littleEndian32(at: 4),
    let entries = isBig ? tiff.bigEndian16(at: directory) : tiff.littleEndian16(at: directory)
  else { return nil }
  var found: UInt8?
  for i in 0..<min(entries, 512) {
    let entry = directory + 2 + 12 * i
    guard let tag = isBig ? tiff.bigEndian16(at: entry) : tiff.littleEndian16(at: entry),
      let type = isBig ? tiff.bigEndian16(at: entry + 2) : tiff.littleEndian16(at: entry + 2),
      let count = isBig ? tiff.bigEndian32(at: entry + 4) : tiff.littleEndian32(at: entry + 4),
      let short = isBig ? tiff.bigEndian16(at: entry + 8) : tiff.littleEndian16(at: entry + 8),
      let long = isBig ? tiff.bigEndian32(at: entry + 8) : tiff.littleEndian32(at: entry + 8)
    else { break }
    guard tag == 0x0112, count == 1 else { continue }
    // SHORT, SSHORT, LONG, SLONG.
    switch type {
    case 3, 8: found = (1...8).contains(short) ? UInt8(short) : 1
    case 4, 9: found = (1...8).contains(long) ? UInt8(long) : 1
    default: found = 1
    }
  }
  return found
}

/// Finds `tiff:Orientation="6"` or `tiff:Orientation>6` in the first 64 KiB of an XMP packet; Pillow honours it
/// where EXIF has no orientation. `nil` where there is none.
func readXMPOrientation(_ packet: RawSpan) -> UInt8? {
  let name: StaticString = "tiff:Orientation"
  let end = min(packet.byteCount, 1 << 16)
  var offset = 0
  while offset < end {
    // "t" first: most offsets are left at once.
    if packet.byte(at: offset) == 0x74, packet.has(name, at: offset) {
      let value = offset + name.utf8CodeUnitCount
      let digit = packet.has("=\"", at: value) ? value + 2 : packet.has(">", at: value) ? value + 1 : -1
      if let byte = packet.byte(at: digit), (0x30...0x39).contains(byte) {
        return (0x31...0x38).contains(byte) ? byte - 0x30 : 1
      }
    }
    offset += 1
  }
  return nil
}
