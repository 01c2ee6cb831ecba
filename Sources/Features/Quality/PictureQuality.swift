public import Decode
import Glibc

/// Cheap measures of a picture, all of the whole picture as it is decoded: 8-bit RGB, upright, alpha over white.
///
/// L is Pillow's `convert("L")`. Sums are whole numbers, so nothing depends on the order of the pixels. See
/// docs/quality.md.
public struct PictureQuality: Sendable, Equatable {
  /// √(0.241 R² + 0.691 G² + 0.068 B²) / 255 of the channels' means, 0...1 (cleanvision).
  public var brightness: Float
  /// Standard deviation of L over 255, 0...0.5.
  public var contrast: Float
  /// Variance of the 4-neighbour Laplacian of L, edges mirrored without repeating them (OpenCV's `Laplacian`).
  public var sharpness: Float
  /// Bits, of the histograms of the three channels taken as one of 768 values: Pillow's `entropy()`.
  public var entropy: Float
  /// 1 − mean of (largest − smallest channel) / 255: 1 only if every pixel is grey.
  public var greyness: Float
  /// Width over height.
  public var aspect: Float
  /// See ``PerceptualHash``.
  public var hash: UInt64

  /// Measures a picture of at least one pixel. Beside it, three rows and the 32 × 32 reduction are held.
  public init(_ picture: RGBImage) {
    let (width, height) = (picture.width, picture.height)
    precondition(width > 0 && height > 0, "a picture has at least one pixel")
    var sums = PixelSums()
    var laplacian = LaplacianSums(width: width)
    var reduction = GreyReduction(
      width: width, height: height, to: (PerceptualHash.side, PerceptualHash.side), filter: .lanczos)
    var line = [UInt8](repeating: 0, count: width)
    for row in 0..<height {
      sums.add(picture.pixels.span.extracting(row * width * 3..<(row + 1) * width * 3), grey: &line)
      laplacian.add(line)
      reduction.add(line.span)
    }
    laplacian.end()
    let count = Double(width * height)
    let (red, green, blue) = (Double(sums.red) / count, Double(sums.green) / count, Double(sums.blue) / count)
    brightness = Float((0.241 * red * red + 0.691 * green * green + 0.068 * blue * blue).squareRoot() / 255)
    contrast = Float(Self.variance(sums.grey, sums.greySquares, width * height).squareRoot() / 255)
    sharpness = Float(Self.variance(laplacian.sum, laplacian.squares, width * height))
    entropy = Float(
      -sums.histogram.reduce(0.0) {
        let share = Double($1) / (3 * count)
        return $1 == 0 ? $0 : $0 + share * log2(share)
      })
    if entropy == 0 { entropy = 0 }
    let greyness = Float(1 - Double(sums.spread) / (255 * count))
    self.greyness = sums.spread == 0 ? 1 : min(greyness, Float(1).nextDown)
    aspect = Float(Double(width) / Double(height))
    hash = PerceptualHash.hash(reduction.finish())
  }

  /// Of whole numbers, from their sum and sum of squares.
  private static func variance(_ sum: Int, _ squares: Int, _ count: Int) -> Double {
    let (n, s) = (Int128(count), Int128(sum))
    return Double(n * Int128(squares) - s * s) / (Double(count) * Double(count))
  }
}

/// Sums over pixels.
private struct PixelSums {
  var red = 0
  var green = 0
  var blue = 0
  var grey = 0
  var greySquares = 0
  var spread = 0
  /// Red, green and blue, 256 values each.
  var histogram = [Int](repeating: 0, count: 768)

  /// Adds a row of RGB pixels; `line` gets its grey values.
  mutating func add(_ row: Span<UInt8>, grey line: inout [UInt8]) {
    var counts = histogram.mutableSpan
    var target = line.mutableSpan
    var (reds, greens, blues, greys, squares, spreads) = (0, 0, 0, 0, 0, 0)
    for i in target.indices {
      let (r, g, b) = (row[3 &* i], row[3 &* i &+ 1], row[3 &* i &+ 2])
      counts[Int(r)] &+= 1
      counts[256 &+ Int(g)] &+= 1
      counts[512 &+ Int(b)] &+= 1
      let value = Decode.grey(r, g, b)
      target[i] = value
      reds &+= Int(r)
      greens &+= Int(g)
      blues &+= Int(b)
      greys &+= Int(value)
      squares &+= Int(value) &* Int(value)
      spreads &+= Int(max(r, g, b) &- min(r, g, b))
    }
    red += reds
    green += greens
    blue += blues
    grey += greys
    greySquares += squares
    spread += spreads
  }
}

/// Sum and sum of squares of the Laplacian, row by row.
private struct LaplacianSums {
  private(set) var sum = 0
  private(set) var squares = 0
  private var above: [UInt8] = []
  private var here: [UInt8] = []
  private var rows = 0
  private let width: Int

  init(width: Int) { self.width = width }

  mutating func add(_ below: [UInt8]) {
    // The row above the first is the second one.
    if rows == 1 { measure(below, here, below) } else if rows > 1 { measure(above, here, below) }
    (above, here) = (here, below)
    rows += 1
  }

  /// After the last row, which has the one above it below it too; a lone row has itself.
  mutating func end() { if rows == 1 { measure(here, here, here) } else { measure(above, here, above) } }

  private mutating func measure(_ above: [UInt8], _ here: [UInt8], _ below: [UInt8]) {
    let (up, row, down) = (above.span, here.span, below.span)
    var (total, totalSquares) = (0, 0)
    for x in row.indices {
      let left = row[x > 0 ? x &- 1 : min(1, width &- 1)]
      let right = row[x &+ 1 < width ? x &+ 1 : max(width &- 2, 0)]
      let value = Int(up[x]) &+ Int(down[x]) &+ Int(left) &+ Int(right) &- 4 &* Int(row[x])
      total &+= value
      totalSquares &+= value &* value
    }
    sum += total
    squares += totalSquares
  }
}
