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

  /// - Throws: ``PipelineError`` if there is no memory.
  init(_ recipe: Recipe, _ memory: MemoryPlan) throws(PipelineError) {
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
      limits: memory.decodeLimits(recipe.decode), onWarning: recipe.decode.onWarning,
      appliesOrientation: recipe.decode.appliesOrientation)
  }

  /// Bytes that ``apply(to:imageField:info:shard:)`` takes beside the sample: the decode, the pixels it makes and the
  /// field made of them. The larger side of an estimate, as a JPEG is smaller than its pixels.
  static func memory(_ image: Recipe.Publish.Image, _ info: ImageInfo) -> Int {
    if image.form == .keep { return 0 }
    let result = image.pictureSize.result(width: info.orientedWidth, height: info.orientedHeight)
    return info.decodeMemory + 2 * 3 * result.width * result.height
  }

  /// Puts the image into its published form, in the place of the field `imageField` and under the name `jpg`, `png` or
  /// `image.npy`; a field that has this name already becomes `input.<name>`.
  ///
  /// Bytes that already are what is asked for stay: of the right format, size and orientation, without transparency,
  /// and not to be encoded again for its own sake (`resize_mode: no`).
  ///
  /// - Parameters:
  ///   - info: what the header of the image says.
  ///   - shard: for messages.
  /// - Returns: true if a field was renamed.
  /// - Throws: ``PipelineError`` naming shard and key for what cannot be decoded, or be as large as it would be.
  mutating func apply(
    to sample: inout PublishedSample, imageField: String, info: ImageInfo, shard: String
  ) throws(PipelineError) -> Bool {
    guard image.form != .keep, let index = sample.fields.firstIndex(where: { $0.name == imageField }) else {
      return false
    }
    let name = image.fieldName
    var bytes = sample.fields[index].bytes
    if !isAsAsked(info) {
      do throws(DecodeError) {
        let stored = sample.fields[index].bytes
        let span = stored.span
        try unsafe decoder.decode(span.bytes, info: info, to: size, into: &picture)
        bytes = try encoded()[...]
      } catch {
        let key = String(decoding: sample.key, as: UTF8.self)
        throw PipelineError(
          .badData, "\(shard): the image of \(key) cannot be published as \(name): \(error.message)")
      }
      if picture.pixels.count > Self.keptMemory { picture = RGBImage(width: 0, height: 0, pixels: []) }
    }
    return sample.replace(imageField, with: OutputField(name: name, bytes: bytes))
  }

  private func isAsAsked(_ info: ImageInfo) -> Bool {
    guard image.form == .resize, image.mode != .no, info.isPlain else { return false }
    guard info.format == (image.format == .jpg ? .jpeg : .png) else { return false }
    return (info.orientation == 1 || !isTurning) && size.isUnchanged(width: info.width, height: info.height)
  }

  private func encoded() throws(DecodeError) -> [UInt8] {
    if image.form == .raw {
      let header = NpyHeader(type: .uint8, shape: [picture.height, picture.width, 3]).bytes()
      return header + picture.pixels
    }
    if let encoder { return try encoder.encode(picture) }
    guard let bytes = PNGEncoder.encode(picture) else {
      throw DecodeError(.pixelLimit, "no memory for libpng")
    }
    return bytes
  }
}

extension Recipe.Publish.Image {
  /// The name of the field that holds an image in this form; with ``Form/keep`` it has the one of the input.
  var fieldName: String { form == .raw ? "image.npy" : format.rawValue }

  /// What images become in this form.
  var pictureSize: PictureSize {
    PictureSize(form == .keep ? .no : mode, size: size, onlyIfBigger: onlyIfBigger, filter: filter)
  }
}
