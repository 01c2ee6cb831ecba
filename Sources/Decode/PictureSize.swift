/// img2dataset's ways to bring an image to a size.
public enum ResizeMode: String, Sendable, CaseIterable {
  /// The longer side becomes the size; then white is added to the shorter, as much before as behind.
  case border
  /// The shorter side becomes the size.
  case keepRatio = "keep_ratio"
  /// The longer side becomes the size.
  case keepRatioLargest = "keep_ratio_largest"
  /// The shorter side becomes the size, and the middle of the longer is kept.
  case centerCrop = "center_crop"
  /// The image stays as large as it is.
  case no
}

/// What an image becomes, as img2dataset's `Resizer` has it (1.47, with albumentations 1.3).
///
/// A side becomes `round(side · (size / reference))` in Float64, halves to the even number, where the reference is the
/// shorter or the longer side (albumentations' `SmallestMaxSize`, `LongestMaxSize`); never less than one pixel, where
/// img2dataset gives such an image up. The middle of a longer side begins at `(side − size) div 2` (`CenterCrop`), and
/// of the white beside an image `(size − side) div 2` pixels stand before it (`PadIfNeeded`): the uneven pixel is
/// behind in both.
public struct PictureSize: Sendable, Equatable {
  public let mode: ResizeMode
  /// Pixels that a side is brought to.
  public let size: Int
  /// Leave images alone, uncut and without a border, whose reference side is not longer than ``size``.
  public let isOnlyIfBigger: Bool
  public let filter: ResampleFilter

  /// A rule for images; `size` must be positive.
  public init(_ mode: ResizeMode, size: Int, onlyIfBigger: Bool = false, filter: ResampleFilter = .bicubic) {
    precondition(size > 0, "an image has at least one pixel")
    self.mode = mode
    self.size = size
    isOnlyIfBigger = onlyIfBigger
    self.filter = filter
  }

  /// Whether an upright image of width × height pixels stays as it is, to the pixel.
  public func isUnchanged(width: Int, height: Int) -> Bool {
    let plan = placing(width: width, height: height)
    return plan.scaled == (width, height) && plan.canvas == (width, height)
  }

  /// Width and height of what an upright image of width × height pixels becomes.
  public func result(width: Int, height: Int) -> (width: Int, height: Int) {
    placing(width: width, height: height).canvas
  }

  /// Where the pixels of an image of width × height go.
  func placing(width: Int, height: Int) -> Placing {
    let whole = Placing(scaled: (width, height), canvas: (width, height))
    let isLonger = mode == .border || mode == .keepRatioLargest
    let reference = isLonger ? max(width, height) : min(width, height)
    if mode == .no || (isOnlyIfBigger && reference <= size) { return whole }
    let scale = Double(size) / Double(reference)
    func scaled(_ side: Int) -> Int { max(1, Int((Double(side) * scale).rounded(.toNearestOrEven))) }
    let target = scale == 1 ? (width, height) : (scaled(width), scaled(height))
    let isSquare = mode == .border || mode == .centerCrop
    return Placing(scaled: target, canvas: isSquare ? (size, size) : target)
  }

  /// An image brought to a size, and the middle of it or the canvas around it.
  struct Placing {
    /// What the whole image is resized to.
    var scaled: (width: Int, height: Int)
    /// What is left of it, or the canvas it stands on.
    var canvas: (width: Int, height: Int)

    /// Columns of the resized image that are kept.
    var columns: Range<Int> { Self.middle(of: scaled.width, canvas.width) }
    /// Rows of the resized image that are kept.
    var rows: Range<Int> { Self.middle(of: scaled.height, canvas.height) }
    /// Columns of the canvas before the image.
    var left: Int { (canvas.width - columns.count) / 2 }
    /// Rows of the canvas above the image.
    var top: Int { (canvas.height - rows.count) / 2 }

    private static func middle(of side: Int, _ wanted: Int) -> Range<Int> {
      if side <= wanted { return 0..<side }
      let start = (side - wanted) / 2
      return start..<start + wanted
    }
  }
}
