/// How an image is brought to a square.
public enum ThumbnailFit: String, Sendable, CaseIterable {
  /// The shorter side becomes the thumbnail's, the middle of the longer one is kept.
  case crop
  /// Both sides become the thumbnail's; the aspect is lost.
  case squash
}

/// Makes square RGB thumbnails of one size.
public struct Thumbnailer: Sendable {
  /// The side in pixels.
  public let size: Int
  /// With ``ThumbnailFit/crop``, what the shorter side of the image becomes before the middle is cut out.
  public let shorterSide: Int
  public let fit: ThumbnailFit
  public let filter: ResampleFilter

  /// A maker of thumbnails of `size` × `size` pixels; `size` must be positive.
  public init(size: Int, fit: ThumbnailFit = .crop, filter: ResampleFilter = .bicubic) {
    self.init(size: size, shorterSide: size, fit: fit, filter: filter)
  }

  /// The same where the shorter side stays longer than the thumbnail, so that a border is cut off all around.
  ///
  /// - Precondition: `shorterSide >= size`.
  public init(size: Int, shorterSide: Int, fit: ThumbnailFit, filter: ResampleFilter) {
    precondition(size > 0, "a thumbnail has at least one pixel")
    precondition(shorterSide >= size, "nothing to cut out of")
    self.size = size
    self.shorterSide = shorterSide
    self.fit = fit
    self.filter = filter
  }

  /// The thumbnail: size × size × 3 bytes, rows from the top.
  ///
  /// With `crop` it equals torchvision's `Resize(shorterSide)` and `CenterCrop(size)` on a Pillow image, but only the
  /// pixels that end up in the thumbnail are computed. For one image; for many, and from files, see
  /// ``ImageDecoder/thumbnail(_:info:by:)``.
  public func make(from image: RGBImage) -> [UInt8] {
    Resampler().resize(image, plan(width: image.width, height: image.height))
  }

  public func callAsFunction(_ image: RGBImage) -> [UInt8] { make(from: image) }

  /// What to ask of the resampler for an upright image of the given size.
  func plan(width: Int, height: Int) -> ResizePlan {
    let target = resized(width: width, height: height)
    let left = cropStart(target.width)
    let top = cropStart(target.height)
    return ResizePlan(
      from: (width, height), to: target, columns: left..<left + size, rows: top..<top + size, filter: filter)
  }

  /// The size the whole image is brought to, before the middle is cut out.
  func resized(width: Int, height: Int) -> (width: Int, height: Int) {
    let shorter = min(width, height)
    return fit == .squash ? (size, size) : (longSide(width, shorter), longSide(height, shorter))
  }

  /// Python's int(s · side / shorter), one correctly rounded division.
  private func longSide(_ side: Int, _ shorter: Int) -> Int {
    Int(Double(shorterSide * side) / Double(shorter))
  }

  /// Python's int(round((side − size) / 2.0)): halves go to the even number.
  private func cropStart(_ side: Int) -> Int { Int((Double(side - size) / 2).rounded(.toNearestOrEven)) }
}
