/// Checked reads of small integers; an offset outside the bytes gives `nil`, never a trap.
extension RawSpan {
  func byte(at offset: Int) -> UInt8? {
    guard offset >= 0, offset < byteCount else { return nil }
    return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  func bigEndian16(at offset: Int) -> Int? {
    guard let high = byte(at: offset), let low = byte(at: offset + 1) else { return nil }
    return Int(high) << 8 | Int(low)
  }

  func littleEndian16(at offset: Int) -> Int? {
    guard let low = byte(at: offset), let high = byte(at: offset + 1) else { return nil }
    return Int(high) << 8 | Int(low)
  }

  func bigEndian32(at offset: Int) -> Int? {
    guard let high = bigEndian16(at: offset), let low = bigEndian16(at: offset + 2) else { return nil }
    return high << 16 | low
  }

  func littleEndian32(at offset: Int) -> Int? {
    guard let low = littleEndian16(at: offset), let high = littleEndian16(at: offset + 2) else { return nil }
    return high << 16 | low
  }

  /// Whether the ASCII text stands at `offset`.
  func has(_ text: StaticString, at offset: Int) -> Bool {
    guard offset >= 0, offset + text.utf8CodeUnitCount <= byteCount else { return false }
    for i in 0..<text.utf8CodeUnitCount {
      if byte(at: offset + i) != (unsafe text.utf8Start[i]) { return false }
    }
    return true
  }

  /// Whether the bytes stand at `offset`.
  func has(_ wanted: [UInt8], at offset: Int) -> Bool {
    for (i, value) in wanted.enumerated() where byte(at: offset + i) != value { return false }
    return true
  }

  /// The first offset at or after `start` where 0xFF stands, or `byteCount`.
  func nextFF(from start: Int) -> Int {
    var offset = Swift.max(start, 0)
    while offset < byteCount, (unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)) != 0xFF {
      offset += 1
    }
    return Swift.min(offset, byteCount)
  }
}
