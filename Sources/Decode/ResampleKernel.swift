import CCodecs

/// The inner loops of resizing, on raw memory the caller has sized.
///
/// A **lane** is 32 bits that hold one sample v as the 16-bit pair (v − 128, (v − 128) · 256). A weight is the
/// pair (w mod 256, w div 256), so the sum of the two products is (v − 128) · w exactly, and one instruction
/// makes four of them. A **band** is four rows side by side: pixel x of row r stands at lane 16·x + 4·r, three
/// samples and an unused one.
enum ResampleKernel {
  /// Rows in a band.
  static let bandRows = 4
  /// Bytes of one pixel in all rows of a band.
  static let bandPixelBytes = 64

  /// Spreads `pixels` RGB pixels of one row into row `row` of a band. `readable` says whether a fourth byte may
  /// be read behind the last pixel.
  @inline(__always)
  static func spread(
    _ source: UnsafeRawPointer, pixels: Int, readable: Bool, into band: UnsafeMutableRawPointer, row: Int
  ) {
    var target = unsafe band + row * 16
    var from = unsafe source
    for _ in 0..<(readable ? pixels : pixels - 1) {
      unsafe target.storeBytes(of: lanes(from.loadUnaligned(as: SIMD4<UInt8>.self)), as: SIMD4<Int32>.self)
      unsafe target += bandPixelBytes
      unsafe from += 3
    }
    if !readable {
      let last = unsafe SIMD4<UInt8>(
        from.load(as: UInt8.self), (from + 1).load(as: UInt8.self), (from + 2).load(as: UInt8.self), 0)
      unsafe target.storeBytes(of: lanes(last), as: SIMD4<Int32>.self)
    }
  }

  /// Resizes a band along x: row r of the result goes to `targets[r]`, three lanes a pixel and one lane of
  /// slack at the end.
  static func alongX(
    _ band: UnsafeRawPointer, firstSource: Int, axis: borrowing ResampleAxis,
    targets: SIMD4<UInt>
  ) {
    let outputs = axis.first.count
    let taps = axis.taps
    let target0 = unsafe UnsafeMutableRawPointer(bitPattern: targets[0])!
    let target1 = unsafe UnsafeMutableRawPointer(bitPattern: targets[1])!
    let target2 = unsafe UnsafeMutableRawPointer(bitPattern: targets[2])!
    let target3 = unsafe UnsafeMutableRawPointer(bitPattern: targets[3])!
    let weights = axis.weights.span
    for x in 0..<outputs {
      var pixel = unsafe band + (axis.first[x] - firstSource) * bandPixelBytes
      var s0 = SIMD4<Int32>(repeating: axis.bias[x])
      var s1 = s0
      var s2 = s0
      var s3 = s0
      for tap in x * taps..<x * taps + axis.count[x] {
        let weight = splat(weights[tap])
        s0 &+= unsafe tamis_multiply_add_pairs(pixel.loadUnaligned(as: SIMD8<Int16>.self), weight)
        s1 &+= unsafe tamis_multiply_add_pairs((pixel + 16).loadUnaligned(as: SIMD8<Int16>.self), weight)
        s2 &+= unsafe tamis_multiply_add_pairs((pixel + 32).loadUnaligned(as: SIMD8<Int16>.self), weight)
        s3 &+= unsafe tamis_multiply_add_pairs((pixel + 48).loadUnaligned(as: SIMD8<Int16>.self), weight)
        unsafe pixel += bandPixelBytes
      }
      unsafe (target0 + x * 12).storeBytes(of: rounded(s0), as: SIMD4<Int32>.self)
      unsafe (target1 + x * 12).storeBytes(of: rounded(s1), as: SIMD4<Int32>.self)
      unsafe (target2 + x * 12).storeBytes(of: rounded(s2), as: SIMD4<Int32>.self)
      unsafe (target3 + x * 12).storeBytes(of: rounded(s3), as: SIMD4<Int32>.self)
    }
  }

  /// Makes one row of bytes from rows of lanes: row `i` of the ring has weight `weights[i]`. Sixteen samples at
  /// a time, so `target` and the rows are padded to a multiple of sixteen.
  @inline(__always)
  static func alongY(
    ring: UnsafeRawPointer, rowBytes: Int, ringRows: Int, firstRow: Int, weights: Span<Int32>, bias: Int32,
    samples: Int, into target: UnsafeMutableRawPointer
  ) {
    var offset = 0
    while offset < samples {
      var s0 = SIMD4<Int32>(repeating: bias)
      var s1 = s0
      var s2 = s0
      var s3 = s0
      var row = firstRow % ringRows
      for i in weights.indices {
        let weight = splat(weights[i])
        let lanes = unsafe ring + (row * rowBytes + offset * 4)
        s0 &+= unsafe tamis_multiply_add_pairs(lanes.loadUnaligned(as: SIMD8<Int16>.self), weight)
        s1 &+= unsafe tamis_multiply_add_pairs((lanes + 16).loadUnaligned(as: SIMD8<Int16>.self), weight)
        s2 &+= unsafe tamis_multiply_add_pairs((lanes + 32).loadUnaligned(as: SIMD8<Int16>.self), weight)
        s3 &+= unsafe tamis_multiply_add_pairs((lanes + 48).loadUnaligned(as: SIMD8<Int16>.self), weight)
        row += 1
        if row == ringRows { row = 0 }
      }
      unsafe target.storeBytes(of: bytes(s0), toByteOffset: offset, as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s1), toByteOffset: offset + 4, as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s2), toByteOffset: offset + 8, as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s3), toByteOffset: offset + 12, as: SIMD4<UInt8>.self)
      offset += 16
    }
  }

  @inline(__always)
  private static func splat(_ weight: Int32) -> SIMD8<Int16> {
    unsafe unsafeBitCast(SIMD4<Int32>(repeating: weight), to: SIMD8<Int16>.self)
  }

  /// Samples as lanes.
  @inline(__always)
  private static func lanes(_ samples: SIMD4<UInt8>) -> SIMD4<Int32> {
    lanes(SIMD4<Int32>(truncatingIfNeeded: samples))
  }

  @inline(__always)
  private static func lanes(_ samples: SIMD4<Int32>) -> SIMD4<Int32> {
    let centred = samples &- 128
    return centred & 0xFFFF | centred &<< 24
  }

  /// Sums with 22 fractional bits, rounded and clamped to 0...255; a sum shifted is within ±512.
  @inline(__always)
  private static func clamped(_ sums: SIMD4<Int32>) -> SIMD4<Int32> { tamis_clamp_to_byte(sums &>> 22) }

  @inline(__always)
  private static func rounded(_ sums: SIMD4<Int32>) -> SIMD4<Int32> { lanes(clamped(sums)) }

  @inline(__always)
  private static func bytes(_ sums: SIMD4<Int32>) -> SIMD4<UInt8> {
    SIMD4<UInt8>(truncatingIfNeeded: clamped(sums))
  }
}
