/// Tokens that are found in a caption as they stand, before it is split into words: `[SEP]`, `<|endoftext|>`.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    var content: [UInt8]
    var id: Int32
    /// Takes the white space before and after it.
    var stripsLeft = false
    var stripsRight = false
    /// Is looked for in the normalised caption, not in the caption itself.
    var normalized = false
  }

  /// A part of a caption: a token, or text between tokens.
  enum Part {
    case token(Int32)
    case text(Range<Int>)
  }

  private let tokens: [Token]
  private let trie: ByteTrie
  /// Which bytes begin a token.
  private let begins: [Bool]

  var isEmpty: Bool { tokens.isEmpty }

  init(_ tokens: [Token]) {
    self.tokens = tokens
    trie = ByteTrie(tokens.enumerated().map { ($1.content, Int32($0)) })
    var begins = [Bool](repeating: false, count: 256)
    for token in tokens { begins[Int(token.content[0])] = true }
    self.begins = begins
  }

  /// The two sets of `added_tokens` in a tokenizer.json: looked for before and after normalising (by `normalise`, which
  /// is applied to their content as well).
  static func read(
    _ json: JSONBytes?, file: String, normalise: ([UInt8]) -> [UInt8]
  ) throws(TokenizerError) -> (raw: AddedTokens, normalised: AddedTokens) {
    var raw: [Token] = []
    var normalised: [Token] = []
    for entry in json?.elements ?? [] {
      guard var content = entry["content"]?.bytes, !content.isEmpty, content.count <= 256,
        let id = entry["id"]?.integer, id >= 0
      else {
        throw TokenizerError("\(file): an entry of added_tokens has no id, or no content of 1 to 256 bytes")
      }
      if entry["single_word"]?.flag == true {
        throw TokenizerError("\(file): added_tokens with single_word are not supported")
      }
      let inNormalised = entry["normalized"]?.flag == true
      if inNormalised { content = normalise(content) }
      if content.isEmpty { continue }
      let token = Token(
        content: content, id: id, stripsLeft: entry["lstrip"]?.flag == true,
        stripsRight: entry["rstrip"]?.flag == true, normalized: inNormalised)
      if inNormalised { normalised.append(token) } else { raw.append(token) }
    }
    return (AddedTokens(raw), AddedTokens(normalised))
  }

  /// The text cut at its tokens, from left to right, the longest one at each place.
  func split(_ text: [UInt8], _ range: Range<Int>) -> [Part] {
    if tokens.isEmpty { return range.isEmpty ? [] : [.text(range)] }
    var parts: [Part] = []
    var done = range.lowerBound
    var position = done
    while position < range.upperBound {
      guard begins[Int(text[position])],
        let match = trie.longestMatch(in: text, from: position, to: range.upperBound)
      else {
        position += 1
        continue
      }
      let token = tokens[Int(match.value)]
      var start = position
      var end = match.end
      if token.stripsLeft { start = text.trimmedEnd(done..<start) }
      if token.stripsRight { end = text.trimmedStart(end..<range.upperBound) }
      if done < start { parts.append(.text(done..<start)) }
      parts.append(.token(token.id))
      done = end
      position = end
    }
    if done < range.upperBound { parts.append(.text(done..<range.upperBound)) }
    return parts
  }
}

extension [UInt8] {
  /// The end of the range without the white space there.
  fileprivate func trimmedEnd(_ range: Range<Int>) -> Int {
    var end = range.upperBound
    while end > range.lowerBound {
      var start = end - 1
      while start > range.lowerBound, self[start] & 0xC0 == 0x80 { start -= 1 }
      guard Unicode.Scalar.decode(self, start..<end).properties.isWhitespace else { break }
      end = start
    }
    return end
  }

  /// The start of the range without the white space there.
  fileprivate func trimmedStart(_ range: Range<Int>) -> Int {
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start + 1
      while end < range.upperBound, self[end] & 0xC0 == 0x80 { end += 1 }
      guard Unicode.Scalar.decode(self, start..<end).properties.isWhitespace else { break }
      start = end
    }
    return start
  }
}

extension Unicode.Scalar {
  /// The one scalar that these bytes of valid UTF-8 are.
  fileprivate static func decode(_ bytes: [UInt8], _ range: Range<Int>) -> Unicode.Scalar {
    String(decoding: bytes[range], as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
  }
}
