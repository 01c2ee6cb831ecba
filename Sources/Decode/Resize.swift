/// Resizes an image; bit for bit what Pillow 13's `Image.resize` gives for 8-bit RGB. Sizes must be positive.
///
/// One axis after the other, rounded to 8 bits between them, with weights of 22 fractional bits. Along x first,
/// unless the height shrinks by more than twice as many pixels as the width (earlier Pillows: always x first).
public func resize(_ image: RGBImage, width: Int, height: Int, filter: ResampleFilter) -> RGBImage {
  resize(image, width: width, height: height, filter: filter, with: Resampler())
}

/// ``resize(_:width:height:filter:)`` without the processor's wider instructions; the same bits, for tests.
package func resizePlainly(_ image: RGBImage, width: Int, height: Int, filter: ResampleFilter) -> RGBImage {
  resize(image, width: width, height: height, filter: filter, with: Resampler(isPlain: true))
}

private func resize(
  _ image: RGBImage, width: Int, height: Int, filter: ResampleFilter, with resampler: Resampler
) -> RGBImage {
  precondition(width > 0 && height > 0, "an image has at least one pixel")
  if width == image.width, height == image.height { return image }
  let plan = ResizePlan(
    from: (image.width, image.height), to: (width, height), columns: 0..<width, rows: 0..<height,
    filter: filter)
  return RGBImage(width: width, height: height, pixels: resampler.resize(image, plan))
}

/// What is asked of a resize: a window of the image brought to another size.
struct ResizePlan: Equatable {
  var x: AxisPlan
  var y: AxisPlan

  /// The whole image resized from `source` to `target` (width, height), of which `columns` and `rows` are kept.
  init(
    from source: (Int, Int), to target: (Int, Int), columns: Range<Int>, rows: Range<Int>,
    filter: ResampleFilter
  ) {
    x = AxisPlan(
      input: source.0, start: 0, extent: Double(source.0), output: target.0, window: columns, filter: filter)
    y = AxisPlan(
      input: source.1, start: 0, extent: Double(source.1), output: target.1, window: rows, filter: filter)
  }

  /// Whether Pillow goes along y first.
  var isYFirst: Bool { y.output < y.input && y.input - y.output > 2 * (x.input - x.output) }
}
