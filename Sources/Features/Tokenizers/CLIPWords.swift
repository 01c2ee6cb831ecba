import Foundation

/// Cuts normalised text as CLIP's pattern does, from left to right: one of 's 't 're 've 'm 'll 'd, else letters, else
/// one number, else what is neither letter, number nor white space. White space falls away.
struct CLIPWords {
  static let pattern = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
  /// Newer files name the special tokens too; they were taken out before.
  private static let longPattern = #"<\|startoftext\|>|<\|endoftext\|>|"# + pattern
  private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.utf8) }

  private enum Kind { case letter, number, space, other }

  private let bytes: [UInt8]
  private var position: Int
  private let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// NFC (Foundation's) and lower case. White space stays as it is, since no word holds any.
  static func normalise(_ text: [UInt8]) -> [UInt8] {
    if text.allSatisfy({ $0 < 0x80 }) { return text.map { 65...90 ~= $0 ? $0 + 32 : $0 } }
    return String(decoding: text, as: UTF8.self).precomposedStringWithCanonicalMapping
      .utf8LowercasedByScalar()
  }

  /// The bytes of the next word.
  mutating func next() -> Range<Int>? {
    while position < end {
      let start = position
      if let ending = Self.endings.first(where: { bytes[start..<end].starts(with: $0) }) {
        position += ending.count
        return start..<position
      }
      let (kind, width) = kind(at: position)
      position += width
      switch kind {
      case .space: continue
      case .number: return start..<position
      case .letter, .other:
        while position < end {
          let (following, width) = self.kind(at: position)
          if following != kind { break }
          position += width
        }
        return start..<position
      }
    }
    return nil
  }

  private func kind(at index: Int) -> (Kind, width: Int) {
    let first = bytes[index]
    let width = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    var value = UInt32(width == 1 ? first : first & (0x7F >> UInt8(width)))
    for next in bytes[index + 1..<min(index + width, end)] { value = value << 6 | UInt32(next & 0x3F) }
    let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
    if CharacterClasses.isLetter(scalar) { return (.letter, width) }
    if CharacterClasses.isNumber(scalar) { return (.number, width) }
    return (CharacterClasses.isWhitespace(scalar) ? .space : .other, width)
  }

  /// Errors unless a tokenizer.json asks for what this type does.
  static func check(normalizer: JSONBytes?, splitter: JSONBytes?, file: String) throws(TokenizerError) {
    let steps = (normalizer?["normalizers"]?.elements ?? []).compactMap { $0["type"]?.text }
    guard steps == ["NFC", "Replace", "Lowercase"] else {
      throw TokenizerError(
        "\(file): CLIP's normalizers NFC, Replace, Lowercase are expected, found \(steps.joined(separator: ", "))"
      )
    }
    let splitters = splitter?["pretokenizers"]?.elements ?? []
    guard splitters.compactMap({ $0["type"]?.text }) == ["Split", "ByteLevel"],
      let found = splitters[0]["pattern"]?["Regex"]?.text, found == pattern || found == longPattern,
      splitters[1]["add_prefix_space"]?.flag == false
    else {
      throw TokenizerError("\(file): CLIP's pre_tokenizer (Split by its pattern, ByteLevel) is expected")
    }
  }
}
