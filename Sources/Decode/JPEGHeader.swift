/// Reads the markers of a JPEG file (ITU-T T.81 annex B) up to its first scan, and counts the scans where there
/// can be more than one.
func readJPEGHeader(_ bytes: RawSpan) throws(DecodeError) -> ImageHeader {
  var walk = JPEGWalk()
  while let marker = walk.next(bytes) {
    switch marker {
    case 0xD8:
      continue
    case 0xD9:
      throw DecodeError(.corruptImage, "the JPEG ends without a picture")
    case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
      try walk.readFrame(bytes, marker)
    case 0xE1:
      walk.readApplication1(bytes)
    case 0xDA:
      return try walk.finish(bytes)
    default:
      break
    }
    walk.skipSegment(bytes)
  }
  throw DecodeError(.truncatedImage, "the JPEG ends inside its header")
}

/// A position in the markers of a JPEG file and what they said so far.
struct JPEGWalk {
  /// Just after the last marker.
  var offset = 0
  var frame: ImageHeader?
  /// Bodies of the segments that start with "Exif": together they are one structure.
  var exif: [Range<Int>] = []
  var xmpOrientation: UInt8?
  /// Bytes of the coefficients of all components.
  var coefficientBytes = 0

  /// The next marker, skipping stray bytes as libjpeg does; nil at the end.
  mutating func next(_ bytes: RawSpan) -> UInt8? {
    while true {
      offset = bytes.nextFF(from: offset)
      while bytes.byte(at: offset) == 0xFF { offset += 1 }
      guard let marker = bytes.byte(at: offset) else { return nil }
      offset += 1
      if marker != 0, marker != 0x01, !(0xD0...0xD7).contains(marker) { return marker }
    }
  }

  /// Moves behind the segment whose length stands at `offset`; behind the end if it is cut.
  mutating func skipSegment(_ bytes: RawSpan) {
    offset += max(bytes.bigEndian16(at: offset) ?? bytes.byteCount, 2)
  }

  mutating func readFrame(_ bytes: RawSpan, _ marker: UInt8) throws(DecodeError) {
    guard let length = bytes.bigEndian16(at: offset), let depth = bytes.byte(at: offset + 2),
      let height = bytes.bigEndian16(at: offset + 3), let width = bytes.bigEndian16(at: offset + 5),
      let components = bytes.byte(at: offset + 7)
    else { throw DecodeError(.truncatedImage, "the JPEG ends inside its frame header") }
    if frame != nil { throw DecodeError(.corruptImage, "the JPEG has two frame headers") }
    switch marker {
    case 0xC0, 0xC1, 0xC2, 0xC9, 0xCA: break
    case 0xC3, 0xCB: throw DecodeError(.unsupported, "lossless JPEG is not decoded")
    default: throw DecodeError(.unsupported, "hierarchical JPEG is not decoded")
    }
    if depth != 8 { throw DecodeError(.unsupported, "\(depth)-bit JPEG is not decoded") }
    if ![1, 3, 4].contains(components) {
      throw DecodeError(.unsupported, "a JPEG of \(components) components is not decoded")
    }
    if length != 8 + 3 * Int(components) {
      throw DecodeError(.corruptImage, "JPEG frame header of \(length) bytes")
    }
    frame = ImageHeader(
      width: width, height: height, channels: components, depth: depth,
      isProgressive: marker == 0xC2 || marker == 0xCA)
    try readSampling(bytes, width: width, height: height, components: Int(components))
  }

  private mutating func readSampling(
    _ bytes: RawSpan, width: Int, height: Int, components: Int
  ) throws(DecodeError) {
    var maxH = 1
    var maxV = 1
    var blocks = 0
    for i in 0..<components {
      guard let byte = bytes.byte(at: offset + 9 + 3 * i) else {
        throw DecodeError(.truncatedImage, "the JPEG ends inside its frame header")
      }
      let (h, v) = (Int(byte >> 4), Int(byte & 15))
      if !(1...4).contains(h) || !(1...4).contains(v) {
        throw DecodeError(.corruptImage, "JPEG sampling factors \(h) x \(v)")
      }
      maxH = max(maxH, h)
      maxV = max(maxV, v)
      blocks += h * v
    }
    let columns = (width + 8 * maxH - 1) / (8 * maxH)
    let rows = (height + 8 * maxV - 1) / (8 * maxV)
    coefficientBytes = columns * rows * blocks * 64 * 2
  }

  mutating func readApplication1(_ bytes: RawSpan) {
    guard let length = bytes.bigEndian16(at: offset), length >= 2 else { return }
    let range = min(offset + 2, bytes.byteCount)..<min(offset + length, bytes.byteCount)
    let body = bytes.extracting(range)
    if body.has("Exif\0\0", at: 0) {
      if exif.count < 16 { exif.append(range) }
    } else if body.has("http://ns.adobe.com/xap/1.0/\0", at: 0) {
      xmpOrientation = readXMPOrientation(body)
    }
  }

  /// From EXIF, or else from XMP. Segments after the first continue it, as in Pillow; at most 16 are read.
  private func orientation(_ bytes: RawSpan) -> UInt8? {
    guard let first = exif.first else { return xmpOrientation }
    if exif.count == 1 { return readEXIFOrientation(bytes.extracting(first)) ?? xmpOrientation }
    var whole: [UInt8] = []
    for range in exif {
      for i in range.lowerBound + (whole.isEmpty ? 0 : 6)..<range.upperBound {
        whole.append(bytes.byte(at: i)!)
      }
    }
    return unsafe readEXIFOrientation(whole.span.bytes) ?? xmpOrientation
  }

  /// At the first scan: counts the scans if there may be several and says what decoding takes.
  mutating func finish(_ bytes: RawSpan) throws(DecodeError) -> ImageHeader {
    guard var header = frame else { throw DecodeError(.corruptImage, "a JPEG scan before the frame header") }
    guard let inScan = bytes.byte(at: offset + 2) else {
      throw DecodeError(.truncatedImage, "the JPEG ends inside its scan header")
    }
    header.orientation = orientation(bytes) ?? 1
    // Rows of samples in several forms, Huffman tables and the decoder itself.
    header.codecMemory = header.width * 256 + (1 << 20)
    if header.isProgressive || inScan != header.channels {
      header.codecMemory += coefficientBytes
      header.scans = countScans(bytes)
    }
    return header
  }

  /// The scans from the one at `offset` on, or one more than are allowed.
  private mutating func countScans(_ bytes: RawSpan) -> Int {
    var scans = 1
    skipSegment(bytes)
    while let marker = next(bytes), marker != 0xD9, scans <= DecodeLimits.maxScans {
      if marker == 0xDA { scans += 1 }
      skipSegment(bytes)
    }
    return scans
  }
}
