/// A word of a filter expression.
struct FilterToken {
  enum Kind {
    case number(Double)
    case name(String)
    case symbol(String)
    case end

    /// For messages.
    var name: String {
      switch self {
      case .number(let value): "\(value)"
      case .name(let name): name
      case .symbol(let symbol): symbol
      case .end: "the end"
      }
    }
  }

  var kind: Kind
  /// Its first character, counted from 1.
  var position: Int

  private static let symbols = [
    "<=", ">=", "==", "!=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", ",",
  ]

  /// All tokens, `end` last.
  static func scan(_ text: String) throws(FilterError) -> [FilterToken] {
    let characters = Array(text.unicodeScalars)
    var tokens: [FilterToken] = []
    var place = 0
    func isDigit(_ at: Int) -> Bool { at < characters.count && ("0"..."9").contains(characters[at]) }
    func isWord(_ at: Int) -> Bool {
      at < characters.count
        && (characters[at] == "_" || ("a"..."z").contains(characters[at])
          || ("A"..."Z").contains(characters[at])
          || isDigit(at))
    }
    while place < characters.count {
      let start = place
      if characters[place].properties.isWhitespace {
        place += 1
        continue
      }
      if isDigit(place) || (characters[place] == "." && isDigit(place + 1)) {
        while isDigit(place) || (place < characters.count && [".", "_"].contains(characters[place])) {
          place += 1
        }
        if place < characters.count, ["e", "E"].contains(characters[place]) {
          let sign = place + 1 < characters.count && ["+", "-"].contains(characters[place + 1]) ? 1 : 0
          if isDigit(place + 1 + sign) {
            place += 1 + sign
            while isDigit(place) { place += 1 }
          }
        }
        let written = String(String.UnicodeScalarView(characters[start..<place].filter { $0 != "_" }))
        guard let value = Double(written), !isWord(place) else {
          throw FilterError(position: start + 1, message: "not a number: \(written)")
        }
        tokens.append(FilterToken(kind: .number(value), position: start + 1))
      } else if isWord(place) {
        while isWord(place) { place += 1 }
        if characters[start..<place].elementsEqual("json".unicodeScalars) {
          while place < characters.count, characters[place] == ".", isWord(place + 1) {
            place += 1
            while isWord(place) { place += 1 }
          }
        }
        let name = String(String.UnicodeScalarView(characters[start..<place]))
        tokens.append(FilterToken(kind: .name(name), position: start + 1))
      } else if let symbol = symbols.first(where: { characters[place...].starts(with: $0.unicodeScalars) }) {
        place += symbol.unicodeScalars.count
        tokens.append(FilterToken(kind: .symbol(symbol), position: start + 1))
      } else {
        let hint = characters[place] == "=" ? "; equal is ==" : ""
        throw FilterError(position: start + 1, message: "unexpected '\(characters[place])'\(hint)")
      }
    }
    tokens.append(FilterToken(kind: .end, position: characters.count + 1))
    return tokens
  }
}
