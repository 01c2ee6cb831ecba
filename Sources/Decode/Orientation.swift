/// The value types of TIFF that Pillow reads, with their sizes in bytes.
private let unitSizes: [Int: Int] = [
  1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
]

/// Reads the tag Orientation (0x0112) from the first directory of a TIFF structure and nothing else, in either
/// byte order; at most 512 entries are looked at. `nil` where there is no such tag; a value outside 1...8 counts
/// as 1.
///
/// What is broken is read as Pillow reads it: of several tags the first counts, a tag whose values are larger
/// than the structure is passed over, and one whose values lie beyond its end stops the reading.
func readEXIFOrientation(_ exif: RawSpan) -> UInt8? {
  var bytes = exif
  // PNG and WebP files often keep the prefix that belongs to JPEG.
  for _ in 0..<2 where bytes.has("Exif\0\0", at: 0) { bytes = bytes.extracting(droppingFirst: 6) }
  let isBig: Bool
  // The second ones are wrong, and Pillow takes them.
  if bytes.has([0x4D, 0x4D, 0, 0x2A], at: 0) || bytes.has([0x4D, 0x4D, 0x2A, 0], at: 0) {
    isBig = true
  } else if bytes.has([0x49, 0x49, 0x2A, 0], at: 0) || bytes.has([0x49, 0x49, 0, 0x2A], at: 0) {
    isBig = false
  } else {
    return nil
  }
  guard let directory = bytes.integer(at: 4, 4, isBig: isBig),
    let entries = bytes.integer(at: directory, 2, isBig: isBig)
  else { return nil }
  var seen: Set<Int> = []
  var total = 0
  for i in 0..<min(entries, 512) {
    let entry = directory + 2 + 12 * i
    guard let tag = bytes.integer(at: entry, 2, isBig: isBig),
      let type = bytes.integer(at: entry + 2, 2, isBig: isBig),
      let count = bytes.integer(at: entry + 4, 4, isBig: isBig),
      let inside = bytes.integer(at: entry + 8, 4, isBig: isBig)
    else { return nil }
    guard !seen.contains(tag), let unit = unitSizes[type] else { continue }
    let size = count * unit
    if size > 4 {
      total += size
      if total > bytes.byteCount { continue }
      if inside + size > bytes.byteCount { return nil }
    }
    if size == 0 { continue }
    if tag == 0x0112 { return bytes.orientation(type, at: size > 4 ? inside : entry + 8, isBig: isBig) }
    seen.insert(tag)
  }
  return nil
}

extension RawSpan {
  /// An unsigned integer of `size` bytes, at most 4, in either byte order; nil beyond the end.
  fileprivate func integer(at offset: Int, _ size: Int, isBig: Bool) -> Int? {
    var value = 0
    for i in 0..<size {
      guard let byte = byte(at: isBig ? offset + i : offset + size - 1 - i) else { return nil }
      value = value << 8 | Int(byte)
    }
    return value
  }

  /// The orientation that a TIFF value of some type means; 1 for what is no number of 1...8.
  fileprivate func orientation(_ type: Int, at offset: Int, isBig: Bool) -> UInt8 {
    guard let size = unitSizes[type], let low = integer(at: offset, Swift.min(size, 4), isBig: isBig) else {
      return 1
    }
    let high = integer(at: offset + 4, 4, isBig: isBig) ?? 0
    let pattern = UInt64(isBig ? low : high) << 32 | UInt64(isBig ? high : low)
    let value: Double
    switch type {
    case 3, 4, 6, 8, 9, 13: value = Double(low)  // negative ones are above 8 without their sign
    case 5: value = Double(low) / Double(high)
    case 10:
      value = Double(Int32(truncatingIfNeeded: low)) / Double(Int32(truncatingIfNeeded: high))
    case 11: value = Double(Float(bitPattern: UInt32(low)))
    case 12: value = Double(bitPattern: pattern)
    case 16: value = Double(pattern)
    default: return 1
    }
    return UInt8(exactly: value).flatMap { (1...8).contains($0) ? $0 : nil } ?? 1
  }
}

/// Finds `tiff:Orientation="6"` or `tiff:Orientation>6` in the first MiB of an XMP packet; Pillow honours it
/// where EXIF has no orientation. `nil` where there is none.
func readXMPOrientation(_ packet: RawSpan) -> UInt8? {
  let name: StaticString = "tiff:Orientation"
  let end = min(packet.byteCount, 1 << 20)
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
