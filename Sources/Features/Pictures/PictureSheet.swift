import Decode

/// A white sheet of pictures in rows and columns, with a little text.
struct PictureSheet {
  /// Pixels between tiles and around them.
  static let gap = 4

  /// Longest side at which a picture is shown as it is; longer ones lose pixels.
  private static let largestSide = 256

  private(set) var image: RGBImage

  init(width: Int, height: Int) {
    image = RGBImage(
      width: width, height: height, pixels: [UInt8](repeating: 255, count: 3 * width * height))
  }

  /// How a picture of this shape is shown: whole multiples of its pixels, at least about `side` long, or every
  /// `step`-th pixel of a large one.
  struct Tile {
    let shape: PixelShape
    let zoom: Int
    let step: Int

    /// - Returns: nil for what has neither one nor three channels.
    init?(_ shape: PixelShape, side: Int) {
      guard shape.channels == 1 || shape.channels == 3 else { return nil }
      let longest = max(shape.height, shape.width)
      self.shape = shape
      zoom = max(1, (side + longest - 1) / longest)
      step = (longest + PictureSheet.largestSide - 1) / PictureSheet.largestSide
    }

    var width: Int { (shape.width + step - 1) / step * zoom }
    var height: Int { (shape.height + step - 1) / step * zoom }
  }

  /// Draws planar values, 0…1 (clipped), with the upper left corner at (x, y).
  mutating func draw(_ values: ArraySlice<Float>, as tile: Tile, x: Int, y: Int) {
    let plane = tile.shape.height * tile.shape.width
    precondition(values.count == plane * tile.shape.channels, "not a picture of this shape")
    for row in 0..<tile.height {
      for column in 0..<tile.width {
        let pixel = row / tile.zoom * tile.step * tile.shape.width + column / tile.zoom * tile.step
        for c in 0..<3 {
          let value = values[values.startIndex + (tile.shape.channels == 3 ? c * plane : 0) + pixel]
          image.pixels[3 * ((y + row) * image.width + x + column) + c] = UInt8(
            (255 * max(0, min(1, value))).rounded())
        }
      }
    }
  }

  /// Writes text, centred on `centre`, its top at `y`. Characters without a glyph are left out.
  mutating func write(_ text: String, centre: Int, y: Int) {
    var x = centre - PixelFont.width(of: text) / 2
    for character in text {
      for (row, line) in (PixelFont.glyphs[character] ?? []).enumerated() {
        for column in 0..<PixelFont.glyphWidth where line >> UInt8(PixelFont.glyphWidth - 1 - column) & 1 == 1
        {
          darken(x: x + column, y: y + row)
        }
      }
      x += PixelFont.glyphWidth + 1
    }
  }

  /// A dark pixel, if it lies on the sheet.
  private mutating func darken(x: Int, y: Int) {
    guard (0..<image.width).contains(x), (0..<image.height).contains(y) else { return }
    for c in 0..<3 { image.pixels[3 * (y * image.width + x) + c] = 34 }
  }
}

/// Just the characters that the sheets need, 5 × 7 pixels each.
enum PixelFont {
  static let glyphWidth = 5
  static let glyphHeight = 7

  static func width(of text: String) -> Int { max(0, text.count * (glyphWidth + 1) - 1) }

  /// Lines from the top, two more than `glyphHeight` below the baseline at most; the leftmost pixel is bit 4.
  static let glyphs: [Character: [UInt8]] = [
    " ": [],
    "0": [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
    "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    "3": [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
    "4": [0b10010, 0b10010, 0b10010, 0b11111, 0b00010, 0b00010, 0b00010],
    "5": [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    "6": [0b01110, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b01110],
    "7": [0b11111, 0b00001, 0b00010, 0b00010, 0b00100, 0b00100, 0b00100],
    "8": [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    "9": [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001, 0b01110],
    ".": [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
    "%": [0b11001, 0b11001, 0b00010, 0b00100, 0b01000, 0b10011, 0b10011],
    "a": [0b00000, 0b00000, 0b01110, 0b00001, 0b01111, 0b10001, 0b01111],
    "b": [0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b11110],
    "d": [0b00001, 0b00001, 0b01111, 0b10001, 0b10001, 0b10001, 0b01111],
    "e": [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
    "g": [0b00000, 0b00000, 0b01111, 0b10001, 0b10001, 0b10001, 0b01111, 0b00001, 0b01110],
    "i": [0b00100, 0b00000, 0b01100, 0b00100, 0b00100, 0b00100, 0b01110],
    "k": [0b10000, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001],
    "l": [0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    "m": [0b00000, 0b00000, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101],
    "n": [0b00000, 0b00000, 0b11110, 0b10001, 0b10001, 0b10001, 0b10001],
    "o": [0b00000, 0b00000, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
    "r": [0b00000, 0b00000, 0b10110, 0b11000, 0b10000, 0b10000, 0b10000],
    "s": [0b00000, 0b00000, 0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
    "v": [0b00000, 0b00000, 0b10001, 0b10001, 0b01010, 0b01010, 0b00100],
  ]
}
