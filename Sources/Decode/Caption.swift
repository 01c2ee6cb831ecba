/// What to do with a caption that ``captionFault(_:)`` finds fault with.
public enum CaptionPolicy: String, Sendable, CaseIterable {
  /// Keep its bytes as they are.
  case keep
  /// Repair it, see ``repairedCaption(_:)``.
  case replace
  /// Reject the sample with `caption_not_utf8`.
  case drop
}

/// The longest caption without fault, in bytes.
public let maxCaptionBytes = 1 << 20

/// What is wrong with a caption, or nil: it is longer than ``maxCaptionBytes``, is not UTF-8, or holds a NUL. A byte
/// order mark is no fault.
public func captionFault(_ bytes: RawSpan) -> String? {
  if bytes.byteCount > maxCaptionBytes {
    return "the caption has \(bytes.byteCount) bytes, \(maxCaptionBytes) are allowed"
  }
  if !isValidUTF8(bytes) { return "the caption is not UTF-8" }
  for offset in 0..<bytes.byteCount where bytes.byte(at: offset) == 0 { return "the caption holds a NUL" }
  return nil
}

/// A caption without fault: a leading byte order mark is removed, U+FFFD stands for what is not UTF-8 and for NULs,
/// and the rest is cut behind the last character that ends within ``maxCaptionBytes``.
public func repairedCaption(_ bytes: RawSpan) -> [UInt8] {
  let start = bytes.has([0xEF, 0xBB, 0xBF], at: 0) ? 3 : 0
  // No repair makes text shorter, so what lies further behind cannot count.
  let end = min(bytes.byteCount, start + maxCaptionBytes + 4)
  var repaired: [UInt8] = []
  let text = repairedUTF8(bytes.extracting(start..<end))
  repaired.reserveCapacity(text.count)
  for byte in text { if byte == 0 { repaired += [0xEF, 0xBF, 0xBD] } else { repaired.append(byte) } }
  if repaired.count > maxCaptionBytes {
    var cut = maxCaptionBytes
    while cut > 0, repaired[cut] & 0xC0 == 0x80 { cut -= 1 }
    repaired.removeLast(repaired.count - cut)
  }
  return repaired
}

/// The same for bytes in an array.
public func repairedCaption(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  let span = bytes.span
  return unsafe repairedCaption(span.bytes)
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
/// - Throws: `caption_not_utf8` under `drop` if there is a fault, whichever it is; the message names it.
public func caption(_ bytes: RawSpan, _ policy: CaptionPolicy) throws(DecodeError) -> [UInt8] {
  switch policy {
  case .keep: break
  case .replace: return repairedCaption(bytes)
  case .drop: if let fault = captionFault(bytes) { throw DecodeError(.captionNotUTF8, fault) }
  }
  return unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
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
