/// Lays straight-alpha RGBA pixels over white: round((c·a + 255·(255 − a)) / 255) for each channel, which is what
/// Pillow's `alpha_composite` gives for every c and a.
func layOverWhite(_ rgba: [UInt8], into rgb: UnsafeMutableBufferPointer<UInt8>) {
  let pixels = rgb.count / 3
  precondition(rgba.count >= pixels * 4)
  unsafe rgba.withUnsafeBufferPointer { source in
    for i in 0..<pixels {
      let alpha = unsafe UInt32(source[i &* 4 &+ 3])
      let white = 255 &* (255 &- alpha) &+ 128
      for channel in 0..<3 {
        // At most 255 · 255 + 128; (t + t / 256) / 256 is the rounded quotient by 255 in this range.
        let t = unsafe UInt32(source[i &* 4 &+ channel]) &* alpha &+ white
        unsafe rgb[i &* 3 &+ channel] = UInt8(truncatingIfNeeded: (t &+ t >> 8) >> 8)
      }
    }
  }
}

/// Turns CMYK samples as Adobe stores them in JPEG (inverted) into RGB as Pillow does:
/// with k = 255 − black, out = k − round((255 − c)·k / 255).
func invertedCMYKToRGB(_ cmyk: [UInt8], into rgb: UnsafeMutableBufferPointer<UInt8>) {
  let pixels = rgb.count / 3
  precondition(cmyk.count >= pixels * 4)
  for i in 0..<pixels {
    let key = UInt32(cmyk[i &* 4 &+ 3])
    for channel in 0..<3 {
      let t = (255 - UInt32(cmyk[i &* 4 &+ channel])) * key + 128
      unsafe rgb[i &* 3 &+ channel] = UInt8(truncatingIfNeeded: key - (t + t >> 8) >> 8)
    }
  }
}
