public import Decode

/// What the headers of a JPEG tell of its quality.
public struct JPEGQuality: Sendable, Equatable {
  /// The setting 1...100 of libjpeg whose tables are nearest; 0 for no JPEG, or one without tables.
  public var quality: UInt8 = 0
  /// Chroma subsampling as its three digits: 444, 422, 420, 440, 411 or 410; 400 without chroma, 1 for other
  /// factors, 0 for no JPEG.
  public var subsampling: UInt16 = 0

  /// Of a picture that is no JPEG.
  public init() {}

  public init(_ coding: JPEGCoding) {
    quality = Self.quality(coding)
    subsampling = Self.subsampling(coding.components)
  }

  /// The setting q with the smallest sum of |step − step of q| over the tables of the first three components, a
  /// table that several of them use counted once; on a tie the highest. Component 0 is compared with the luma table
  /// of T.81 annex K.1, the others with that of K.2, scaled as libjpeg's `jpeg_set_quality` does.
  private static func quality(_ coding: JPEGCoding) -> UInt8 {
    var compared: [(steps: [UInt16], base: [UInt16])] = []
    var seen: Set<Int> = []
    for (i, component) in coding.components.prefix(3).enumerated() {
      guard coding.tables.indices.contains(component.table), seen.insert(component.table).inserted else {
        continue
      }
      let steps = coding.tables[component.table]
      if !steps.isEmpty { compared.append((steps, i == 0 ? luma : chroma)) }
    }
    if compared.isEmpty { return 0 }
    var best = (distance: Int.max, quality: 0)
    for quality in stride(from: 100, through: 1, by: -1) {
      var distance = 0
      for (steps, base) in compared {
        for (step, base) in zip(steps, base) {
          distance += abs(Int(step) - scaled(Int(base), quality))
        }
      }
      if distance < best.distance { best = (distance, quality) }
    }
    return UInt8(best.quality)
  }

  private static func scaled(_ step: Int, _ quality: Int) -> Int {
    let percent = quality < 50 ? 5000 / quality : 200 - 2 * quality
    return min(max((step * percent + 50) / 100, 1), 255)
  }

  private static func subsampling(_ components: [JPEGCoding.Component]) -> UInt16 {
    guard let luma = components.first else { return 0 }
    guard components.count >= 3 else { return 400 }
    let (a, b) = (components[1], components[2])
    guard a.horizontal == b.horizontal, a.vertical == b.vertical, a.horizontal > 0, a.vertical > 0,
      luma.horizontal % a.horizontal == 0, luma.vertical % a.vertical == 0
    else { return 1 }
    return switch (luma.horizontal / a.horizontal, luma.vertical / a.vertical) {
    case (1, 1): 444
    case (2, 1): 422
    case (2, 2): 420
    case (1, 2): 440
    case (4, 1): 411
    case (4, 2): 410
    default: 1
    }
  }

  /// T.81 table K.1, in zigzag order.
  private static let luma: [UInt16] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40,
    58, 51,
    61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103,
    62, 77,
    113, 121, 112, 100, 120, 92, 101, 103, 99,
  ]

  /// T.81 table K.2, in zigzag order.
  private static let chroma: [UInt16] =
    [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66] + [UInt16](repeating: 99, count: 50)
}
