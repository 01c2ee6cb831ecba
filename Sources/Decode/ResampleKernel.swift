import CCodecs

/// The inner loops of resizing, on raw memory the caller has sized.
///
/// A **lane** is 32 bits that hold one sample v as the 16-bit pair (v − 128, (v − 128) · 256). A weight is the
/// pair (w mod 256, w div 256), so the sum of the two products is (v − 128) · w exactly, and one instruction
/// makes four of them. A row of lanes has three for each pixel; reads and writes go in groups, so every row has
/// ``slack`` bytes behind it.
enum ResampleKernel {
  /// Bytes behind a row of lanes that may be read and written.
  static let slack = 64
  /// Rows resized along x at once.
  static let bandRows = 4

  /// Turns a row of `count` samples into lanes. No byte behind the samples is read.
  static func spread(_ source: UnsafeRawPointer, count: Int, into lanes: UnsafeMutableRawPointer) {
    var offset = 0
    while offset + 16 <= count {
      unsafe tamis_spread_samples(source + offset, lanes + offset * 4)
      offset += 16
    }
    if offset < count {
      var rest = SIMD16<UInt8>()
      for i in 0..<count - offset { rest[i] = unsafe (source + offset + i).load(as: UInt8.self) }
      unsafe tamis_spread_samples(&rest, lanes + offset * 4)
    }
  }

  /// Resizes four rows of lanes along x, `step` bytes apart from `rows` on; the first pixel is `firstSource`.
  static func alongX(
    _ rows: UnsafeRawPointer, step: Int, firstSource: Int, axis: ResampleAxis,
    into targets: (
      UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer
    )
  ) {
    let taps = axis.taps
    let weights = axis.weights.span
    for x in axis.first.indices {
      var row0 = unsafe rows + (axis.first[x] - firstSource) * 12
      var row2 = unsafe row0 + 2 * step
      var s0 = SIMD4<Int32>(repeating: axis.bias[x])
      var s1 = s0
      var s2 = s0
      var s3 = s0
      for tap in x * taps..<x * taps + axis.count[x] {
        let weight = splat(weights[tap])
        s0 &+= unsafe tamis_multiply_add_pairs(row0.loadUnaligned(as: SIMD8<Int16>.self), weight)
        s1 &+= unsafe tamis_multiply_add_pairs((row0 + step).loadUnaligned(as: SIMD8<Int16>.self), weight)
        s2 &+= unsafe tamis_multiply_add_pairs(row2.loadUnaligned(as: SIMD8<Int16>.self), weight)
        s3 &+= unsafe tamis_multiply_add_pairs((row2 + step).loadUnaligned(as: SIMD8<Int16>.self), weight)
        unsafe row0 += 12
        unsafe row2 += 12
      }
      // Four lanes are written, the fourth is the next pixel's first.
      unsafe (targets.0 + x * 12).storeBytes(of: lanes(s0), as: SIMD4<Int32>.self)
      unsafe (targets.1 + x * 12).storeBytes(of: lanes(s1), as: SIMD4<Int32>.self)
      unsafe (targets.2 + x * 12).storeBytes(of: lanes(s2), as: SIMD4<Int32>.self)
      unsafe (targets.3 + x * 12).storeBytes(of: lanes(s3), as: SIMD4<Int32>.self)
    }
  }

  /// Makes one row of bytes from rows of lanes: row (`firstRow` + i) mod `ringRows` has weight `weights[i]`.
  /// Samples go in groups of sixteen, so up to 15 bytes behind the row are written.
  static func alongY(
    _ ring: UnsafeRawPointer, rowBytes: Int, ringRows: Int, firstRow: Int, weights: Span<Int32>, bias: Int32,
    samples: Int, into target: UnsafeMutableRawPointer
  ) {
    var offset = 0
    while offset < samples {
      var sums = Sums(bias)
      var row = firstRow % ringRows
      for i in weights.indices {
        unsafe sums.add(ring + (row * rowBytes + offset * 4), weight: splat(weights[i]))
        row += 1
        if row == ringRows { row = 0 }
      }
      unsafe sums.store(target + offset)
      offset += 16
    }
  }

  /// Makes one row of bytes from rows of bytes `stride` apart, the first at `source`; row i has `weights[i]`.
  /// Like ``alongY`` it writes up to 15 bytes more, but it reads none behind the samples.
  static func alongY(
    bytes source: UnsafeRawPointer, stride: Int, weights: Span<Int32>, bias: Int32, samples: Int,
    into target: UnsafeMutableRawPointer
  ) {
    var lanes = SIMD16<Int32>()
    unsafe withUnsafeMutableBytes(of: &lanes) { buffer in
      let group = buffer.baseAddress!
      var offset = 0
      while offset < samples {
        var sums = Sums(bias)
        for i in weights.indices {
          unsafe spread(source + (i * stride + offset), count: min(16, samples - offset), into: group)
          unsafe sums.add(group, weight: splat(weights[i]))
        }
        unsafe sums.store(target + offset)
        offset += 16
      }
    }
  }

  /// Turns lanes back into bytes, in groups of sixteen.
  static func pack(_ lanes: UnsafeRawPointer, samples: Int, into target: UnsafeMutableRawPointer) {
    for offset in stride(from: 0, to: samples, by: 16) {
      let group = unsafe (lanes + offset * 4).loadUnaligned(as: SIMD16<Int32>.self) &+ 128
      unsafe target.storeBytes(
        of: SIMD16<UInt8>(truncatingIfNeeded: group), toByteOffset: offset, as: SIMD16<UInt8>.self)
    }
  }

  /// Sixteen sums with 22 fractional bits.
  private struct Sums {
    var s0: SIMD4<Int32>
    var s1: SIMD4<Int32>
    var s2: SIMD4<Int32>
    var s3: SIMD4<Int32>

    @inline(__always)
    init(_ bias: Int32) {
      s0 = SIMD4(repeating: bias)
      s1 = s0
      s2 = s0
      s3 = s0
    }

    @inline(__always)
    mutating func add(_ lanes: UnsafeRawPointer, weight: SIMD8<Int16>) {
      s0 &+= unsafe tamis_multiply_add_pairs(lanes.loadUnaligned(as: SIMD8<Int16>.self), weight)
      s1 &+= unsafe tamis_multiply_add_pairs((lanes + 16).loadUnaligned(as: SIMD8<Int16>.self), weight)
      s2 &+= unsafe tamis_multiply_add_pairs((lanes + 32).loadUnaligned(as: SIMD8<Int16>.self), weight)
      s3 &+= unsafe tamis_multiply_add_pairs((lanes + 48).loadUnaligned(as: SIMD8<Int16>.self), weight)
    }

    @inline(__always)
    func store(_ target: UnsafeMutableRawPointer) {
      unsafe target.storeBytes(of: bytes(s0), as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s1), toByteOffset: 4, as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s2), toByteOffset: 8, as: SIMD4<UInt8>.self)
      unsafe target.storeBytes(of: bytes(s3), toByteOffset: 12, as: SIMD4<UInt8>.self)
    }
  }

  @inline(__always)
  private static func splat(_ weight: Int32) -> SIMD8<Int16> {
    unsafe unsafeBitCast(SIMD4<Int32>(repeating: weight), to: SIMD8<Int16>.self)
  }

  /// Sums rounded and clamped to 0...255; a sum shifted is within ±512.
  @inline(__always)
  private static func clamped(_ sums: SIMD4<Int32>) -> SIMD4<Int32> { tamis_clamp_to_byte(sums &>> 22) }

  @inline(__always)
  private static func lanes(_ sums: SIMD4<Int32>) -> SIMD4<Int32> {
    let centred = clamped(sums) &- 128
    return centred & 0xFFFF | centred &<< 24
  }

  @inline(__always)
  private static func bytes(_ sums: SIMD4<Int32>) -> SIMD4<UInt8> {
    SIMD4<UInt8>(truncatingIfNeeded: clamped(sums))
  }
}
