internal import Algebra
public import Decode

/// Pictures of a basis, for people: what `fit` puts beside the arrays. Equal bases give equal pictures.
public enum BasisPictures {
  /// Components on the sheet.
  public static let largestCount = 64
  private static let columns = 8

  /// The leading 64 components, the first in the upper left corner, eight to a row.
  ///
  /// Grey is 0; each is scaled by its own largest magnitude.
  ///
  /// - Returns: nil for a basis of rows that are no pictures.
  public static func components(of basis: ComponentBasis) -> RGBImage? {
    guard let shape = basis.shape, let tile = PictureSheet.Tile(shape, side: 64) else { return nil }
    let count = min(largestCount, basis.componentCount)
    let (across, down) = (min(columns, count), (count + columns - 1) / columns)
    let gap = PictureSheet.gap
    var sheet = PictureSheet(
      width: gap + across * (tile.width + gap), height: gap + down * (tile.height + gap))
    let components = basis.components(leading: count)
    for l in 0..<count {
      let values = components[(l * basis.features)..<((l + 1) * basis.features)]
      let largest = values.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
      sheet.draw(
        values.map { 0.5 + 0.5 * $0 / largest }[...], as: tile, x: gap + l % columns * (tile.width + gap),
        y: gap + l / columns * (tile.height + gap))
    }
    return sheet.image
  }

  /// One image to show masks on.
  public struct Example: Sendable {
    /// D bytes, planar.
    public let pixels: [UInt8]
    /// Of its key: the mask is the one that `tamis masks` draws for it at a fixed ratio.
    public let keyHash: UInt64

    /// An example.
    public init(pixels: [UInt8], keyHash: UInt64) {
      self.pixels = pixels
      self.keyHash = keyHash
    }
  }

  /// The shares of the variance shown.
  public static let shares = [0.2, 0.5, 0.8]

  /// A row for each example: the image, then for 20, 50 and 80 % of the variance masked what stays visible and
  /// what is masked, with the share realised.
  ///
  /// Both parts are shown about the mean image, x·σ + μ, clipped to 0…1; without standardisation the masked part
  /// is shown about mid-grey.
  ///
  /// - Returns: nil without examples, for a basis of rows that are no pictures, or one without variance.
  public static func masks(
    of basis: ComponentBasis, examples: [Example], rule: ComponentMasker.Rule, seed: UInt64
  ) -> RGBImage? {
    guard let shape = basis.shape, let tile = PictureSheet.Tile(shape, side: 96), !examples.isEmpty,
      basis.totalVariance > 0
    else { return nil }
    let (gap, line) = (PictureSheet.gap, PixelFont.glyphHeight + PictureSheet.gap)
    let header = gap + 2 * line
    let pitch = (x: tile.width + gap, y: tile.height + gap + line)
    // A wider gap before each pair.
    func left(_ column: Int) -> Int { gap + column * pitch.x + (column + 1) / 2 * 2 * gap }
    let last = 2 * shares.count
    var sheet = PictureSheet(
      width: left(last) + pitch.x, height: header + examples.count * pitch.y)
    func centre(_ column: Int) -> Int { left(column) + tile.width / 2 }
    sheet.write("original", centre: centre(0), y: gap + line)
    for (index, share) in shares.enumerated() {
      let column = 1 + 2 * index
      sheet.write(
        "\(Int((share * 100).rounded()))%", centre: (centre(column) + centre(column + 1)) / 2, y: gap)
      sheet.write("visible", centre: centre(column), y: gap + line)
      sheet.write("masked", centre: centre(column + 1), y: gap + line)
    }
    for (row, example) in examples.enumerated() {
      let y = header + row * pitch.y
      let z = basis.standardized(example.pixels.span)
      let coefficients = basis.coefficients(of: z.span)
      sheet.draw(example.pixels.map { Float($0) / 255 }[...], as: tile, x: left(0), y: y)
      for (index, share) in shares.enumerated() {
        guard
          var masker = try? ComponentMasker(
            ratios: basis.ratios, share: .fixed(share), rule: rule, seed: seed)
        else { return nil }
        let (bits, draw) = masker.mask(keyHash: example.keyHash)
        let visible = basis.visible(z.span, coefficients: coefficients.span, masks: bits.span)
        let masked = basis.masked(coefficients: coefficients.span, masks: bits.span)
        let column = 1 + 2 * index
        sheet.draw(basis.values(of: visible.span)[...], as: tile, x: left(column), y: y)
        let grey: Float = basis.standardization == .none ? 0.5 : 0
        sheet.draw(
          basis.values(of: masked.span).map { $0 + grey }[...], as: tile, x: left(column + 1), y: y)
        sheet.write(
          percent(Double(draw.realised)), centre: centre(column + 1), y: y + tile.height + gap / 2)
      }
    }
    return sheet.image
  }

  /// 0.1234 → `12.3%`.
  static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10)%"
  }
}
