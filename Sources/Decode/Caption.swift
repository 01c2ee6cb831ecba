/// What to do with a caption that is not UTF-8.
public enum CaptionPolicy: String, Sendable, CaseIterable {
  /// Keep its bytes as they are.
  case keep
  /// Put U+FFFD in place of what is broken.
  case replace
  /// Reject the sample with `caption_not_utf8`.
  case drop
}

/// Whether the bytes are UTF-8 (Unicode 16, table 3-7): no overlong forms, no surrogates, nothing cut short.
public func isValidUTF8(_ bytes: RawSpan) -> Bool {
  var offset = 0
  while offset < bytes.byteCount {
    let step = utf8Step(bytes, offset)
    if step < 0 { return false }
    offset += step
  }
  return true
}

/// The bytes with each maximal broken part replaced by U+FFFD, as Python's `decode("utf-8", "replace")` does.
public func repairedUTF8(_ bytes: RawSpan) -> [UInt8] {
  var repaired: [UInt8] = []
  repaired.reserveCapacity(bytes.byteCount)
  var offset = 0
  while offset < bytes.byteCount {
    let step = utf8Step(bytes, offset)
    if step > 0 {
      for i in offset..<offset + step { repaired.append(bytes.byte(at: i)!) }
    } else {
      repaired += [0xEF, 0xBF, 0xBD]
    }
    offset += abs(step)
  }
  return repaired
}

/// The caption under a policy: the bytes to use.
///
/// - Throws: `caption_not_utf8` under `drop` if the bytes are not UTF-8.
public func caption(_ bytes: RawSpan, _ policy: CaptionPolicy) throws(DecodeError) -> [UInt8] {
  let given = { (bytes: RawSpan) in unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
  if policy == .keep || isValidUTF8(bytes) { return given(bytes) }
  if policy == .replace { return repairedUTF8(bytes) }
  throw DecodeError(.captionNotUTF8, "the caption is not UTF-8")
}

/// The length of the well-formed character at `offset`, or minus the length of the broken part there.
private func utf8Step(_ bytes: RawSpan, _ offset: Int) -> Int {
  guard let lead = bytes.byte(at: offset) else { return -1 }
  let length: Int
  // The second byte's range depends on the first; all later ones are 80...BF.
  var second: ClosedRange<UInt8> = 0x80...0xBF
  switch lead {
  case 0x00...0x7F: return 1
  case 0xC2...0xDF: length = 2
  case 0xE0: (length, second) = (3, 0xA0...0xBF)
  case 0xED: (length, second) = (3, 0x80...0x9F)
  case 0xE1...0xEF: length = 3
  case 0xF0: (length, second) = (4, 0x90...0xBF)
  case 0xF1...0xF3: length = 4
  case 0xF4: (length, second) = (4, 0x80...0x8F)
  default: return -1
  }
  for i in 1..<length {
    let allowed = i == 1 ? second : 0x80...0xBF
    guard let byte = bytes.byte(at: offset + i), allowed.contains(byte) else { return -i }
  }
  return length
}
