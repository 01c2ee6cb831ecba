/// Classes of characters as the tokenizers' own libraries see them, which know older versions of Unicode: a character
/// that came later has no class there, and its tokens would differ if it had one here.
enum CharacterClasses {
  /// The category of a scalar in a version of Unicode (major number); nil: it was not assigned then.
  private static func category(_ scalar: Unicode.Scalar, unicode version: Int) -> Unicode.GeneralCategory? {
    let properties = scalar.properties
    guard let age = properties.age, age.major < version || age.major == version && age.minor == 0 else {
      return nil
    }
    return properties.generalCategory
  }

  /// A control or format character, or one of private use; tab, line feed and carriage return are none.
  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII {
      return scalar.value < 0x20 && ![9, 10, 13].contains(scalar.value) || scalar.value == 0x7F
    }
    switch category(scalar, unicode: 8) {
    case .control, .format, .privateUse: return true
    default: return false
    }
  }

  static func isWhitespace(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value == 0x20 || 9...13 ~= scalar.value }
    return scalar.properties.isWhitespace
  }

  /// Punctuation, and every ASCII character that is neither letter nor digit.
  static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x80:
      return 33...47 ~= scalar.value || 58...64 ~= scalar.value || 91...96 ~= scalar.value
        || 123...126 ~= scalar.value
    case 0x111C9, 0x166D: return true  // classified otherwise since
    default: break
    }
    switch category(scalar, unicode: 8) {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  /// A mark that takes no place of its own: what is left of an accent after decomposition.
  static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x300: return false
    case 0x1734, 0x1171E: return true  // classified otherwise since
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    default: return category(scalar, unicode: 8) == .nonspacingMark
    }
  }

  /// Ideographs that BERT takes as words of one character. The gap from 2B820 to 2B91F is the original's own.
  static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF,
      0x2F800...0x2FA1F:
      return true
    default: return false
    }
  }

  static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return 65...90 ~= scalar.value || 97...122 ~= scalar.value }
    switch category(scalar, unicode: 16) {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
    default: return false
    }
  }

  static func isNumber(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return 48...57 ~= scalar.value }
    switch category(scalar, unicode: 16) {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
  }
}
