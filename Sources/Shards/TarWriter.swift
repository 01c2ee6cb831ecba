/// Formats USTAR members with constant metadata, so that the same samples always give the same bytes.
///
/// Names go whole into the 100-byte field, prefix empty; mode 0444, uid = gid = 0, owner `bigdata`, mtime 0,
/// no device numbers: the bytes of Python's tarfile (spec/ecosystem.md B1).
enum TarFormat {
  /// Longest name of a member in a USTAR header without a prefix.
  static let maximumNameBytes = 100
  /// The largest size eleven octal digits can hold.
  static let maximumMemberBytes = 1 << 33 - 1
  private static let zeros = [UInt8](repeating: 0, count: 10_240 + 1024)

  /// A 512-byte header.
  ///
  /// - Precondition: `name` has 1 to 100 bytes and `size` fits eleven octal digits.
  static func header(name: [UInt8], size: Int) -> [UInt8] {
    precondition((1...100).contains(name.count) && size <= maximumMemberBytes, "member does not fit USTAR")
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ bytes: some Sequence<UInt8>, at start: Int) {
      for (index, byte) in bytes.enumerated() { block[start + index] = byte }
    }
    put(name, at: 0)
    put("0000444".utf8, at: 100)
    put("0000000".utf8, at: 108)
    put("0000000".utf8, at: 116)
    put(octal(size, digits: 11), at: 124)
    put("00000000000".utf8, at: 136)
    put("        ".utf8, at: 148)
    put("0".utf8, at: 156)
    put("ustar".utf8, at: 257)
    put("00".utf8, at: 263)
    put("bigdata".utf8, at: 265)
    put("bigdata".utf8, at: 297)
    let sum = block.reduce(0) { $0 + Int($1) }
    put(octal(sum, digits: 6) + [0, UInt8(ascii: " ")], at: 148)
    return block
  }

  /// Zero bytes that fill a member of `size` bytes up to a whole block.
  static func padding(after size: Int) -> ArraySlice<UInt8> { zeros[..<((512 - size % 512) % 512)] }

  /// Two zero blocks, then zeros up to a multiple of 10 240 bytes.
  static func endMarker(after size: Int) -> ArraySlice<UInt8> {
    let least = 1024
    let total = (size + least + 10_239) / 10_240 * 10_240
    return zeros[..<(total - size)]
  }

  private static func octal(_ value: Int, digits: Int) -> [UInt8] {
    let text = String(value, radix: 8)
    return Array(String(repeating: "0", count: digits - text.count).utf8) + Array(text.utf8)
  }
}
