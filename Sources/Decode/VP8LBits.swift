/// Bits of a lossless WebP stream (RFC 9649, section 3), low bits first.
struct VP8LBits {
  private var offset: Int
  private let end: Int
  private var bits: UInt64 = 0
  private var count = 0

  /// Reads `range` of the bytes that are given to each call; the range must lie inside them.
  init(_ range: Range<Int>) {
    offset = range.lowerBound
    end = range.upperBound
  }

  /// An integer of up to 32 bits, or nil behind the end.
  mutating func read(_ bytes: RawSpan, _ width: Int) -> Int? {
    while count < width {
      guard offset < end, let byte = bytes.byte(at: offset) else { return nil }
      bits |= UInt64(byte) << UInt64(count)
      offset += 1
      count += 8
    }
    defer {
      bits >>= UInt64(width)
      count -= width
    }
    return Int(bits & (1 << UInt64(width) - 1))
  }
}

/// One prefix code: from code lengths to symbols.
struct VP8LPrefixCode {
  /// How many codes there are of each length, 0...15.
  private var counts = [Int](repeating: 0, count: 16)
  /// Symbols in the order of their codes.
  private var symbols: [Int] = []
  /// The symbol of a code of no bits at all.
  private(set) var single: Int?

  /// A code of the given lengths, 0 for symbols that do not occur; nil if they are no complete code.
  init?(lengths: [UInt8]) {
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    for length in 1...15 where counts[length] > 0 {
      for (symbol, own) in lengths.enumerated() where Int(own) == length { symbols.append(symbol) }
    }
    if symbols.count == 1 {
      single = symbols[0]
      return
    }
    var left = 1
    for length in 1...15 {
      left = left * 2 - counts[length]
      if left < 0 { return nil }
    }
    if left != 0 { return nil }
  }

  /// The next symbol, or nil behind the end.
  func next(_ bytes: RawSpan, _ source: inout VP8LBits) -> Int? {
    if let single { return single }
    var code = 0
    var first = 0
    var index = 0
    for length in 1...15 {
      guard let bit = source.read(bytes, 1) else { return nil }
      code |= bit
      let count = counts[length]
      if code - first < count { return symbols[index + code - first] }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return nil
  }
}

extension VP8LBits {
  /// The order in which lengths of code length codes are stored.
  private static let lengthOrder = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

  /// Reads a prefix code over symbols 0..<alphabet; nil if it is broken.
  mutating func readPrefixCode(_ bytes: RawSpan, alphabet: Int) -> VP8LPrefixCode? {
    guard let isSimple = read(bytes, 1) else { return nil }
    var lengths = [UInt8](repeating: 0, count: max(alphabet, 256))
    if isSimple == 1 {
      guard let more = read(bytes, 1), let isWide = read(bytes, 1),
        let first = read(bytes, isWide == 1 ? 8 : 1)
      else { return nil }
      lengths[first] = 1
      if more == 1 {
        guard let second = read(bytes, 8) else { return nil }
        lengths[second] = 1
      }
      return VP8LPrefixCode(lengths: lengths)
    }
    guard let stored = read(bytes, 4) else { return nil }
    var lengthLengths = [UInt8](repeating: 0, count: 19)
    for i in 0..<stored + 4 {
      guard let length = read(bytes, 3) else { return nil }
      lengthLengths[Self.lengthOrder[i]] = UInt8(length)
    }
    guard let code = VP8LPrefixCode(lengths: lengthLengths), let isShort = read(bytes, 1) else { return nil }
    var tokens = alphabet
    if isShort == 1 {
      guard let width = read(bytes, 3), let short = read(bytes, 2 + 2 * width), short + 2 <= alphabet else {
        return nil
      }
      tokens = short + 2
    }
    var symbol = 0
    var previous: UInt8 = 8
    while symbol < alphabet, tokens > 0 {
      tokens -= 1
      guard let token = code.next(bytes, &self) else { return nil }
      if token < 16 {
        lengths[symbol] = UInt8(token)
        if token != 0 { previous = UInt8(token) }
        symbol += 1
        continue
      }
      let (width, least) = token == 18 ? (7, 11) : token == 17 ? (3, 3) : (2, 3)
      guard let more = read(bytes, width), symbol + more + least <= alphabet else { return nil }
      if token == 16 { for i in symbol..<symbol + more + least { lengths[i] = previous } }
      symbol += more + least
    }
    return VP8LPrefixCode(lengths: lengths)
  }
}
