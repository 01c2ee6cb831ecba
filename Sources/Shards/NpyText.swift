/// Texts in arrays: `<U` (UTF-32, padded with zeros) and `|S` (bytes, padded with zeros).
public enum NpyText {
  /// The type that holds all of `texts`, and their bytes one after the other.
  public static func unicode(_ texts: [String]) -> (type: NpyType, bytes: [UInt8]) {
    let longest = max(1, texts.map(\.unicodeScalars.count).max() ?? 0)
    var bytes: [UInt8] = []
    for text in texts {
      let scalars = text.unicodeScalars.map(\.value)
      for scalar in scalars + [UInt32](repeating: 0, count: longest - scalars.count) {
        bytes.appendLittleEndian(scalar)
      }
    }
    return (.unicode(longest), bytes)
  }

  /// The items of an array; nil where the type is no text, or one of them is not Unicode.
  public static func decode(_ type: NpyType, _ bytes: [UInt8]) -> [String]? {
    let items = stride(from: 0, to: bytes.count, by: type.bytes).map { bytes[$0..<$0 + type.bytes] }
    var texts: [String] = []
    for item in items {
      switch type {
      case .unicode:
        var scalars = String.UnicodeScalarView()
        let codes = UInt32.decode(Array(item))
        for code in codes[..<(codes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)] {
          guard let scalar = Unicode.Scalar(code) else { return nil }
          scalars.append(scalar)
        }
        texts.append(String(scalars))
      case .byteString:
        let end = item.lastIndex { $0 != 0 }.map { $0 + 1 } ?? item.startIndex
        guard let text = String(validating: item[..<end], as: UTF8.self) else { return nil }
        texts.append(text)
      default: return nil
      }
    }
    return texts
  }
}
