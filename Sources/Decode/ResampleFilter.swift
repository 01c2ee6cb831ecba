import Glibc

/// The convolution filters of ``resize(_:width:height:filter:)``, those of Pillow's 8-bit resampling.
public enum ResampleFilter: String, Sendable, CaseIterable {
  case box
  case bilinear
  /// Keys' cubic convolution with a = −0.5.
  case bicubic
  /// Sinc windowed by a sinc of three times its width.
  case lanczos

  /// Half the width of the filter at scale 1, in source pixels.
  var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at distance `x` from the centre.
  func weight(_ x: Double) -> Double {
    switch self {
    case .box:
      return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear:
      let x = abs(x)
      return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      let x = abs(x)
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    case .lanczos:
      return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }
}

private func sinc(_ x: Double) -> Double {
  if x == 0 { return 1 }
  let x = x * Double.pi
  return sin(x) / x
}
