import Decode
import Foundation

/// Captions as text for n-grams.
package enum CaptionText {
  /// Longest line kept, in bytes.
  package static let maximumBytes = 1 << 16

  /// A caption as one line: what is not UTF-8 replaced, white space and control characters between words made one
  /// space, none at the ends, cut behind the last character that ends within ``maximumBytes``.
  package static func line(_ caption: RawSpan) -> [UInt8] {
    var line: [UInt8] = []
    var wantsSpace = false
    for scalar in String(decoding: repairedUTF8(caption), as: UTF8.self).unicodeScalars {
      if WhiteSpace.contains(scalar.value) || scalar.properties.generalCategory == .control {
        wantsSpace = !line.isEmpty
        continue
      }
      let bytes = UTF8.encode(scalar)!
      if line.count + (wantsSpace ? 1 : 0) + bytes.count > maximumBytes { break }
      if wantsSpace { line.append(0x20) }
      wantsSpace = false
      line += bytes
    }
    return line
  }

  /// The first ``maximumBytes`` of a caption as text, what is not UTF-8 replaced: more than any model reads.
  package static func beginning(_ caption: RawSpan) -> String {
    let count = min(caption.byteCount, maximumBytes)
    var bytes = [UInt8](capacity: count) { output in
      for index in 0..<count {
        unsafe output.append(caption.unsafeLoad(fromByteOffset: index, as: UInt8.self))
      }
    }
    // A character that was cut is none.
    if count < caption.byteCount {
      while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
      if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The words of a line, each as code points: NFKC, lower case, split at everything that is white space,
  /// punctuation, a control or format character, or unassigned. Letters, marks, numbers and symbols (emoji too)
  /// make words.
  static func words(_ line: some Sequence<UInt8>) -> [[UInt32]] {
    var words: [[UInt32]] = []
    var word: [UInt32] = []
    func end() {
      if !word.isEmpty { words.append(word) }
      word.removeAll()
    }
    let bytes = Array(line)
    if bytes.allSatisfy({ $0 < 0x80 }) {
      for byte in bytes {
        let lower = (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
        if isWordASCII(lower) { word.append(UInt32(lower)) } else { end() }
      }
    } else {
      let text = String(decoding: bytes, as: UTF8.self).precomposedStringWithCompatibilityMapping
      for scalar in text.unicodeScalars {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
          if isWord(lower) { word.append(lower.value) } else { end() }
        }
      }
    }
    end()
    return words
  }

  private static func isWordASCII(_ byte: UInt8) -> Bool { isWord(Unicode.Scalar(byte)) }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
      .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .mathSymbol, .currencySymbol,
      .modifierSymbol, .otherSymbol:
      true
    default: false
    }
  }
}
