import Decode
import Shards

/// Brings the images of samples to the form in which they are published (`publish.image`). One per worker: it keeps
/// its decoder, encoder and pixels from image to image.
///
/// Images are decoded whole, `decode.fast` or not, and turned upright where `decode.apply_orientation` says so. What
/// else the sample holds stays as it is: width and height in its JSON are those of the original.
struct ImageForm: ~Copyable {
  private let image: Recipe.Publish.Image
  private let size: PictureSize
  private let isTurning: Bool
  private var decoder: ImageDecoder
  private let encoder: JPEGEncoder?
  private var picture = RGBImage(width: 0, height: 0, pixels: [])

  /// Pixels beyond this are given back after each image.
  private static let keptMemory = 16 << 20

  /// - Parameter limits: of decode and result together.
  /// - Throws: ``PipelineError`` if there is no memory.
  init(_ recipe: Recipe, _ limits: DecodeLimits) throws(PipelineError) {
    let image = recipe.publish.image
    let encoder: JPEGEncoder?
    do throws(DecodeError) {
      encoder = image.form == .resize && image.format == .jpg ? try JPEGEncoder(quality: image.quality) : nil
    } catch {
      throw PipelineError(.temporary, error.message)
    }
    self.image = image
    self.encoder = encoder
    size = image.pictureSize
    isTurning = recipe.decode.appliesOrientation
    decoder = ImageDecoder(
      limits: limits, onWarning: recipe.decode.onWarning, appliesOrientation: recipe.decode.appliesOrientation
    )
  }

  /// An image in its published form: a JPEG, a PNG, or an array `|u1 (H, W, 3)`; nil where the stored bytes stay.
  ///
  /// That is so in the form `keep`, and for bytes that already are what `resize` asks for: of the right format, size
  /// and orientation, without transparency, and not to be encoded again for its own sake (`resize_mode: no`).
  ///
  /// - Parameter info: what the header says.
  /// - Throws: what cannot be decoded, and `pixel_limit` for what would become too large.
  mutating func published(_ stored: ArraySlice<UInt8>, _ info: ImageInfo) throws(DecodeError) -> [UInt8]? {
    if image.form == .keep || isAsAsked(info) { return nil }
    let span = stored.span
    try unsafe decoder.decode(span.bytes, info: info, to: size, into: &picture)
    defer {
      if picture.pixels.count > Self.keptMemory { picture = RGBImage(width: 0, height: 0, pixels: []) }
    }
    if image.form == .raw {
      return NpyHeader(type: .uint8, shape: [picture.height, picture.width, 3]).bytes() + picture.pixels
    }
    if let encoder { return try encoder.encode(picture) }
    guard let bytes = PNGEncoder.encode(picture) else {
      throw DecodeError(.pixelLimit, "no memory for libpng")
    }
    return bytes
  }

  /// Puts the picture of a sample into its published form.
  ///
  /// - Parameters:
  ///   - field: the index of its field; nil where it is not published.
  ///   - info: what its header says, by ``ImageProbe``.
  ///   - shard: for messages.
  /// - Throws: ``PipelineError`` naming shard and key: it could be decoded when it was ingested.
  mutating func apply(
    to sample: inout PublishedSample, field: Int?, _ info: Result<ImageInfo, DecodeError>?, shard: String
  ) throws(PipelineError) {
    guard let field, let info else { return }
    do throws(DecodeError) {
      if let bytes = try published(sample.fields[field].bytes, info.get()) {
        sample.fields[field].bytes = bytes[...]
      }
    } catch {
      throw PipelineError(
        .badData,
        "\(shard): the image of \(printable(sample.key)) cannot be published as the recipe says: "
          + error.message)
    }
  }

  private func isAsAsked(_ info: ImageInfo) -> Bool {
    guard image.form == .resize, image.mode != .no, info.isPlain else { return false }
    guard info.format == (image.format == .jpg ? .jpeg : .png) else { return false }
    return (info.orientation == 1 || !isTurning) && size.isUnchanged(width: info.width, height: info.height)
  }
}

extension Recipe.Publish.Image {
  /// What images become in this form.
  var pictureSize: PictureSize {
    PictureSize(form == .keep ? .no : mode, size: size, onlyIfBigger: onlyIfBigger, filter: filter)
  }

  /// Bytes that ``ImageForm/published(_:_:)`` takes beside the stored ones and the decode: the pixels it gives and, as
  /// an upper bound, as many for the file made of them.
  func resultMemory(_ info: ImageInfo) -> Int {
    if form == .keep { return 0 }
    let result = pictureSize.result(width: info.orientedWidth, height: info.orientedHeight)
    return 2 * 3 * result.width * result.height
  }
}

/// Reads the headers of the pictures that ``ImageForm`` is to change, so that its work can be charged before it starts.
struct ImageProbe: Sendable {
  private let fields: [String]
  private let image: Recipe.Publish.Image
  private let limits: DecodeLimits

  init(_ recipe: Recipe, _ limits: DecodeLimits) {
    (fields, image, self.limits) = (recipe.input.imageFields, recipe.publish.image, limits)
  }

  /// What the header of a sample's picture says, and the bytes that its new form takes; nil and 0 where it is published
  /// as it is.
  func callAsFunction(_ sample: Sample) -> (info: Result<ImageInfo, DecodeError>?, memory: Int) {
    guard image.form != .keep, let field = sample.field(fields) else { return (nil, 0) }
    let bytes = sample.bytes.span.extracting(field.range)
    do throws(DecodeError) {
      let info = try unsafe probe(bytes.bytes, limits: limits)
      return (.success(info), info.decodeMemory + image.resultMemory(info))
    } catch {
      return (.failure(error), 0)
    }
  }
}
