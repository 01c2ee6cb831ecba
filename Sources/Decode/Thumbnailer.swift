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
  public let fit: ThumbnailFit
  public let filter: ResampleFilter

  /// A maker of thumbnails of `size` × `size` pixels; `size` must be positive.
  public init(size: Int, fit: ThumbnailFit = .crop, filter: ResampleFilter = .bicubic) {
    precondition(size > 0, "a thumbnail has at least one pixel")
    self.size = size
    self.fit = fit
    self.filter = filter
  }

  /// The thumbnail: size × size × 3 bytes, rows from the top.
  ///
  /// With `crop` it equals torchvision's `Resize(size)` and `CenterCrop(size)` on a Pillow image, but only the
  /// pixels that end up in the thumbnail are computed.
  public func make(from image: RGBImage) -> [UInt8] {
    let shorter = min(image.width, image.height)
    let width = fit == .squash ? size : longSide(image.width, shorter)
    let height = fit == .squash ? size : longSide(image.height, shorter)
    if width == size, height == size {
      return resize(image, width: size, height: size, filter: filter).pixels
    }
    let left = cropStart(width)
    let top = cropStart(height)
    return Resampler(
      image, width: width, height: height, columns: left..<left + size, rows: top..<top + size, filter: filter
    ).run(image).pixels
  }

  public func callAsFunction(_ image: RGBImage) -> [UInt8] { make(from: image) }

  /// Python's int(size · side / shorter), one correctly rounded division.
  private func longSide(_ side: Int, _ shorter: Int) -> Int { Int(Double(size * side) / Double(shorter)) }

  /// Python's int(round((side − size) / 2.0)): halves go to the even number.
  private func cropStart(_ side: Int) -> Int { Int((Double(side - size) / 2).rounded(.toNearestOrEven)) }
}
