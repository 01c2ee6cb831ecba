/// The scale at which a JPEG is decoded: sides of `eighths` / 8 of the stored ones, rounded up.
///
/// The inverse DCT of each 8 × 8 block then makes fewer pixels, from the low frequencies alone; the decode is
/// quicker, and its pixels are not quite those of a whole image reduced. libjpeg has all eight scales, but
/// libjpeg-turbo has vector code for 1, 2, 4 and 8 eighths alone: 5, 6 and 7 take as long as a whole decode or
/// longer, 3 as long as 4. Pillow's `draft` knows the same four.
struct JPEGScale: Equatable {
  let eighths: Int

  static let full = JPEGScale(eighths: 8)

  /// A side as it is decoded.
  func applied(_ side: Int) -> Int { (side * eighths + 7) / 8 }

  /// The smallest scale, of those worth while (see above), at which neither side is shorter than `needed`; full scale where
  /// there is none.
  static func smallest(for stored: (width: Int, height: Int), needed: (width: Int, height: Int)) -> JPEGScale
  {
    for eighths in worthWhile {
      let scale = JPEGScale(eighths: eighths)
      if scale.applied(stored.width) >= needed.width, scale.applied(stored.height) >= needed.height {
        return scale
      }
    }
    return .full
  }

  private static let worthWhile = [1, 2, 4]
}
