/// Decodes LZW data of a GIF picture whose codes start wider than 9 bits (minimum code size 9...11). No colour
/// needs them, giflib refuses them, and Pillow reads them, so such files exist.
///
/// - Parameters:
///   - offset: where the first sub-block stands, just behind the minimum code size.
///   - count: colours wanted, a byte each; what a wider value has above is dropped, as in Pillow.
func decodeWideGIFCodes(
  _ bytes: RawSpan, at offset: Int, minimumCodeSize: Int, count: Int
) throws(DecodeError) -> [UInt8] {
  let truncated = DecodeError(.truncatedImage, "the GIF ends inside its picture")
  let corrupt = DecodeError(.corruptImage, "GIF codes that no table has")
  var blocks = GIFBits(offset: offset)
  let clear = 1 << minimumCodeSize
  // Entries of strings longer than one value: the string before, and its last value.
  var before = [Int](repeating: 0, count: 4096)
  var last = [Int](repeating: 0, count: 4096)
  var next = clear + 2
  var width = minimumCodeSize + 1
  var previous: Int?
  var first = 0
  var colours: [UInt8] = []
  var string: [Int] = []
  colours.reserveCapacity(count)
  while colours.count < count {
    guard let code = blocks.next(bytes, width) else { throw truncated }
    if code == clear {
      (next, width, previous) = (clear + 2, minimumCodeSize + 1, nil)
      continue
    }
    if code == clear + 1 { throw truncated }
    string.removeAll(keepingCapacity: true)
    var part = code
    if let previous {
      if code > next { throw corrupt }
      if code == next {
        string.append(first)
        part = previous
      }
    } else if code > clear {
      throw corrupt
    }
    while part > clear {
      if string.count >= 4096 { throw corrupt }
      string.append(last[part])
      part = before[part]
    }
    first = part
    string.append(part)
    if let previous, next < 4096 {
      (before[next], last[next]) = (previous, first)
      if next == (1 << width) - 1, width < 12 { width += 1 }
      next += 1
    }
    previous = code
    for value in string.reversed().prefix(count - colours.count) {
      colours.append(UInt8(truncatingIfNeeded: value))
    }
  }
  return colours
}

/// Codes from the sub-blocks of a GIF, low bits first.
private struct GIFBits {
  /// The next byte.
  var offset: Int
  private var left = 0
  private var bits = 0
  private var count = 0

  init(offset: Int) { self.offset = offset }

  /// The next code of `width` bits, or nil where the data ends.
  mutating func next(_ bytes: RawSpan, _ width: Int) -> Int? {
    while count < width {
      if left == 0 {
        guard let length = bytes.byte(at: offset), length > 0 else { return nil }
        left = Int(length)
        offset += 1
      }
      guard let byte = bytes.byte(at: offset) else { return nil }
      bits |= Int(byte) << count
      count += 8
      offset += 1
      left -= 1
    }
    defer {
      bits >>= width
      count -= width
    }
    return bits & (1 << width - 1)
  }
}
