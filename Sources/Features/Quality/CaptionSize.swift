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
      let isSpace = WhiteSpace.contains(scalar.value)
      if !isSpace, !isInWord { words += 1 }
      isInWord = !isSpace
    }
  }
}
