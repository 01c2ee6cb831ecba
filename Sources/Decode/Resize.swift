/// Resizes an image; bit for bit what Pillow's `Image.resize` gives for 8-bit RGB.
///
/// First along x, rounded to 8 bits, then along y, with weights of 22 fractional bits. Sizes must be positive.
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
  private let sources: Range<Int>
  private let samples: Int
  /// Bytes of a row of lanes: whole groups of sixteen, and room for the lane written behind the last pixel.
  private let rowBytes: Int
  /// Rows kept: those one output needs, and a band that may run ahead.
  private let ringRows: Int

  /// The window `columns` × `rows` of `image` resized to width × height.
  init(
    _ image: RGBImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>, filter: ResampleFilter
  ) {
    precondition(image.width > 0 && image.height > 0, "an image has at least one pixel")
    x = ResampleAxis(input: image.width, output: width, range: columns, filter: filter)
    y = ResampleAxis(input: image.height, output: height, range: rows, filter: filter)
    sources = x.sources
    samples = columns.count * 3
    rowBytes = (samples + 16) / 16 * 64
    ringRows = y.taps + ResampleKernel.bandRows
  }

  func run(_ image: RGBImage) -> RGBImage {
    let (columns, rows) = (x.first.count, y.first.count)
    precondition(image.pixels.count == image.width * image.height * 3)
    let lastRow = y.sources.upperBound
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: samples * rows + 16) { target, initialized in
      unsafe withScratch { ring, band in
        unsafe image.pixels.withUnsafeBytes { source in
          var ready = y.sources.lowerBound
          for row in 0..<rows {
            while ready < y.first[row] + y.count[row] {
              unsafe fill(ring, band, from: source, image: image, row: ready, end: lastRow)
              ready += ResampleKernel.bandRows
            }
            let weights = row * y.taps..<row * y.taps + y.count[row]
            // The last group of sixteen runs into the next row, which is written after it.
            unsafe ResampleKernel.alongY(
              ring: ring, rowBytes: rowBytes, ringRows: ringRows, firstRow: y.first[row],
              weights: y.weights.span.extracting(weights), bias: y.bias[row], samples: samples,
              into: UnsafeMutableRawPointer(target.baseAddress! + row * samples))
          }
        }
      }
      initialized = samples * rows
    }
    return RGBImage(width: columns, height: rows, pixels: pixels)
  }

  /// Resizes the band that starts at `row` along x, into the ring; rows at or past `end` repeat the last.
  private func fill(
    _ ring: UnsafeMutableRawPointer, _ band: UnsafeMutableRawPointer, from source: UnsafeRawBufferPointer,
    image: RGBImage, row: Int, end: Int
  ) {
    var targets = SIMD4<UInt>()
    for i in 0..<ResampleKernel.bandRows {
      let from = (min(row + i, end - 1) * image.width + sources.lowerBound) * 3
      unsafe ResampleKernel.spread(
        source.baseAddress! + from, pixels: sources.count,
        readable: from + sources.count * 3 < source.count, into: band, row: i)
      targets[i] = unsafe UInt(bitPattern: ring + (row + i) % ringRows * rowBytes)
    }
    unsafe ResampleKernel.alongX(band, firstSource: sources.lowerBound, axis: x, targets: targets)
  }

  private func withScratch(_ body: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void) {
    let ring = UnsafeMutableRawPointer.allocate(byteCount: ringRows * rowBytes, alignment: 64)
    let band = UnsafeMutableRawPointer.allocate(
      byteCount: max(sources.count, 1) * ResampleKernel.bandPixelBytes, alignment: 64)
    defer {
      unsafe ring.deallocate()
      unsafe band.deallocate()
    }
    unsafe ring.initializeMemory(as: UInt8.self, repeating: 0, count: ringRows * rowBytes)
    unsafe body(ring, band)
  }
}
