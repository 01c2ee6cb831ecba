import Glibc

/// The 64-bit DCT hash of a picture: equal to `ImageHash`'s `phash` (hash size 8, factor 4), bit for bit.
///
/// A bit says whether one of the 8 × 8 lowest frequencies of the 32 × 32 grey picture is above the median of them.
/// In a symmetric or empty picture half of the frequencies or more are 0 but for rounding, and the median is among
/// them: those bits are the signs of rounding errors. They can only be equal if the transform adds and multiplies in
/// the same order as the one behind `scipy.fftpack.dct`, which is what ``CosineTransform32`` does.
enum PerceptualHash {
  /// Side of the grey picture.
  static let side = 32
  /// Side of the corner of low frequencies.
  static let corner = 8

  /// - Parameter pixels: 32 × 32 grey values, rows from the top.
  /// - Returns: the bits of the corner, row after row, the first one highest: its hexadecimal is `str(phash)`.
  static func hash(_ pixels: [UInt8]) -> UInt64 {
    precondition(pixels.count == side * side)
    let transform = CosineTransform32()
    // Down the columns first, then along the rows of the corner.
    var rows = [[Double]](repeating: [Double](repeating: 0, count: side), count: corner)
    for column in 0..<side {
      let line = transform((0..<side).map { Double(pixels[$0 * side + column]) })
      for row in 0..<corner { rows[row][column] = line[row] }
    }
    let low = rows.flatMap { transform($0)[..<corner] }
    let sorted = low.sorted()
    let median = (sorted[31] + sorted[32]) / 2
    return low.reduce(0) { $0 << 1 | ($1 > median ? 1 : 0) }
  }
}

/// The DCT of type II of 32 numbers, y_k = 2 Σ x_n cos(π k (2n + 1) / 64), by a real backward Fourier transform of
/// factors 2, 4 and 4 as in FFTPACK (P. N. Swarztrauber) and its descendant pocketfft: the same operations on the
/// same numbers, so that every rounding is the same too.
struct CosineTransform32 {
  private static let length = 32
  /// cos(2πi/128), i = 1...32.
  private static let cosines: [Double] = {
    let roots = RootsOfUnity(128)
    return (1...length).map { roots[$0].cos }
  }()
  /// Factors of the passes with the twiddles of each.
  private static let passes: [(factor: Int, twiddles: [[Double]])] = {
    let roots = RootsOfUnity(length)
    var done = 1
    return [2, 4, 4].map { factor in
      let inner = length / (done * factor)
      let twiddles = (1..<factor).map { j in
        (1..<max((inner + 1) / 2, 1)).flatMap { i in [roots[j * done * i].cos, roots[j * done * i].sin] }
      }
      done *= factor
      return (factor, twiddles)
    }
  }()

  func callAsFunction(_ input: [Double]) -> [Double] {
    let n = Self.length
    var c = input
    c[0] *= 2
    c[n - 1] *= 2
    for k in stride(from: 1, to: n - 1, by: 2) { (c[k], c[k + 1]) = (c[k + 1] + c[k], c[k + 1] - c[k]) }
    var done = 1
    for pass in Self.passes {
      c = pass.factor == 2 ? Self.byTwo(c, done, pass.twiddles) : Self.byFour(c, done, pass.twiddles)
      done *= pass.factor
    }
    let w = Self.cosines
    for k in 1..<n / 2 {
      let (a, b) = (c[k], c[n - k])
      let sum = w[k - 1] * b + w[n - k - 1] * a
      let difference = w[k - 1] * a - w[n - k - 1] * b
      c[k] = 0.5 * (sum + difference)
      c[n - k] = 0.5 * (sum - difference)
    }
    c[n / 2] *= w[n / 2 - 1]
    return c
  }

  /// A backward pass of factor 2: `done` transforms of the product of the factors behind it.
  private static func byTwo(_ c: [Double], _ done: Int, _ w: [[Double]]) -> [Double] {
    let m = length / (2 * done)
    var h = c
    func source(_ i: Int, _ part: Int, _ k: Int) -> Double { c[i + m * (part + 2 * k)] }
    func place(_ i: Int, _ k: Int, _ part: Int) -> Int { i + m * (k + done * part) }
    for k in 0..<done {
      h[place(0, k, 0)] = source(0, 0, k) + source(m - 1, 1, k)
      h[place(0, k, 1)] = source(0, 0, k) - source(m - 1, 1, k)
      if m % 2 == 0 {
        h[place(m - 1, k, 0)] = 2 * source(m - 1, 0, k)
        h[place(m - 1, k, 1)] = -2 * source(0, 1, k)
      }
      for i in stride(from: 2, to: m, by: 2) {
        let j = m - i
        h[place(i - 1, k, 0)] = source(i - 1, 0, k) + source(j - 1, 1, k)
        let real = source(i - 1, 0, k) - source(j - 1, 1, k)
        let imaginary = source(i, 0, k) + source(j, 1, k)
        h[place(i, k, 0)] = source(i, 0, k) - source(j, 1, k)
        h[place(i, k, 1)] = w[0][i - 2] * imaginary + w[0][i - 1] * real
        h[place(i - 1, k, 1)] = w[0][i - 2] * real - w[0][i - 1] * imaginary
      }
    }
    return h
  }

  /// A backward pass of factor 4.
  private static func byFour(_ c: [Double], _ done: Int, _ w: [[Double]]) -> [Double] {
    let m = length / (4 * done)
    var h = c
    func source(_ i: Int, _ part: Int, _ k: Int) -> Double { c[i + m * (part + 4 * k)] }
    func place(_ i: Int, _ k: Int, _ part: Int) -> Int { i + m * (k + done * part) }
    for k in 0..<done {
      let (even, odd) = (source(0, 0, k) + source(m - 1, 3, k), source(0, 0, k) - source(m - 1, 3, k))
      let (real, imaginary) = (2 * source(m - 1, 1, k), 2 * source(0, 2, k))
      h[place(0, k, 0)] = even + real
      h[place(0, k, 1)] = odd - imaginary
      h[place(0, k, 2)] = even - real
      h[place(0, k, 3)] = odd + imaginary
      if m % 2 == 0 {
        let (sum, difference) = (source(0, 3, k) + source(0, 1, k), source(0, 3, k) - source(0, 1, k))
        let outer = source(m - 1, 0, k) + source(m - 1, 2, k)
        let inner = source(m - 1, 0, k) - source(m - 1, 2, k)
        h[place(m - 1, k, 0)] = outer + outer
        h[place(m - 1, k, 1)] = 2.0.squareRoot() * (inner - sum)
        h[place(m - 1, k, 2)] = difference + difference
        h[place(m - 1, k, 3)] = -2.0.squareRoot() * (inner + sum)
      }
      for i in stride(from: 2, to: m, by: 2) {
        let j = m - i
        let r2 = source(i - 1, 0, k) + source(j - 1, 3, k)
        let r1 = source(i - 1, 0, k) - source(j - 1, 3, k)
        let i1 = source(i, 0, k) + source(j, 3, k)
        let i2 = source(i, 0, k) - source(j, 3, k)
        let r4 = source(i, 2, k) + source(j, 1, k)
        let i3 = source(i, 2, k) - source(j, 1, k)
        let r3 = source(i - 1, 2, k) + source(j - 1, 1, k)
        let i4 = source(i - 1, 2, k) - source(j - 1, 1, k)
        h[place(i - 1, k, 0)] = r2 + r3
        h[place(i, k, 0)] = i2 + i3
        let turned = [(i1 + i4, r1 - r4), (i2 - i3, r2 - r3), (i1 - i4, r1 + r4)]
        for (part, (imaginary, real)) in turned.enumerated() {
          h[place(i, k, part + 1)] = w[part][i - 2] * imaginary + w[part][i - 1] * real
          h[place(i - 1, k, part + 1)] = w[part][i - 2] * real - w[part][i - 1] * imaginary
        }
      }
    }
    return h
  }
}

/// cos and sin of 2πi/n for 0 ≤ i ≤ n/4, each the product of two roots that the C library gives, as pocketfft makes
/// them.
private struct RootsOfUnity {
  private let low: [(cos: Double, sin: Double)]
  private let high: [(cos: Double, sin: Double)]
  private let shift: Int

  init(_ n: Int) {
    // A quarter of π/n; angles are multiples of 8 of it, turned into the first octant.
    let unit = 0.25 * Double.pi / Double(n)
    func root(_ i: Int) -> (cos: Double, sin: Double) {
      let x = 8 * i
      if x < n { return (Glibc.cos(Double(x) * unit), Glibc.sin(Double(x) * unit)) }
      return (Glibc.sin(Double(2 * n - x) * unit), Glibc.cos(Double(2 * n - x) * unit))
    }
    var shift = 1
    while 1 << (2 * shift) < (n + 2) / 2 { shift += 1 }
    self.shift = shift
    low = [(1, 0)] + (1..<1 << shift).map(root)
    high = [(1, 0)] + (1...max((n / 4) >> shift, 1)).map { root($0 << shift) }
  }

  subscript(_ i: Int) -> (cos: Double, sin: Double) {
    let (a, b) = (low[i & ((1 << shift) - 1)], high[i >> shift])
    return (a.cos * b.cos - a.sin * b.sin, a.cos * b.sin + a.sin * b.cos)
  }
}
