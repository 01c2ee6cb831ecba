import CCodecs

/// Resizes images and keeps a window of the result; only the source pixels the window needs are touched.
///
/// Weights and work memory are kept from image to image: once they have the size it takes, nothing is allocated.
@safe final class Resampler {
  /// The rows `band` holds at a time.
  static let bandRows = Int(tamis_band_rows)
  /// Bytes that may be read behind a row of the band.
  static let slack = Int(tamis_row_slack)

  private let kernel: tamis_kernel
  private var x = ResampleAxis()
  private var y = ResampleAxis()
  /// Source rows, up to four.
  private let band = WorkMemory()
  /// Rows resized along x, as many as one output needs and a band that may run ahead; or a band on its way.
  private let ring = WorkMemory()

  /// - Parameter isPlain: leave the processor's wider instructions unused; the result is the same.
  init(isPlain: Bool = false) { kernel = isPlain ? tamis_kernel_plain : tamis_best_kernel() }

  /// The window that `plan` asks for, from an image in memory.
  func resize(_ image: RGBImage, _ plan: ResizePlan) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: plan.bytes) { target, initialized in
      unsafe resize(image, plan, into: target.baseAddress!)
      initialized = plan.bytes
    }
  }

  /// The same into memory for ``ResizePlan/bytes`` bytes.
  func resize(_ image: RGBImage, _ plan: ResizePlan, into target: UnsafeMutablePointer<UInt8>) {
    precondition(image.width == plan.x.input && image.height == plan.y.input, "a plan for another image")
    precondition(image.pixels.count == image.width * image.height * 3, "pixels do not fit")
    unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe resize(pixels.baseAddress!, plan, into: target)
    }
  }

  /// The same on raw pixels, of which there are as many as the plan says.
  func resize(_ pixels: UnsafePointer<UInt8>, _ plan: ResizePlan, into target: UnsafeMutablePointer<UInt8>) {
    let stride = plan.x.input * 3
    if plan.isYFirst {
      unsafe alongYThenX(pixels, stride: stride, plan, into: target)
      return
    }
    let columns = columns(plan)
    var row = rows(plan).lowerBound
    unsafe alongXThenY(plan, from: columns, into: target) { band, step, count in
      for i in 0..<count {
        let from = unsafe pixels + (row * stride + columns.lowerBound * 3)
        unsafe (band + i * step).update(from: from, count: columns.count * 3)
        row += 1
      }
    }
  }

  /// Source columns that the plan needs.
  func columns(_ plan: ResizePlan) -> Range<Int> {
    x.prepare(plan.x)
    return x.sources
  }

  /// Source rows that the plan needs.
  func rows(_ plan: ResizePlan) -> Range<Int> {
    y.prepare(plan.y)
    return y.sources
  }

  /// Resizes rows as they come: `read` is asked for the next rows of `columns`, at most four, from the first of
  /// ``rows(_:)`` to the last; `columns` must hold those of ``columns(_:)``.
  func alongXThenY<Failure: Error>(
    _ plan: ResizePlan, from columns: Range<Int>, into target: UnsafeMutablePointer<UInt8>,
    read: (_ band: UnsafeMutablePointer<UInt8>, _ stride: Int, _ rows: Int) throws(Failure) -> Void
  ) throws(Failure) {
    x.prepare(plan.x)
    y.prepare(plan.y)
    let samples = x.outputs * 3
    let ringRows = y.taps + Self.bandRows
    let ring = unsafe ring.reserve(ringRows * samples)
    let stride = (columns.count * 3 + Self.slack + 31) / 32 * 32
    let band = unsafe band.reserve(8 + stride * Self.bandRows) + 8
    var ready = y.sources.lowerBound
    for row in 0..<y.outputs {
      let needed = Int(y.first[row] + y.count[row])
      while ready < needed {
        try unsafe read(band, stride, min(Self.bandRows, y.sources.upperBound - ready))
        let slot = { (i: Int) in unsafe ring + (ready + i) % ringRows * samples }
        var slots = unsafe (slot(0), slot(1), slot(2), slot(3))
        unsafe bandAlongX(band, stride: stride, origin: columns.lowerBound, into: &slots)
        ready += Self.bandRows
      }
      unsafe rowAlongY(
        row, of: ring, stride: samples, rows: ringRows, samples: samples, into: target + row * samples)
    }
  }

  /// Four rows at a time: along y from the image in memory, then along x.
  private func alongYThenX(
    _ source: UnsafePointer<UInt8>, stride: Int, _ plan: ResizePlan, into target: UnsafeMutablePointer<UInt8>
  ) {
    let columns = columns(plan)
    y.prepare(plan.y)
    let samples = x.outputs * 3
    let bandStride = columns.count * 3 + Self.slack
    let band = unsafe band.reserve(bandStride * Self.bandRows)
    let spare = unsafe ring.reserve(samples * Self.bandRows)
    for top in Swift.stride(from: 0, to: y.outputs, by: Self.bandRows) {
      let rows = min(Self.bandRows, y.outputs - top)
      for i in 0..<rows {
        unsafe rowAlongY(
          top + i, of: source + columns.lowerBound * 3, stride: stride, rows: plan.y.input,
          samples: columns.count * 3, into: band + i * bandStride)
      }
      // Rows of the band that are not filled go where nobody looks.
      let slot = { (i: Int) in unsafe i < rows ? target + (top + i) * samples : spare + i * samples }
      var slots = unsafe (slot(0), slot(1), slot(2), slot(3))
      unsafe bandAlongX(band, stride: bandStride, origin: columns.lowerBound, into: &slots)
    }
  }

  private typealias Row = UnsafeMutablePointer<UInt8>

  private func bandAlongX(_ band: Row, stride: Int, origin: Int, into rows: inout (Row, Row, Row, Row)) {
    let outputs = x.outputs
    unsafe withUnsafeBytes(of: &rows) { rows in
      let targets = unsafe rows.assumingMemoryBound(to: Optional<UnsafeMutablePointer<UInt8>>.self)
      unsafe x.withC { axis in
        unsafe tamis_resample_x(kernel, axis, outputs, band, stride, origin, targets.baseAddress!)
      }
    }
  }

  private func rowAlongY(
    _ row: Int, of ring: UnsafePointer<UInt8>, stride: Int, rows: Int, samples: Int, into target: Row
  ) {
    unsafe y.withC { axis in
      unsafe tamis_resample_y(kernel, axis, row, ring, stride, rows, samples, target)
    }
  }
}

extension ResizePlan {
  /// Bytes of the window.
  var bytes: Int { x.window.count * y.window.count * 3 }
}

extension ResampleAxis {
  /// The axis as C reads it, for the length of `body`.
  fileprivate func withC(_ body: (tamis_axis) -> Void) {
    unsafe first.withUnsafeBufferPointer { first in
      unsafe count.withUnsafeBufferPointer { count in
        unsafe weights.withUnsafeBufferPointer { weights in
          unsafe body(
            tamis_axis(
              first: first.baseAddress, count: count.baseAddress, weights: weights.baseAddress, groups: groups
            ))
        }
      }
    }
  }
}
