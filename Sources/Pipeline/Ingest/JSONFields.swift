package import Shards

/// Numbers out of a sample's JSON, by dotted path: `json.width` is the member `width`, `json.a.b` the member `b` of the
/// object `a`.
///
/// One pass over the bytes, without recursion; memory is a small record for each open bracket, at most 64, where the
/// parsers of Foundation build all values of a text first and refuse Python's `NaN`. A number is
/// itself, `true` is 1, `false` 0; everything else, and what is missing, is NaN. Of equal keys the last counts. What is
/// not one JSON object from end to end has no values at all; `NaN` and `Infinity` are accepted, as Python writes them.
/// Bytes of strings from 128 up are not looked at.
package struct JSONFields: Sendable, Equatable {
  /// What names in a filter begin with.
  package static let prefix = "json."
  /// Most names of one filter.
  package static let maximumNames = 64

  /// As in the filter: `json.a.b`.
  package let names: [String]
  private let paths: [[[UInt8]]]

  /// The JSON fields among the columns of a filter, sorted; nil if there is none.
  package init?(_ columns: [String]) {
    names = columns.filter { $0.hasPrefix(Self.prefix) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !names.isEmpty else { return nil }
    paths = names.map {
      $0.utf8.dropFirst(Self.prefix.utf8.count).split(separator: UInt8(ascii: ".")).map(Array.init)
    }
  }

  /// Of `fields.npy`.
  package var type: NpyType { .record(names.map { NpyField($0, .float64) }) }

  /// The values of ``names`` in the text of a JSON member.
  package func values(_ text: ArraySlice<UInt8>) -> [Double] {
    var scanner = JSONScanner(bytes: text, paths: paths)
    return scanner.scan() ? scanner.values : none
  }

  /// Whether a text is one JSON object from end to end, as far as this reader looks.
  static func isObject(_ text: ArraySlice<UInt8>) -> Bool {
    var scanner = JSONScanner(bytes: text, paths: [])
    return scanner.scan()
  }

  /// The strings of ``names`` in the text of a JSON member: the bytes between the quotes, escapes as they are; nil for
  /// what is no string.
  package func strings(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>?] {
    var scanner = JSONScanner(bytes: text, paths: paths)
    return scanner.scan() ? scanner.strings.map { $0.map { text[$0] } } : names.map { _ in nil }
  }

  /// The values of a sample; NaN without a JSON member.
  func read(_ sample: Sample) -> [Double] {
    sample.field(["json"]).map { values(sample.bytes[$0.range]) } ?? none
  }

  private var none: [Double] { names.map { _ in .nan } }

  /// The name of the column.
  static let file = "fields.npy"
}

/// The pass over one text.
private struct JSONScanner {
  private static let deepest = 64
  /// A longer number is none.
  private static let longestNumber = 1000

  /// An object or array that is open.
  private struct Frame {
    var isObject: Bool
    /// Paths that may go on in it.
    var wanted: [Int]
  }

  private let bytes: ArraySlice<UInt8>
  private let paths: [[[UInt8]]]
  private var at: Int
  private var frames: [Frame] = []
  private(set) var values: [Double]
  private(set) var strings: [Range<Int>?]

  init(bytes: ArraySlice<UInt8>, paths: [[[UInt8]]]) {
    (self.bytes, self.paths) = (bytes, paths)
    at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.startIndex + 3 : bytes.startIndex
    values = paths.map { _ in .nan }
    strings = paths.map { _ in nil }
  }

  private var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

  /// False where the text is not one object.
  mutating func scan() -> Bool {
    skipSpace()
    guard next == UInt8(ascii: "{") else { return false }
    var own = Array(paths.indices)
    while true {
      guard let isOpen = value(own) else { return false }
      if !isOpen, !closeFinished() { return false }
      guard let frame = frames.last else {
        skipSpace()
        return at == bytes.endIndex
      }
      if !frame.isObject {
        own = []
      } else if let wanted = key(of: frame) {
        own = wanted
      } else {
        return false
      }
    }
  }

  /// Reads one value, or the opening bracket of one that is not empty.
  ///
  /// - Parameter own: the paths that lead to it or further.
  /// - Returns: whether a bracket is open; nil for what is no JSON.
  private mutating func value(_ own: [Int]) -> Bool? {
    skipSpace()
    guard let first = next else { return nil }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard frames.count < Self.deepest else { return nil }
      let isObject = first == UInt8(ascii: "{")
      let depth = frames.count
      at += 1
      frames.append(Frame(isObject: isObject, wanted: isObject ? own.filter { paths[$0].count > depth } : []))
      skipSpace()
      if take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
        frames.removeLast()
        return false
      }
      return true
    case UInt8(ascii: "\""):
      guard let range = string() else { return nil }
      for path in own where paths[path].count == frames.count { strings[path] = range }
      return false
    case UInt8(ascii: "t"): return word("true", 1, own)
    case UInt8(ascii: "f"): return word("false", 0, own)
    case UInt8(ascii: "n"): return word("null", .nan, own)
    case UInt8(ascii: "N"): return word("NaN", .nan, own)
    case UInt8(ascii: "I"): return word("Infinity", .infinity, own)
    default:
      if bytes[at...].starts(with: "-I".utf8) { return word("-Infinity", -.infinity, own) }
      guard let number = number(isWanted: !own.isEmpty) else { return nil }
      set(own, number)
      return false
    }
  }

  /// Behind a value: goes over closing brackets up to the comma before the next value, or the end.
  private mutating func closeFinished() -> Bool {
    while let frame = frames.last {
      skipSpace()
      if take(UInt8(ascii: ",")) { return true }
      guard take(frame.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
      frames.removeLast()
    }
    return true
  }

  /// Reads a key and its colon; returns the paths that go on through it. What an equal key gave is forgotten.
  private mutating func key(of frame: Frame) -> [Int]? {
    skipSpace()
    guard next == UInt8(ascii: "\""), let range = string() else { return nil }
    skipSpace()
    guard take(UInt8(ascii: ":")) else { return nil }
    if frame.wanted.isEmpty { return [] }
    let depth = frames.count - 1
    let name = bytes[range].contains(UInt8(ascii: "\\")) ? Self.unescaped(bytes[range]) : Array(bytes[range])
    let wanted = frame.wanted.filter { paths[$0][depth] == name }
    for path in wanted { (values[path], strings[path]) = (.nan, nil) }
    return wanted
  }

  /// Gives a value to the paths that end here.
  private mutating func set(_ own: [Int], _ value: Double) {
    for path in own where paths[path].count == frames.count { values[path] = value }
  }

  private mutating func word(_ word: String, _ value: Double, _ own: [Int]) -> Bool? {
    guard bytes[at...].starts(with: word.utf8) else { return nil }
    at += word.utf8.count
    set(own, value)
    return false
  }

  private mutating func number(isWanted: Bool) -> Double? {
    let start = at
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")), digits() == 0 { return nil }
    if take(UInt8(ascii: ".")), digits() == 0 { return nil }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if digits() == 0 { return nil }
    }
    guard isWanted, at - start <= Self.longestNumber else { return .nan }
    return Double(String(decoding: bytes[start..<at], as: UTF8.self)) ?? .nan
  }

  private mutating func digits() -> Int {
    let start = at
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
    return at - start
  }

  /// Goes over a string; its bytes between the quotes, escapes as they are.
  private mutating func string() -> Range<Int>? {
    at += 1
    let start = at
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return start..<at - 1
      case UInt8(ascii: "\\"):
        guard let escape = next else { return nil }
        at += 1
        if escape == UInt8(ascii: "u") {
          guard bytes.endIndex - at >= 4, bytes[at..<at + 4].allSatisfy(Self.isHexadecimal) else {
            return nil
          }
          at += 4
        } else if !"\"\\/bfnrt".utf8.contains(escape) {
          return nil
        }
      case 0..<0x20: return nil
      default: break
      }
    }
    return nil
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  /// A key with escapes, as far as it can be a name: those of ASCII are resolved, others become a byte that no name has.
  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var name: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
        name.append(byte)
        continue
      }
      if escape == UInt8(ascii: "u") {
        let code = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? .max
        rest = rest.dropFirst(4)
        name.append(code < 128 ? UInt8(code) : 0)
      } else {
        name.append(0)
      }
    }
    return name
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }
}
