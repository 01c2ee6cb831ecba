/// The bytes libwebp allocates for the code tables of a lossless stream: for each group of prefix codes about
/// 12 to 20 kB. No header tells their number; it is known once the small images in front of the pixels (those of
/// the transforms, and the one that names a group for each block) are read, which this does without keeping them.
///
/// A stream that breaks the format, or that is read otherwise here than by libwebp, counts as the worst that its
/// size and length allow.
///
/// - Parameters:
///   - range: the stream behind the size and version, that is, from the first transform on.
///   - width, height: the image's size.
func vp8lTableBytes(_ bytes: RawSpan, _ range: Range<Int>, width: Int, height: Int) -> Int {
  // A block is at least 4 x 4 pixels, and five codes take at least 20 bits.
  let most = min(65_536, (width / 4 + 1) * (height / 4 + 1), range.count * 8 / 20 + 1)
  // Not worth reading.
  if most <= 64 { return most * groupBytes(cacheBits: 11) }
  var walk = VP8LWalk(bits: VP8LBits(range), width: width, height: height)
  guard let (groups, cacheBits) = walk.groups(bytes) else { return most * groupBytes(cacheBits: 11) }
  return min(groups, most) * groupBytes(cacheBits: cacheBits)
}

/// Tables of the five codes of a group, 4 bytes an entry, and the group itself (libwebp 1.2).
private func groupBytes(cacheBits: Int) -> Int { (2300 + 656 + 1 << cacheBits) * 4 + 600 }

/// A position in the front part of a lossless stream.
private struct VP8LWalk {
  var bits: VP8LBits
  /// Narrower than the image where a palette packs several pixels in one.
  var width: Int
  let height: Int

  /// The number of groups of the main image and its colour cache's bits; nil if the stream is broken.
  mutating func groups(_ bytes: RawSpan) -> (groups: Int, cacheBits: Int)? {
    var seen: Set<Int> = []
    while true {
      guard let more = bits.read(bytes, 1) else { return nil }
      if more == 0 { break }
      guard let kind = bits.read(bytes, 2), seen.insert(kind).inserted else { return nil }
      switch kind {
      case 0, 1:
        guard let size = bits.read(bytes, 3), skipImage(bytes, blocks(size + 2)) else { return nil }
      case 3:
        guard let colours = bits.read(bytes, 8), skipImage(bytes, colours + 1) else { return nil }
        let packed = colours > 15 ? 0 : colours > 3 ? 1 : colours > 1 ? 2 : 3
        width = (width + (1 << packed) - 1) >> packed
      default: break
      }
    }
    guard let cacheBits = cache(bytes), let isSplit = bits.read(bytes, 1) else { return nil }
    if isSplit == 0 { return (1, cacheBits) }
    guard let size = bits.read(bytes, 3) else { return nil }
    let pixels = blocks(size + 2)
    var used = [Bool](repeating: false, count: 65_536)
    // What a copied or cached pixel says stood in a literal before, or is 0.
    used[0] = true
    guard readImage(bytes, pixels, { used[$0] = true }) else { return nil }
    let distinct = used.reduce(0) { $0 + ($1 ? 1 : 0) }
    // Up to 1000 numbers are taken as they are, gaps included.
    let highest = (used.lastIndex(of: true) ?? 0) + 1
    return (highest <= 1000 ? max(highest, distinct) : max(distinct, 1000), cacheBits)
  }

  /// The number of blocks of 2^bits x 2^bits pixels.
  private func blocks(_ bits: Int) -> Int {
    ((width + (1 << bits) - 1) >> bits) * ((height + (1 << bits) - 1) >> bits)
  }

  /// The bits of the colour cache, 0 without one; nil if broken.
  private mutating func cache(_ bytes: RawSpan) -> Int? {
    guard let has = bits.read(bytes, 1) else { return nil }
    if has == 0 { return 0 }
    guard let size = bits.read(bytes, 4), (1...11).contains(size) else { return nil }
    return size
  }

  private mutating func skipImage(_ bytes: RawSpan, _ pixels: Int) -> Bool {
    readImage(bytes, pixels) { _ in }
  }

  /// Reads a small image of that many pixels and tells red · 256 + green of each that is stored in full.
  private mutating func readImage(_ bytes: RawSpan, _ pixels: Int, _ literal: (Int) -> Void) -> Bool {
    guard let cacheBits = cache(bytes) else { return false }
    let cacheSize = cacheBits == 0 ? 0 : 1 << cacheBits
    guard let green = bits.readPrefixCode(bytes, alphabet: 280 + cacheSize),
      let red = bits.readPrefixCode(bytes, alphabet: 256),
      let blue = bits.readPrefixCode(bytes, alphabet: 256),
      let alpha = bits.readPrefixCode(bytes, alphabet: 256),
      let distance = bits.readPrefixCode(bytes, alphabet: 40)
    else { return false }
    var done = 0
    while done < pixels {
      guard let symbol = green.next(bytes, &bits) else { return false }
      if symbol < 256 {
        guard let high = red.next(bytes, &bits), blue.next(bytes, &bits) != nil,
          alpha.next(bytes, &bits) != nil
        else { return false }
        literal(high << 8 | symbol)
        // A picture of one colour takes no bits.
        if green.single != nil, red.single != nil, blue.single != nil, alpha.single != nil { return true }
        done += 1
      } else if symbol < 280 {
        guard let length = prefixed(bytes, symbol - 256), let code = distance.next(bytes, &bits),
          prefixed(bytes, code) != nil
        else { return false }
        done += length
      } else {
        done += 1
      }
    }
    return true
  }

  /// A length or distance: a prefix symbol and its extra bits.
  private mutating func prefixed(_ bytes: RawSpan, _ symbol: Int) -> Int? {
    if symbol < 4 { return symbol + 1 }
    let width = (symbol - 2) >> 1
    guard symbol < 40, let more = bits.read(bytes, width) else { return nil }
    return (2 + symbol & 1) << width + more + 1
  }
}
