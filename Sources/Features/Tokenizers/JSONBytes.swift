/// A JSON value whose strings are bytes. Foundation's readers make `String` keys, and two tokens that Swift holds equal
/// (one composed, one decomposed) would become one.
enum JSONBytes {
  case object([(key: [UInt8], value: JSONBytes)])
  case array([JSONBytes])
  case string([UInt8])
  case number(Double)
  case bool(Bool)
  case null

  /// Reads one value; anything else after it is an error, and so is nesting deeper than 64.
  init(parsing bytes: [UInt8], file: String) throws(TokenizerError) {
    var reader = Reader(bytes: bytes, file: file)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
    self = try reader.value(depth: 0)
    reader.skipSpace()
    if reader.position < bytes.count { throw reader.error("something after its end") }
  }

  /// The value of a key of an object, nil where there is none; the last of equal keys counts.
  subscript(key: String) -> JSONBytes? {
    guard case .object(let members) = self else { return nil }
    let wanted = Array(key.utf8)
    return members.last { $0.key == wanted }?.value
  }

  var text: String? {
    guard case .string(let bytes) = self else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  var bytes: [UInt8]? {
    guard case .string(let bytes) = self else { return nil }
    return bytes
  }

  var integer: Int32? {
    guard case .number(let number) = self else { return nil }
    return Int32(exactly: number)
  }

  var flag: Bool? {
    guard case .bool(let flag) = self else { return nil }
    return flag
  }

  var elements: [JSONBytes]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  /// An object of ids by token, without negative ids.
  func vocabulary(_ file: String) throws(TokenizerError) -> [(key: [UInt8], value: Int32)] {
    guard case .object(let members) = self, !members.isEmpty else {
      throw TokenizerError("\(file): an object of ids by token is expected")
    }
    var entries: [(key: [UInt8], value: Int32)] = []
    entries.reserveCapacity(members.count)
    for (key, value) in members {
      guard let id = value.integer, id >= 0 else {
        throw TokenizerError(
          "\(file): the id of “\(String(decoding: key, as: UTF8.self))” is no number from 0 to 2³¹−1")
      }
      entries.append((key, id))
    }
    return entries
  }
}

private struct Reader {
  let bytes: [UInt8]
  let file: String
  var position = 0

  func error(_ what: String) -> TokenizerError {
    TokenizerError("\(file): not JSON: \(what) at byte \(position)")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  mutating func value(depth: Int) throws(TokenizerError) -> JSONBytes {
    if depth > 64 { throw error("nesting deeper than 64") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw error("it ends too early")
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: JSONBytes) throws(TokenizerError) -> JSONBytes {
    guard bytes[position...].starts(with: word.utf8) else { throw error("an unknown word") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws(TokenizerError) -> JSONBytes {
    let start = position
    while let byte = next, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
    guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw error("no value")
    }
    return .number(number)
  }

  private mutating func array(depth: Int) throws(TokenizerError) -> JSONBytes {
    position += 1
    var elements: [JSONBytes] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      if !take(UInt8(ascii: ",")) { throw error("no comma between elements") }
    }
  }

  private mutating func object(depth: Int) throws(TokenizerError) -> JSONBytes {
    position += 1
    var members: [(key: [UInt8], value: JSONBytes)] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      if next != UInt8(ascii: "\"") { throw error("no key") }
      let key = try string()
      skipSpace()
      if !take(UInt8(ascii: ":")) { throw error("no colon after a key") }
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      if !take(UInt8(ascii: ",")) { throw error("no comma between members") }
    }
  }

  private mutating func string() throws(TokenizerError) -> [UInt8] {
    position += 1
    var out: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return out
      case UInt8(ascii: "\\"): try escape(into: &out)
      case 0..<0x20: throw error("a control character in a string")
      default: out.append(byte)
      }
    }
    throw error("a string without end")
  }

  private mutating func escape(into out: inout [UInt8]) throws(TokenizerError) {
    let byte = next
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte!)
    case UInt8(ascii: "b"): out.append(8)
    case UInt8(ascii: "f"): out.append(12)
    case UInt8(ascii: "n"): out.append(10)
    case UInt8(ascii: "r"): out.append(13)
    case UInt8(ascii: "t"): out.append(9)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal())
      if code & 0xFC00 == 0xD800, bytes[position...].starts(with: [0x5C, 0x75]) {
        position += 2
        let low = UInt32(try hexadecimal())
        guard low & 0xFC00 == 0xDC00 else { throw error("half a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
      out.append(contentsOf: UTF8.encode(scalar)!)
    default: throw error("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(TokenizerError) -> UInt16 {
    guard position + 4 <= bytes.count,
      let value = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw error("no four hexadecimal digits") }
    position += 4
    return value
  }
}
