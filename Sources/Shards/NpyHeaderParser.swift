/// Parses the text of a `.npy` header: the Python dict literal `{'descr': …, 'fortran_order': …, 'shape': …, }`.
///
/// Only that grammar is accepted, so nothing recurses and nothing is allocated beyond the text itself.
struct NpyHeaderParser {
  /// Why a header is refused, without the path.
  struct Failure: Error { let message: String }

  private var rest: ArraySlice<UInt8>

  static func parse(_ text: ArraySlice<UInt8>) throws(Failure) -> NpyHeader {
    var parser = NpyHeaderParser(rest: text)
    return try parser.header()
  }

  private mutating func header() throws(Failure) -> NpyHeader {
    var descr: (type: NpyType, isBigEndian: Bool)?
    var fortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where descr == nil: descr = try type()
      case "fortran_order" where fortranOrder == nil: fortranOrder = try boolean()
      case "shape" where shape == nil: shape = try axes()
      default: throw Failure(message: "broken header: unexpected key '\(printable(key.utf8, limit: 40))'")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard rest.isEmpty else { throw Failure(message: "broken header: text after the dict") }
    guard let descr, let fortranOrder, let shape else {
      throw Failure(message: "broken header: descr, fortran_order or shape is missing")
    }
    var header = NpyHeader(type: descr.type, shape: shape)
    header.fortranOrder = fortranOrder
    header.bigEndian = descr.isBigEndian
    return header
  }

  /// `'<f4'` or `[('f0', '<u8'), ('f1', '<u8')]`.
  private mutating func type() throws(Failure) -> (NpyType, Bool) {
    guard take("[") else {
      let code = try string()
      if let text = Self.text(code) { return (text, false) }
      return try Self.plain(code)
    }
    var fields: [NpyField] = []
    var names: Set<String> = []
    while !take("]") {
      try expect("(")
      let name = try string()
      try expect(",")
      if peek("[") { throw Failure(message: "nested structured types are not supported") }
      let (type, isBigEndian) = try Self.plain(string())
      guard !isBigEndian else { throw Failure(message: "a structured type must be little-endian") }
      if take(","), !peek(")") {
        throw Failure(message: "array fields of structured types are not supported")
      }
      try expect(")")
      guard names.insert(name).inserted else {
        throw Failure(message: "broken header: two fields of one name")
      }
      fields.append(NpyField(name, type))
      if !take(",") {
        try expect("]")
        break
      }
    }
    guard !fields.isEmpty else { throw Failure(message: "broken header: a structured type without fields") }
    return (.record(fields), false)
  }

  private static let plainTypes: [NpyType] = [
    .bool, .uint8, .int32, .int64, .uint16, .uint32, .uint64, .float16, .float32, .float64,
  ]

  /// Longest text of an item, in characters.
  private static let maximumText = 4096

  /// `<U9` or `|S9`; nil for all else. Text in the other byte order is not read.
  private static func text(_ code: String) -> NpyType? {
    guard let length = Int(code.dropFirst(2)), code.utf8.count > 2, (1...maximumText).contains(length) else {
      return nil
    }
    if code == "<U\(length)" { return .unicode(length) }
    return code == "|S\(length)" ? .byteString(length) : nil
  }

  private static func plain(_ code: String) throws(Failure) -> (NpyType, Bool) {
    if code.contains("O") { throw Failure(message: "an object array (pickled): save it with a plain dtype") }
    let text = code.dropFirst()
    guard let order = code.first, "<>|=".contains(order),
      let type = plainTypes.first(where: { $0.code.dropFirst() == text }), order != "|" || type.bytes == 1
    else { throw Failure(message: "the dtype '\(printable(code.utf8, limit: 40))' is not supported") }
    return (type, order == ">" && type.bytes > 1)
  }

  private mutating func axes() throws(Failure) -> [Int] {
    try expect("(")
    var axes: [Int] = []
    while !take(")") {
      guard axes.count < 32 else { throw Failure(message: "broken header: more than 32 axes") }
      axes.append(try integer())
      if !take(",") {
        try expect(")")
        break
      }
    }
    return axes
  }

  private mutating func integer() throws(Failure) -> Int {
    skipSpace()
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else { throw broken("a number") }
    guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw Failure(message: "impossible shape: an axis of \(printable(digits, limit: 40))")
    }
    rest = rest[digits.endIndex...]
    return value
  }

  private mutating func boolean() throws(Failure) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw broken("True or False")
  }

  /// A quoted string without escapes.
  private mutating func string() throws(Failure) -> String {
    skipSpace()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw broken("a string")
    }
    let body = rest.dropFirst().prefix { $0 != quote && $0 != UInt8(ascii: "\\") }
    guard body.endIndex < rest.endIndex, rest[body.endIndex] == quote,
      let text = String(validating: body, as: UTF8.self)
    else { throw broken("a plain string") }
    rest = rest[(body.endIndex + 1)...]
    return text
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  private mutating func peek(_ token: String) -> Bool {
    skipSpace()
    return rest.starts(with: token.utf8)
  }

  private mutating func take(_ token: String) -> Bool {
    guard peek(token) else { return false }
    rest = rest.dropFirst(token.utf8.count)
    return true
  }

  private mutating func expect(_ token: String) throws(Failure) {
    guard take(token) else { throw broken("'\(token)'") }
  }

  private func broken(_ wanted: String) -> Failure {
    let found = rest.isEmpty ? "the end" : "'\(printable(rest, limit: 20))'"
    return Failure(message: "broken header: \(wanted) expected, found \(found)")
  }
}
