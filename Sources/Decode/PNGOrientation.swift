import CCodecs

/// Where the chunks of a PNG tell its orientation: eXIf, the text "Raw profile type exif" of ImageMagick, or an
/// XMP packet, in this order, as in Pillow. Of several chunks of a kind the last counts.
struct PNGOrientation {
  /// Text of a chunk, which may be compressed.
  private struct Text {
    var body: Range<Int>
    var isDeflated: Bool
  }

  /// Text that takes more once inflated is read up to here, Pillow's own limit.
  private static let maxText = 1 << 20

  private var exif: Range<Int>?
  private var rawProfile: Text?
  private var xmp: Text?

  /// Takes note of a chunk, whose body is the range; nothing is inflated.
  mutating func note(_ bytes: RawSpan, _ body: Range<Int>) {
    let name = body.lowerBound - 4
    if bytes.has("eXIf", at: name) {
      exif = body
    } else if bytes.has("tEXt", at: name) || bytes.has("zTXt", at: name) || bytes.has("iTXt", at: name) {
      if bytes.has("XML:com.adobe.xmp\0", at: body.lowerBound) {
        xmp = Self.text(bytes, name, body, afterKeyword: 18) ?? xmp
      } else if bytes.has("Raw profile type exif\0", at: body.lowerBound) {
        rawProfile = Self.text(bytes, name, body, afterKeyword: 22) ?? rawProfile
      }
    }
  }

  /// The orientation, or nil where no chunk has one.
  func orientation(_ bytes: RawSpan) -> UInt8? {
    if let exif {
      if let found = readEXIFOrientation(bytes.extracting(exif)) { return found }
    } else if let rawProfile, let profile = Self.bytes(ofHexLines: Self.plain(bytes, rawProfile)) {
      if let found = unsafe readEXIFOrientation(profile.span.bytes) { return found }
    }
    guard let xmp else { return nil }
    let packet = Self.plain(bytes, xmp)
    return unsafe readXMPOrientation(packet.span.bytes)
  }

  /// Where the text of a text chunk is; nil if the chunk is broken.
  private static func text(
    _ bytes: RawSpan, _ name: Int, _ body: Range<Int>, afterKeyword length: Int
  ) -> Text? {
    let start = body.lowerBound + length
    if bytes.has("tEXt", at: name), start <= body.upperBound {
      return Text(body: start..<body.upperBound, isDeflated: false)
    }
    // zTXt: method. iTXt: flag, method, language, zero, translated keyword, zero.
    if bytes.has("zTXt", at: name), start < body.upperBound, bytes.byte(at: start) == 0 {
      return Text(body: start + 1..<body.upperBound, isDeflated: true)
    }
    guard bytes.has("iTXt", at: name), let flag = bytes.byte(at: start),
      let method = bytes.byte(at: start + 1),
      flag == 0 || method == 0
    else { return nil }
    var offset = start + 2
    for _ in 0..<2 {
      while offset < body.upperBound, bytes.byte(at: offset) != 0 { offset += 1 }
      offset += 1
    }
    return offset <= body.upperBound ? Text(body: offset..<body.upperBound, isDeflated: flag != 0) : nil
  }

  /// The text itself; empty if it does not inflate.
  private static func plain(_ bytes: RawSpan, _ text: Text) -> [UInt8] {
    let stored = bytes.extracting(text.body)
    return unsafe stored.withUnsafeBytes { source in
      guard text.isDeflated else { return unsafe [UInt8](source.prefix(maxText)) }
      return unsafe [UInt8](unsafeUninitializedCapacity: maxText) { target, initialized in
        initialized = unsafe tamis_inflate(
          source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, target.baseAddress, maxText)
      }
    }
  }

  /// The bytes that a raw profile spells in hexadecimal digits behind its first three lines; nil if it does not.
  private static func bytes(ofHexLines text: [UInt8]) -> [UInt8]? {
    let lines = text.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false)
    guard lines.count == 4 else { return [] }
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in lines[3] where !(character == 0x20 || (0x09...0x0D).contains(character)) {
      guard let digit = Character(Unicode.Scalar(character)).hexDigitValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    return high == nil ? bytes : nil
  }
}
