/// Turns or mirrors an image as EXIF orientation `orientation` asks, like Pillow's `ImageOps.exif_transpose`.
/// An orientation outside 2...8 gives the image itself.
public func oriented(_ image: RGBImage, _ orientation: UInt8) -> RGBImage {
  guard let turn = Turn(orientation, width: image.width, height: image.height), !image.pixels.isEmpty else {
    return image
  }
  let pixels = unsafe [UInt8](unsafeUninitializedCapacity: image.pixels.count) { target, initialized in
    unsafe image.pixels.withUnsafeBufferPointer { source in
      unsafe turn.copy(source.baseAddress!, to: target.baseAddress!)
    }
    initialized = image.pixels.count
  }
  return RGBImage(width: turn.columns, height: turn.rows, pixels: pixels)
}

/// Where the pixels of an image go that is turned or mirrored.
struct Turn {
  /// Width of the result.
  let columns: Int
  /// Height of the result.
  let rows: Int
  // Pixel (x, y) of the result is pixel start + x · right + y · down of the source.
  private let start: Int
  private let right: Int
  private let down: Int

  /// The turn of an image of width × height pixels; `nil` where it stays as it is.
  init?(_ orientation: UInt8, width: Int, height: Int) {
    switch orientation {
    case 2: (start, right, down) = (width - 1, -1, width)
    case 3: (start, right, down) = (width * height - 1, -1, -width)
    case 4: (start, right, down) = (width * (height - 1), 1, -width)
    case 5: (start, right, down) = (0, width, 1)
    case 6: (start, right, down) = (width * (height - 1), -width, 1)
    case 7: (start, right, down) = (width * height - 1, -width, -1)
    case 8: (start, right, down) = (width - 1, width, -1)
    default: return nil
    }
    (columns, rows) = orientation >= 5 ? (height, width) : (width, height)
  }

  /// Copies pixel by pixel in tiles, so that columns of the source stay in the cache.
  func copy(_ image: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    let tile = 32
    for top in stride(from: 0, to: rows, by: tile) {
      for left in stride(from: 0, to: columns, by: tile) {
        for y in top..<min(top + tile, rows) {
          var from = unsafe image + (start + y * down + left * right) * 3
          var to = unsafe target + (y * columns + left) * 3
          for _ in left..<min(left + tile, columns) {
            unsafe (to[0], to[1], to[2]) = (from[0], from[1], from[2])
            unsafe from += right * 3
            unsafe to += 3
          }
        }
      }
    }
  }
}
