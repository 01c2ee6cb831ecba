/// Turns or mirrors an image as EXIF orientation `orientation` asks, like Pillow's `ImageOps.exif_transpose`.
/// An orientation outside 2...8 gives the image itself.
public func oriented(_ image: RGBImage, _ orientation: UInt8) -> RGBImage {
  let (width, height) = (image.width, image.height)
  // Pixel (x, y) of the result is pixel start + x · right + y · down of the source.
  let start: Int
  let right: Int
  let down: Int
  switch orientation {
  case 2: (start, right, down) = (width - 1, -1, width)
  case 3: (start, right, down) = (width * height - 1, -1, -width)
  case 4: (start, right, down) = (width * (height - 1), 1, -width)
  case 5: (start, right, down) = (0, width, 1)
  case 6: (start, right, down) = (width * (height - 1), -width, 1)
  case 7: (start, right, down) = (width * height - 1, -width, -1)
  case 8: (start, right, down) = (width - 1, width, -1)
  default: return image
  }
  if image.pixels.isEmpty { return image }
  let columns = orientation >= 5 ? height : width
  let rows = orientation >= 5 ? width : height
  let pixels = unsafe [UInt8](unsafeUninitializedCapacity: image.pixels.count) { target, initialized in
    unsafe image.pixels.withUnsafeBufferPointer { source in
      unsafe copy(
        from: source.baseAddress! + start * 3, right: right * 3, down: down * 3,
        to: target.baseAddress!, columns: columns, rows: rows)
    }
    initialized = image.pixels.count
  }
  return RGBImage(width: columns, height: rows, pixels: pixels)
}

/// Copies pixel by pixel in tiles, so that columns of the source stay in the cache. Steps are in bytes.
private func copy(
  from source: UnsafePointer<UInt8>, right: Int, down: Int, to target: UnsafeMutablePointer<UInt8>,
  columns: Int, rows: Int
) {
  let tile = 32
  for top in stride(from: 0, to: rows, by: tile) {
    for left in stride(from: 0, to: columns, by: tile) {
      for y in top..<min(top + tile, rows) {
        var from = unsafe source + (y * down + left * right)
        var to = unsafe target + (y * columns + left) * 3
        for _ in left..<min(left + tile, columns) {
          unsafe (to[0], to[1], to[2]) = (from[0], from[1], from[2])
          unsafe from += right
          unsafe to += 3
        }
      }
    }
  }
}
