public import Algebra

/// The first pass of a structured basis over 8-bit images: exact integer statistics of pixels, rows, columns,
/// channels or patches. Any order, split and thread count gives the same bits.
///
/// Then `measure(_:)` makes the second pass: the variance of every component.
public struct StructuredStatistics: ~Copyable, Sendable {
  public let kind: ComponentBasis.Kind
  public let shape: PixelShape
  /// Side of a patch; 0 for other bases.
  public let patchSide: Int
  private let threads: Int
  private var moments: ExactMoments
  private var grams: Grams

  private enum Grams {
    case none
    case modes(channels: ExactChannelGram, rows: ExactBlockGram, columns: ExactBlockGram)
    case patches(ExactBlockGram, places: [Int32])
  }

  /// Nothing seen yet.
  ///
  /// - Parameters:
  ///   - kind: `.separable`, `.dct` or `.patch`.
  ///   - patchSide: p for `.patch`, a divisor of both sides.
  ///   - threads: threads for the sums. They change the time, never the result.
  public init(kind: ComponentBasis.Kind, shape: PixelShape, patchSide: Int = 0, threads: Int = 1) {
    (self.kind, self.shape, self.threads) = (kind, shape, threads)
    self.patchSide = kind == .patch ? patchSide : 0
    moments = ExactMoments(features: shape.features)
    let (c, h, w) = (shape.channels, shape.height, shape.width)
    switch kind {
    case .separable:
      grams = .modes(
        channels: ExactChannelGram(channels: c, pixels: h * w), rows: ExactBlockGram(blocks: c * w, size: h),
        columns: ExactBlockGram(blocks: c * h, size: w))
    case .patch:
      precondition(PatchTransform.fits(shape, side: patchSide), "patches must tile the image")
      let size = c * patchSide * patchSide
      grams = .patches(
        ExactBlockGram(blocks: shape.features / size, size: size),
        places: PatchTransform.places(shape, side: patchSide))
    case .dct: grams = .none
    case .full, .truncated: preconditionFailure("not a structured basis")
    }
  }

  /// Images that callers should add at once.
  public static func batch(_ shape: PixelShape) -> Int { min(1024, max(32, (32 << 20) / shape.features)) }

  /// Most bytes that both passes take, with a batch of images and its rearranged copy.
  public static func bytes(
    kind: ComponentBasis.Kind, shape: PixelShape, patchSide: Int = 0, threads: Int
  ) -> Int {
    let (c, h, w, d) = (shape.channels, shape.height, shape.width, shape.features)
    let batches = 4 * batch(shape) * d
    // Variances, order and eigenvalues, and in each thread's hands one image's z, products and coefficients.
    let measuring = 64 * d + threads * 40 * d
    let first: Int
    switch kind {
    case .separable:
      first =
        ExactBlockGram.bytes(blocks: c * w, size: h, threads: threads)
        + ExactBlockGram.bytes(blocks: c * h, size: w, threads: threads) + 8 * c * (c + 1) / 2 * h * w
    case .patch:
      let size = c * patchSide * patchSide
      // dsyevd of one patch's covariance takes 3·m² numbers.
      first =
        ExactBlockGram.bytes(blocks: d / max(1, size), size: size, threads: threads) + 32 * size * size
    default: first = 0
    }
    return ExactMoments.bytes(features: d) + batches + max(first, measuring) + first / 8
  }

  /// Adds planar images, back to back.
  public mutating func add(_ images: [UInt8]) {
    moments.add(images.span)
    switch grams {
    case .none: break
    case .modes(var channels, let rows, let columns):
      grams = .none  // Gives the sums their only owner.
      channels.add(images.span)
      columns.add(images, threads: threads)
      rows.add(transposed(images), threads: threads)
      grams = .modes(channels: channels, rows: rows, columns: columns)
    case .patches(let blocks, let places):
      var patched = [UInt8](repeating: 0, count: images.count)
      for first in stride(from: 0, to: images.count, by: shape.features) {
        Self.scatter(images.span, first, places, into: &patched)
      }
      blocks.add(patched, threads: threads)
    }
  }

  private static func scatter(
    _ images: Span<UInt8>, _ first: Int, _ places: [Int32], into patched: inout [UInt8]
  ) {
    var target = patched.mutableSpan
    for j in places.indices { target[first + Int(places[j])] = images[first + j] }
  }

  /// Planes (c, y, x) as (c, x, y).
  private func transposed(_ images: [UInt8]) -> [UInt8] {
    let (h, w) = (shape.height, shape.width)
    var result = [UInt8](repeating: 0, count: images.count)
    var target = result.mutableSpan
    let source = images.span
    for plane in stride(from: 0, to: images.count, by: h * w) {
      for y in 0..<h {
        for x in 0..<w { target[plane + x * h + y] = source[plane + y * w + x] }
      }
    }
    return result
  }

  /// Ends the first pass: the components are known, not yet their variances.
  ///
  /// - Throws: `PCAError.tooFewRows` for fewer than two images, or what LAPACK says.
  public consuming func measure(_ standardization: Standardization) throws(PCAError) -> StructuredMeasure {
    let (mean, deviation) = try moments.result()
    let scaling = FeatureScaling(
      mean: mean, deviation: deviation, standardization, channels: shape.channels)
    let sums = moments.shiftedSums()
    let transform: ComponentTransform
    switch grams {
    case .none: transform = .separable(.dct(shape: shape))
    case .modes(let channels, let rows, let columns):
      let (count, sigma) = (moments.count, scaling.deviation)
      let turn = transposedPlaces()
      transform = .separable(
        SeparableTransform(
          shape: shape,
          channel: try Self.vectors(
            channels.covariance(sums, count: count, deviation: sigma), shape.channels),
          rows: try Self.vectors(
            rows.covariance(turn.map { sums[$0] }, count: count, deviation: turn.map { sigma[$0] }),
            shape.height),
          columns: try Self.vectors(
            columns.covariance(sums, count: count, deviation: sigma), shape.width)))
    case .patches(let blocks, let places):
      var (inPatches, sigma) = (sums, scaling.deviation)
      for j in places.indices {
        inPatches[Int(places[j])] = sums[j]
        sigma[Int(places[j])] = scaling.deviation[j]
      }
      transform = .patch(
        PatchTransform(
          shape: shape, side: patchSide,
          components: try Self.vectors(
            blocks.covariance(inPatches, count: moments.count, deviation: sigma), blocks.size)))
    }
    return StructuredMeasure(
      kind: kind, shape: shape, mean: mean, deviation: deviation, scaling: scaling, transform: transform,
      count: moments.count, threads: threads)
  }

  /// Feature (c, y, x) at every place of the (c, x, y) layout.
  private func transposedPlaces() -> [Int] {
    let (h, w) = (shape.height, shape.width)
    return (0..<shape.features).map { place in
      let (plane, x, y) = (place / (h * w), place / h % w, place % h)
      return plane * h * w + y * w + x
    }
  }

  private static func vectors(_ upper: [Double], _ order: Int) throws(PCAError) -> [Float] {
    try SymmetricEigen(upper: upper, order: order).vectors.map { Float($0) }
  }
}
