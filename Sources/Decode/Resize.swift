/// Resizes an image; bit for bit what Pillow 13's `Image.resize` gives for 8-bit RGB. Sizes must be positive.
///
/// One axis after the other, rounded to 8 bits between them, with weights of 22 fractional bits. Along x first,
/// unless the height shrinks by more than twice as many pixels as the width (earlier Pillows: always x first).
public func resize(_ image: RGBImage, width: Int, height: Int, filter: ResampleFilter) -> RGBImage {
  precondition(width > 0 && height > 0, "an image has at least one pixel")
  if width == image.width, height == image.height { return image }
  return Resampler(
    image, width: width, height: height, columns: 0..<width, rows: 0..<height, filter: filter
  ).run(image)
}

/// Resizes an image and keeps a window of the result; only the source pixels the window needs are touched.
struct Resampler {
  private let x: ResampleAxis
  private let y: ResampleAxis
  /// Source columns in use.
  private let sources: Range<Int>
  /// Samples in a row of the result.
  private let samples: Int
  private let isYFirst: Bool

  /// The window `columns` × `rows` of `image` resized to width × height.
  init(
    _ image: RGBImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>, filter: ResampleFilter
  ) {
    precondition(image.width > 0 && image.height > 0, "an image has at least one pixel")
    precondition(image.pixels.count == image.width * image.height * 3, "pixels do not fit")
    x = ResampleAxis(input: image.width, output: width, range: columns, filter: filter)
    y = ResampleAxis(input: image.height, output: height, range: rows, filter: filter)
    sources = x.sources
    samples = columns.count * 3
    isYFirst = height < image.height && image.height - height > 2 * (image.width - width)
  }

  func run(_ image: RGBImage) -> RGBImage {
    let rows = y.first.count
    // The kernels write whole groups: a row runs into the next one, which is written after it.
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: samples * rows + 16) { target, initialized in
      unsafe image.pixels.withUnsafeBytes { source in
        let target = UnsafeMutableRawPointer(target.baseAddress!)
        if isYFirst {
          unsafe alongYThenX(source.baseAddress!, width: image.width, into: target)
        } else {
          unsafe alongXThenY(source.baseAddress!, width: image.width, into: target)
        }
      }
      initialized = samples * rows
    }
    return RGBImage(width: x.first.count, height: rows, pixels: pixels)
  }

  /// Rows resized along x go into a ring that holds what one output needs, and a band that may run ahead.
  private func alongXThenY(_ source: UnsafeRawPointer, width: Int, into target: UnsafeMutableRawPointer) {
    let ringRows = y.taps + ResampleKernel.bandRows
    let rowBytes = samples * 4 + ResampleKernel.slack
    let ring = Scratch(ringRows * rowBytes)
    let bandStep = sources.count * 12 + ResampleKernel.slack
    let band = Scratch(bandStep * ResampleKernel.bandRows)
    let end = y.sources.upperBound
    var ready = y.sources.lowerBound
    for row in y.first.indices {
      while ready < y.first[row] + y.count[row] {
        for i in 0..<ResampleKernel.bandRows {
          let from = (min(ready + i, end - 1) * width + sources.lowerBound) * 3
          unsafe ResampleKernel.spread(
            source + from, count: sources.count * 3, into: band.start + i * bandStep)
        }
        let slot = { (i: Int) in unsafe ring.start + (ready + i) % ringRows * rowBytes }
        unsafe ResampleKernel.alongX(
          band.start, step: bandStep, firstSource: sources.lowerBound, axis: x,
          into: (slot(0), slot(1), slot(2), slot(3)))
        ready += ResampleKernel.bandRows
      }
      unsafe ResampleKernel.alongY(
        ring.start, rowBytes: rowBytes, ringRows: ringRows, firstRow: y.first[row],
        weights: y.weights.span.extracting(y.range(of: row)),
        bias: y.bias[row], samples: samples, into: target + row * samples)
    }
  }

  /// Four rows at a time: along y from the source, then along x.
  private func alongYThenX(_ source: UnsafeRawPointer, width: Int, into target: UnsafeMutableRawPointer) {
    let bandStep = sources.count * 12 + ResampleKernel.slack
    let band = Scratch(bandStep * ResampleKernel.bandRows)
    let line = Scratch(sources.count * 3 + ResampleKernel.slack)
    let rowBytes = samples * 4 + ResampleKernel.slack
    let result = Scratch(rowBytes * ResampleKernel.bandRows)
    let rows = y.first.count
    for top in stride(from: 0, to: rows, by: ResampleKernel.bandRows) {
      for i in 0..<min(ResampleKernel.bandRows, rows - top) {
        let from = (y.first[top + i] * width + sources.lowerBound) * 3
        unsafe ResampleKernel.alongY(
          bytes: source + from, stride: width * 3, weights: y.weights.span.extracting(y.range(of: top + i)),
          bias: y.bias[top + i],
          samples: sources.count * 3, into: line.start)
        unsafe ResampleKernel.spread(line.start, count: sources.count * 3, into: band.start + i * bandStep)
      }
      let slot = { (i: Int) in unsafe result.start + i * rowBytes }
      unsafe ResampleKernel.alongX(
        band.start, step: bandStep, firstSource: sources.lowerBound, axis: x,
        into: (slot(0), slot(1), slot(2), slot(3)))
      for i in 0..<min(ResampleKernel.bandRows, rows - top) {
        unsafe ResampleKernel.pack(slot(i), samples: samples, into: target + (top + i) * samples)
      }
    }
  }
}

/// Work memory, cleared at the start and freed at the end.
@safe private struct Scratch: ~Copyable {
  let start: UnsafeMutableRawPointer

  init(_ bytes: Int) {
    unsafe start = .allocate(byteCount: bytes, alignment: 64)
    unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }

  deinit { unsafe start.deallocate() }
}
