/// How a JPEG was coded, as its markers say.
public struct JPEGCoding: Sendable, Equatable {
  /// One component of the frame.
  public struct Component: Sendable, Equatable {
    /// Sampling factors, 1...4.
    public var horizontal: Int
    public var vertical: Int
    /// Number of its quantisation table.
    public var table: Int
  }

  /// Components in the order of the frame: luma first in the usual files.
  public var components: [Component] = []
  /// Quantisation tables 0...3 in zigzag order, 64 steps each; empty where there is none.
  public var tables = [[UInt16]](repeating: [], count: 4)
}

/// Reads the quantisation tables and the sampling of a JPEG up to its first scan (ITU-T T.81 B.2.4.1); of a table
/// given twice the later one counts. Nil for what has no frame before its first scan, or is cut before it.
public func jpegCoding(_ bytes: RawSpan) -> JPEGCoding? {
  guard bytes.has([0xFF, 0xD8], at: 0) else { return nil }
  var coding = JPEGCoding()
  var walk = JPEGWalk()
  while let marker = walk.next(bytes) {
    switch marker {
    case 0xD8: continue
    case 0xD9: return nil
    case 0xDA: return coding.components.isEmpty ? nil : coding
    case 0xDB: coding.readTables(bytes, at: walk.offset)
    case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: coding.readFrame(bytes, at: walk.offset)
    default: break
    }
    walk.skipSegment(bytes)
  }
  return nil
}

extension JPEGCoding {
  fileprivate mutating func readTables(_ bytes: RawSpan, at start: Int) {
    let end = start + (bytes.bigEndian16(at: start) ?? 0)
    var offset = start + 2
    while offset < end, let head = bytes.byte(at: offset) {
      let width = head >> 4 == 0 ? 1 : 2
      let next = offset + 1 + 64 * width
      guard next <= end, next <= bytes.byteCount, head >> 4 <= 1, head & 15 < 4 else { return }
      tables[Int(head & 15)] = (0..<64).map { i in
        let place = offset + 1 + i * width
        return UInt16((width == 1 ? bytes.byte(at: place).map(Int.init) : bytes.bigEndian16(at: place)) ?? 0)
      }
      offset = next
    }
  }

  fileprivate mutating func readFrame(_ bytes: RawSpan, at start: Int) {
    guard components.isEmpty, let count = bytes.byte(at: start + 7) else { return }
    for i in 0..<Int(count) {
      guard let factors = bytes.byte(at: start + 9 + 3 * i), let table = bytes.byte(at: start + 10 + 3 * i)
      else {
        components = []
        return
      }
      components.append(
        Component(horizontal: Int(factors >> 4), vertical: Int(factors & 15), table: Int(table)))
    }
  }
}
