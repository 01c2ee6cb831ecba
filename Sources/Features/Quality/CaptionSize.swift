import Decode

/// How long a caption is.
public struct CaptionSize: Sendable, Equatable {
  /// Code points: Python's `len(text)`.
  public var characters = 0
  /// Parts between white space: Python's `len(text.split())`.
  public var words = 0

  /// Of no caption.
  public init() {}

  /// Of a caption's bytes, decoded as Python's `bytes.decode("utf-8", "replace")` does.
  public init(_ caption: RawSpan) {
    var isInWord = false
    for scalar in String(decoding: repairedUTF8(caption), as: UTF8.self).unicodeScalars {
      characters += 1
      let isSpace = Self.isSpace(scalar.value)
      if !isSpace, !isInWord { words += 1 }
      isInWord = !isSpace
    }
  }

  /// What `str.isspace` is true for: bidirectional class WS, B or S, or category Zs.
  private static func isSpace(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
      0x3000:
      true
    default: false
    }
  }
}
