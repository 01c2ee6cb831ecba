import Foundation

/// How BERT's tokenizers prepare text before they look for word pieces.
struct BERTText: Sendable {
  /// Control characters go, white space becomes blanks.
  var cleans = true
  /// Ideographs stand alone.
  var spacesIdeographs = true
  var stripsAccents = true
  var lowercases = true

  /// The normalised text, as UTF-8. Decomposition (NFD) is Foundation's; everything else reads scalar by scalar.
  func normalise(_ text: [UInt8]) -> [UInt8] {
    if text.allSatisfy({ $0 < 0x80 }) { return normalise(ascii: text) }
    var scalars = String.UnicodeScalarView()
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      if cleans {
        if scalar.value == 0 || scalar.value == 0xFFFD || CharacterClasses.isControl(scalar) { continue }
        if CharacterClasses.isWhitespace(scalar) {
          scalars.append(" ")
          continue
        }
      }
      if spacesIdeographs, CharacterClasses.isIdeograph(scalar) {
        scalars.append(" ")
        scalars.append(scalar)
        scalars.append(" ")
      } else {
        scalars.append(scalar)
      }
    }
    var clean = String(scalars)
    if stripsAccents {
      var bare = String.UnicodeScalarView()
      for scalar in clean.decomposedStringWithCanonicalMapping.unicodeScalars
      where !CharacterClasses.isNonspacingMark(scalar) { bare.append(scalar) }
      clean = String(bare)
    }
    return lowercases ? clean.utf8LowercasedByScalar() : Array(clean.utf8)
  }

  private func normalise(ascii text: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    for byte in text {
      switch byte {
      case 9, 10, 13: out.append(cleans ? 0x20 : byte)
      case 0..<0x20, 0x7F: if !cleans { out.append(byte) }
      case 65...90: out.append(lowercases ? byte + 32 : byte)
      default: out.append(byte)
      }
    }
    return out
  }
}

extension String {
  /// Each scalar's own lower case: no rule looks at its neighbours.
  func utf8LowercasedByScalar() -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      if scalar.isASCII {
        out.append(65...90 ~= scalar.value ? UInt8(scalar.value) + 32 : UInt8(scalar.value))
      } else {
        out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
      }
    }
    return out
  }
}
