/// Laying an image on a larger white canvas, in place.
extension PictureSize.Placing {
  /// Moves the kept pixels, which stand packed at the beginning of a canvas, to their places on it and paints the rest
  /// of it white.
  func spread(_ canvas: UnsafeMutablePointer<UInt8>) {
    let line = columns.count * 3
    let width = self.canvas.width * 3
    if line == width, rows.count == self.canvas.height { return }
    // From the last row on: each one goes to where no row before it stands.
    for row in stride(from: rows.count - 1, through: 0, by: -1) {
      let begin = unsafe canvas + (top + row) * width
      unsafe (begin + left * 3).update(from: canvas + row * line, count: line)
    }
    for row in 0..<rows.count {
      let begin = unsafe canvas + (top + row) * width
      unsafe begin.update(repeating: 255, count: left * 3)
      unsafe (begin + left * 3 + line).update(repeating: 255, count: width - left * 3 - line)
    }
    unsafe canvas.update(repeating: 255, count: top * width)
    let below = top + rows.count
    unsafe (canvas + below * width).update(repeating: 255, count: (self.canvas.height - below) * width)
  }
}
