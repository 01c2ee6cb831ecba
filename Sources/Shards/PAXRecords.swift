/// The records of a PAX extended header that matter here: `path`, `size`, and whether the member is sparse. The
/// real name of a sparse member wins over the made-up one in `path`.
struct PAXRecords {
  var path: [UInt8]?
  var size: UInt64?
  var isSparse = false

  /// Parses `LENGTH KEY=VALUE\n` records (POSIX.1-2001 pax format).
  init(_ bytes: [UInt8], at offset: UInt64) throws(ShardFault) {
    var rest = bytes[...]
    var sparseName: [UInt8]?
    while let first = rest.first, first != 0 {
      guard let space = rest.prefix(20).firstIndex(of: UInt8(ascii: " ")),
        let length = Self.number(rest[..<space]).flatMap(Int.init(exactly:)),
        length > space - rest.startIndex + 1, length <= rest.count,
        rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
      else { throw ShardFault(.badHeader, at: offset, "broken PAX record") }
      let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
      guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
        throw ShardFault(.badHeader, at: offset, "broken PAX record")
      }
      let value = record[(equals + 1)...]
      switch String(decoding: record[..<equals], as: UTF8.self) {
      case "path": path = Array(value)
      case "size":
        guard let number = Self.number(value) else {
          throw ShardFault(.badHeader, at: offset, "broken PAX size")
        }
        size = number
      case let key where key.hasPrefix("GNU.sparse."):
        isSparse = true
        if key == "GNU.sparse.name" { sparseName = Array(value) }
      default: break
      }
      rest = rest.dropFirst(length)
    }
    path = sparseName ?? path
  }

  /// Decimal digits only; nil for anything else or beyond 2⁶⁴.
  private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return UInt64(String(decoding: digits, as: UTF8.self))
  }
}
