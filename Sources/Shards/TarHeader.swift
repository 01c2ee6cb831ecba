/// One 512-byte tar header, parsed and checked (POSIX USTAR, with the GNU and old forms that occur).
struct TarHeader {
  /// What follows the header.
  enum Kind: Equatable {
    case file, directory, extended, global, longName, longLink, sparse
    /// Links, devices, FIFOs: no data follows, whatever the size field says (as in Python's tarfile).
    case special
    /// An unknown type: passed over with its data.
    case other

    /// Whether `size` bytes of data follow.
    var hasData: Bool { self != .directory && self != .special }
  }

  var kind: Kind
  /// `prefix/name` as stored.
  var name: [UInt8]
  /// Bytes of data that follow.
  var size: UInt64
  /// True for an old GNU sparse header whose map goes on in the next block.
  var sparseMapContinues: Bool

  /// Reads a header block of exactly 512 bytes that is not all zero.
  init(block: ArraySlice<UInt8>, at offset: UInt64) throws(ShardFault) {
    func field(_ start: Int, _ count: Int) -> ArraySlice<UInt8> {
      block[(block.startIndex + start)..<(block.startIndex + start + count)]
    }
    func text(_ start: Int, _ count: Int) -> ArraySlice<UInt8> { field(start, count).prefix { $0 != 0 } }

    name = Array(text(0, 100))
    guard let stored = Self.number(field(148, 8)), Self.isChecksum(stored, of: block) else {
      throw ShardFault(.badHeader, at: offset, "this is no tar header (checksum)")
    }
    let isUSTAR = field(257, 5).elementsEqual("ustar".utf8)
    if isUSTAR, block[block.startIndex + 262] == 0, !text(345, 155).isEmpty {
      name = Array(text(345, 155)) + [UInt8(ascii: "/")] + name
    }
    guard let size = Self.number(field(124, 12)) else {
      throw ShardFault(.badHeader, at: offset, member: printable(name), "the size field is no number")
    }
    self.size = size
    kind = Self.kind(block[block.startIndex + 156], name: name)
    sparseMapContinues = kind == .sparse && block[block.startIndex + 482] != 0
  }

  private static func kind(_ flag: UInt8, name: [UInt8]) -> Kind {
    switch flag {
    case UInt8(ascii: "0"), UInt8(ascii: "7"): .file
    case 0: name.last == UInt8(ascii: "/") ? .directory : .file
    case UInt8(ascii: "5"): .directory
    case UInt8(ascii: "1")...UInt8(ascii: "6"): .special
    case UInt8(ascii: "x"), UInt8(ascii: "X"): .extended
    case UInt8(ascii: "g"): .global
    case UInt8(ascii: "L"): .longName
    case UInt8(ascii: "K"): .longLink
    case UInt8(ascii: "S"): .sparse
    default: .other
    }
  }

  /// The checksum is the sum of all bytes, its own field read as spaces; some old tars sum signed bytes.
  private static func isChecksum(_ stored: UInt64, of block: ArraySlice<UInt8>) -> Bool {
    let field = block.dropFirst(148).prefix(8)
    let spaces = 8 * 32
    var unsigned = 0
    for byte in block { unsigned += Int(byte) }
    for byte in field { unsigned -= Int(byte) }
    if stored == UInt64(unsigned + spaces) { return true }
    var signed = 0
    for byte in block { signed += Int(Int8(bitPattern: byte)) }
    for byte in field { signed -= Int(Int8(bitPattern: byte)) }
    return Int(exactly: stored) == signed + spaces
  }

  /// An octal number padded by spaces or NULs, or GNU base-256; nil if it is neither, negative, or beyond 2⁶³.
  private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      var value: UInt64 = 0
      for byte in field.dropFirst() {
        guard value >> 55 == 0 else { return nil }
        value = value << 8 | UInt64(byte)
      }
      return value
    }
    func isPadding(_ byte: UInt8) -> Bool { byte == 0 || byte == UInt8(ascii: " ") }
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { !isPadding($0) }
    guard field[digits.endIndex...].allSatisfy(isPadding) else { return nil }
    var value: UInt64 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit), value >> 60 == 0 else { return nil }
      value = value << 3 | UInt64(digit - UInt8(ascii: "0"))
    }
    return value
  }
}
