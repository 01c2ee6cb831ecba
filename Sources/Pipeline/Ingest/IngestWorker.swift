import Decode
import Features
import Shards

/// What became of one item.
enum IngestResult: Sendable {
  case begin(Int)
  case accepted(AcceptedSample)
  case rejected(Sample, code: RejectCode, member: String, offset: UInt64, message: String)
  case end(Int, ShardSummary, ShardFault?)
}

/// A sample that goes into the columns.
struct AcceptedSample: Sendable {
  var key: [UInt8]
  /// The key as stored, if that is another.
  var renamedFrom: [UInt8]?
  var renamedFields: [Field] = []
  /// Names of all its fields.
  var fieldNames: [String]
  var record: SampleRecord
  /// S·S·3 bytes, RGB; empty where nobody wants it.
  var thumbnail: [UInt8]
  /// nil unless the recipe names models.
  var rows: EncodedRows?
  /// Where the recipe asks for it.
  var quality: QualityRecord?
  /// Values of the filter's JSON fields; nil where it reads none.
  var fields: [Double]?
  /// As a line of `captions.txt`, where the recipe asks for it.
  var captionLine: [UInt8]?
  /// Bytes of all its fields.
  var bytes: Int
}

/// Decodes images and checks captions; one a thread.
struct IngestWorker: MapWorker, ~Copyable {
  private let recipe: Recipe
  private let measuresQuality: Bool
  private let makesThumbnail: Bool
  private let thumbnailers: [Thumbnailer]
  private let encoders: SampleEncoders?
  private let jsonFields: JSONFields?
  private var decoder: ImageDecoder
  private let watchdog: ImageWatchdog
  private let sizes: PictureSizeCheck?
  private let publishable: PublishableCheck?

  /// - Parameters:
  ///   - measuresQuality: whether to fill ``AcceptedSample/quality``.
  ///   - makesThumbnail: whether to fill ``AcceptedSample/thumbnail``.
  ///   - sizes: rejects what would become too large when it is published.
  ///   - publishable: rejects what could not be published as the recipe has it.
  init(
    _ recipe: Recipe, limits: DecodeLimits, watchdog: ImageWatchdog, encoders: SampleEncoders? = nil,
    measuresQuality: Bool = false, makesThumbnail: Bool = true, sizes: PictureSizeCheck? = nil,
    publishable: PublishableCheck? = nil
  ) {
    (self.sizes, self.publishable) = (sizes, publishable)
    self.recipe = recipe
    self.measuresQuality = measuresQuality
    self.makesThumbnail = makesThumbnail
    self.watchdog = watchdog
    self.encoders = encoders
    jsonFields = recipe.prune.jsonFields
    let thumbnail = recipe.features.thumbnail
    let thumbnailer = Thumbnailer(size: thumbnail.size, fit: thumbnail.fit, filter: thumbnail.filter)
    thumbnailers = (makesThumbnail ? [thumbnailer] : []) + (encoders?.thumbnailers ?? [])
    decoder = ImageDecoder(
      limits: limits, onWarning: recipe.decode.onWarning,
      appliesOrientation: recipe.decode.appliesOrientation,
      isFast: recipe.decode.isFast)
  }

  /// - Throws: ``PipelineError`` where a model fails.
  mutating func map(_ item: IngestItem) throws -> IngestResult {
    switch item {
    case .begin(let index): .begin(index)
    case .end(let index, let summary, let fault): .end(index, summary, fault)
    case .sample(let sample, let probed): try ingest(sample, probed)
    }
  }

  private mutating func ingest(
    _ sample: Sample, _ probed: Result<ImageInfo, DecodeError>?
  ) throws -> IngestResult {
    if let fault = sample.fault {
      return .rejected(
        sample, code: RejectCode(fault.code), member: fault.member, offset: fault.offset,
        message: fault.message)
    }
    guard let field = sample.field(recipe.input.imageFields), let probed else {
      let fields = sample.fields.map(\.name).joined(separator: ", ")
      return .rejected(
        sample, code: .noImage, member: sample.fields.first?.member ?? "", offset: sample.offset,
        message: "no image among the fields \(fields)")
    }
    func reject(_ code: RejectCode, _ field: Field, _ message: String) -> IngestResult {
      .rejected(sample, code: code, member: field.member, offset: field.offset, message: message)
    }
    let caption = sample.field([captionField])
    if recipe.decode.onBadCaption == .drop, let caption {
      let bytes = sample.bytes.span.extracting(caption.range)
      if let fault = unsafe captionFault(bytes.bytes) { return reject(.captionNotUTF8, caption, fault) }
    }
    if let fault = publishable?.fault(sample) {
      return .rejected(
        sample, code: fault.code, member: (fault.field ?? field).member,
        offset: (fault.field ?? field).offset, message: fault.message)
    }
    let info: ImageInfo
    let decoded: (thumbnails: [[UInt8]], picture: RGBImage?)?
    do throws(DecodeError) {
      let probedInfo = try probed.get()
      info = probedInfo
      if let fault = sizes?.fault(info) { throw DecodeError(.pixelLimit, fault) }
      decoded = try watchdog.run { () throws(DecodeError) in
        let bytes = sample.bytes.span.extracting(field.range)
        return try unsafe decode(bytes.bytes, probedInfo)
      }
    } catch {
      return reject(RejectCode(error.code), field, error.message)
    }
    guard let decoded else { return reject(.deadline, field, "decoding took too long, twice") }
    return .accepted(
      AcceptedSample(
        key: sample.key, renamedFrom: sample.key == sample.storedKey ? nil : sample.storedKey,
        renamedFields: sample.fields.filter(\.isRenamed), fieldNames: sample.fields.map(\.name),
        record: SampleRecord(
          image: info, imageBytes: field.range.count, imageOffset: field.dataOffset,
          captionBytes: caption?.range.count ?? 0),
        thumbnail: makesThumbnail ? decoded.thumbnails[0] : [],
        rows: try encoders.map {
          try encode(decoded.thumbnails.dropFirst(makesThumbnail ? 1 : 0), sample, caption, by: $0, field)
        },
        quality: decoded.picture.map { quality(of: $0, sample, field, caption) },
        fields: jsonFields.map { $0.read(sample) },
        captionLine: recipe.features.keepsCaptions ? line(of: sample, caption) : nil,
        bytes: sample.bytes.count))
  }

  private func encode(
    _ pictures: ArraySlice<[UInt8]>, _ sample: Sample, _ caption: Field?, by encoders: SampleEncoders,
    _ image: Field
  ) throws(PipelineError) -> EncodedRows {
    do throws(EncoderError) {
      guard let caption else { return try encoders.encode(pictures, caption: "") }
      let bytes = sample.bytes.span.extracting(caption.range)
      return try encoders.encode(pictures, caption: unsafe CaptionText.beginning(bytes.bytes))
    } catch {
      throw PipelineError(.badData, "\(image.member): a model fails on it: \(error.description)")
    }
  }
}

extension IngestWorker {
  /// The thumbnails, and the whole picture if it is to be measured.
  private mutating func decode(
    _ bytes: RawSpan, _ info: ImageInfo
  ) throws(DecodeError) -> (thumbnails: [[UInt8]], picture: RGBImage?) {
    guard measuresQuality else {
      return (try decoder.thumbnails(bytes, info: info, by: thumbnailers), nil)
    }
    let picture = try decoder.decode(bytes, info: info)
    let isScaled = recipe.decode.isFast && info.format == .jpeg
    return (
      isScaled
        ? try decoder.thumbnails(bytes, info: info, by: thumbnailers)
        : thumbnailers.map { $0.make(from: picture) },
      picture
    )
  }

  private func quality(
    of picture: RGBImage, _ sample: Sample, _ image: Field, _ caption: Field?
  ) -> QualityRecord {
    let bytes = sample.bytes.span.extracting(image.range)
    let coding = unsafe jpegCoding(bytes.bytes)
    return QualityRecord(
      picture: PictureQuality(picture), caption: caption.map { size(of: sample, $0) } ?? CaptionSize(),
      jpeg: coding.map { JPEGQuality($0) } ?? JPEGQuality())
  }

  /// Of the caption as it is published.
  private func size(of sample: Sample, _ caption: Field) -> CaptionSize {
    let bytes = sample.bytes.span.extracting(caption.range)
    guard recipe.decode.onBadCaption == .replace else { return unsafe CaptionSize(bytes.bytes) }
    let repaired = unsafe repairedCaption(bytes.bytes)
    return unsafe CaptionSize(repaired.span.bytes)
  }

  /// The caption in one line; empty without one.
  private func line(of sample: Sample, _ caption: Field?) -> [UInt8] {
    guard let caption else { return [] }
    let bytes = sample.bytes.span.extracting(caption.range)
    guard recipe.decode.onBadCaption == .replace else { return unsafe CaptionText.line(bytes.bytes) }
    let repaired = unsafe repairedCaption(bytes.bytes)
    return unsafe CaptionText.line(repaired.span.bytes)
  }
}

/// The field that holds the caption.
let captionField = "txt"
