import Decode
import Dispatch
import Features
public import Prune
public import Shards
import Synchronization

/// What went through a pipe.
public struct PipeReport: Sendable, Equatable {
  public var samples = 0
  public var kept = 0
  public var dropped: [Reason: Int] = [:]
  public var rejected = RejectCounts()
  /// Set when standard input ended in the middle.
  public var fault: Reject?
  /// True when the recipe allows that (`input.salvage`).
  public var isSalvaged = false
  /// Set when standard input could not be read to its end.
  public var readError: FileError?

  /// `--report`: one JSON object.
  public func json() throws -> [UInt8] {
    struct Report: Encodable {
      var samples: Int
      var kept: Int
      var dropped: [String: Int]
      var rejected: [String: Int]
      var fault: String?
    }
    return try JSON.file(
      Report(
        samples: samples, kept: kept,
        dropped: Dictionary(uniqueKeysWithValues: dropped.map { ("\($0.key)", $0.value) }),
        rejected: rejected.byName, fault: readError?.description ?? fault?.description))
  }
}

/// Standard input → standard output in one pass: verify, decode, add fields, keep by a frozen plan. Memory is the
/// byte window and the plan, whatever comes through.
public enum Pipe {
  /// Fields computed for each sample that goes out.
  public enum Added: String, Sendable, CaseIterable {
    /// `mask.npy`, `|u1 (ceil(L/8),)`.
    case mask
    /// `embedding.npy`, `<f2 (d,)`.
    case embedding
    /// These as `publish.add` makes them, by the recipe of the plan.
    case ratio, coefficients, visible, target, patches
  }

  public struct Options: Sendable {
    /// A workspace with a fitted plan; its recipe says how to decode. nil keeps every sound sample.
    public var plan: String?
    public var add: [Added] = []
    public var compression = ShardCompression.none

    public init() {}
  }

  /// Runs the pipe. A fault of the input, or a failed read, ends it after the whole samples, with a proper end marker.
  ///
  /// Every sample goes out as soon as it is decided, before the input goes on; where fields are computed for many
  /// samples together, after a tenth of a second without a further one.
  ///
  /// - Throws: `FileError` of `stdout` with `EPIPE` when the reader has gone.
  public static func run(_ options: Options, recipe: Recipe, events: @escaping EventHandler) throws
    -> PipeReport
  {
    guard !recipe.features.areImported else {
      throw PipelineError(
        .usage,
        "--plan: its embeddings come from a file, which has no rows for new samples; fit it with an encoder")
    }
    let memory = try MemoryPlan(recipe)
    let limits = memory.decodeLimits(recipe.decode)
    let watchdog = ImageWatchdog(seconds: recipe.limits.imageSeconds)
    let plan = try options.plan.map {
      try FrozenPlan(pipe: $0, memory: recipe.limits.memory / 8, threads: memory.workers)
    }
    guard plan != nil || options.add.isEmpty else {
      throw PipelineError(.usage, "--add needs --plan, whose recipe and models say what to add")
    }
    guard recipe.features.patches != nil || !options.add.contains(.patches) else {
      throw PipelineError(.usage, "--add patches needs features.patches in the plan's recipe: which grid?")
    }
    let encoders = try SampleEncoders(recipe)
    let ids = encoders?.ids ?? [:]
    if let plan,
      (plan.needsRows && plan.encoder == nil && plan.encoderID != ids["image"])
        || !plan.scoreEncoders.allSatisfy({ ids[$0] == $1 })
    {
      throw PipelineError(.usage, "the plan was fitted on rows of another model than the recipe names")
    }
    // Where nothing was decided by rows, those of the recipe's model are the embedding.
    let pixels = plan?.needsRows == false && ids["image"] != nil ? nil : plan?.encoder
    let filter =
      plan == nil ? nil : try recipe.prune.filter.map { try FilterColumns.workspace($0, recipe.features) }
    let names = Set(options.add.map(\.rawValue))
    // The embedding is at hand here; it is no row of a column.
    let fields = try AddedFields(
      recipe, Recipe.Publish.Added.allCases.filter { names.contains($0.rawValue) },
      basis: (options.plan ?? ".") + "/models/pca")
    let output = PipeOutput(
      writer: try ShardWriter(.standardOutput(), compression: options.compression), plan: plan,
      fields: fields, addsEmbedding: options.add.contains(.embedding), form: FieldPlan(stream: recipe),
      events: events)
    output.startFlushing()
    return try orderedMap(
      from: PipeSource(
        IngestSource(
          [ShardFile.standardInput], recipe: recipe, memory: memory, hashing: false,
          pictures: recipe.publish.image)),
      into: PipeSink(output: output), workers: memory.workers, window: memory.window,
      makeWorker: {
        try StreamWorker(
          recipe, ImageForm(recipe, limits),
          IngestWorker(
            recipe, limits: limits, watchdog: watchdog, encoders: encoders,
            measuresQuality: filter != nil && recipe.features.measuresQuality),
          encoder: pixels, filter: filter)
      },
      finish: { try $0.finish() })
  }
}

/// What the reader of the pipe hands on.
private enum PipeItem: Sendable {
  case ingest(IngestItem)
  /// The input could not be read further.
  case failed(FileError)
}

/// Reads standard input; ends at a failed read, so that what was read before goes out.
private struct PipeSource: PullSource, ~Copyable {
  private var source: IngestSource
  private var hasEnded = false

  init(_ source: consuming IngestSource) { self.source = source }

  mutating func next() throws -> (item: PipeItem, cost: Int)? {
    guard !hasEnded else { return nil }
    do {
      guard let (item, cost) = try source.next() else { return nil }
      return (.ingest(item), cost)
    } catch let error as FileError where error.path == "stdin" {
      hasEnded = true
      return (.failed(error), 1)
    }
  }
}

/// Ingests and embeds; keeps the sample, as its bytes go out.
private struct StreamWorker: MapWorker, ~Copyable {
  struct Result: Sendable {
    /// nil: see ``failure``.
    var ingested: IngestResult?
    var failure: FileError?
    var sample: Sample?
    /// `|u1 (S, S, 3)`.
    var thumbnail: [UInt8] = []
    /// `<f2` row.
    var embedding: [Float16] = []
    /// Whether it passes the recipe's filter.
    var passes = true
    /// Of image and caption; NaN where no model gives one.
    var score = Float.nan
    /// In its published form, where that is not as it came.
    var picture: [UInt8]?
  }

  private let imageFields: [String]
  private var form: ImageForm
  private var ingest: IngestWorker
  private let encoder: PixelEncoder?
  private let filter: FilterColumns?

  init(
    _ recipe: Recipe, _ form: consuming ImageForm, _ ingest: consuming IngestWorker, encoder: PixelEncoder?,
    filter: FilterColumns?
  ) {
    imageFields = recipe.input.imageFields
    self.form = form
    self.ingest = ingest
    self.encoder = encoder
    self.filter = filter
  }

  mutating func map(_ item: PipeItem) throws -> Result {
    switch item {
    case .ingest(let item): try decide(item)
    case .failed(let error): Result(failure: error)
    }
  }

  private mutating func decide(_ item: IngestItem) throws -> Result {
    let ingested = try ingest.map(item)
    guard case .accepted(let accepted) = ingested, case .sample(let sample, .success(let info)?) = item,
      let image = sample.field(imageFields)
    else {
      return Result(ingested: ingested)
    }
    var result = Result(ingested: ingested, sample: sample, thumbnail: accepted.thumbnail)
    do throws(DecodeError) {
      result.picture = try form.published(sample.bytes[image.range], info)
    } catch {
      return Result(
        ingested: .rejected(
          sample, code: RejectCode(error.code), member: image.member, offset: image.offset,
          message: error.message))
    }
    if let filter {
      let rows =
        [accepted.record.bytes] + (accepted.quality.map { [$0.bytes] } ?? [])
        + (accepted.fields.map { [NpyFile.bytes(of: $0)] } ?? [])
      result.passes = filter.keeps(rows.map { $0[...] })
    }
    if let joint = accepted.rows?.joint, let text = accepted.rows?.text {
      func stored(_ row: [Float]) -> [Float] { row.map { Float(Float16($0)) } }
      result.score = imageTextScore(joint: stored(joint), text: stored(text))
    }
    guard let encoder else {
      result.embedding = accepted.rows?.image?.map { Float16($0) } ?? []
      return result
    }
    let planar = PixelLayout.planar(accepted.thumbnail.span, pixels: encoder.features / 3)
    result.embedding = encoder.encode(planar.span)
    return result
  }
}

private struct PipeState: ~Copyable {
  private var writer: ShardWriter?
  private var plan: FrozenPlan?
  private var block: FieldBlock
  /// Bytes of the longest name of an added field.
  private let longestName: Int
  private let addsEmbedding: Bool
  private let form: FieldPlan
  private let events: EventHandler
  private var report = PipeReport()
  /// Samples kept so far.
  private var position = 0
  /// True if a sample came since the last look.
  private var isBusy = false
  private var failure: (any Error)?

  init(
    writer: consuming ShardWriter, plan: FrozenPlan?, fields: AddedFields?, addsEmbedding: Bool,
    form: FieldPlan, events: @escaping EventHandler
  ) {
    self.writer = .some(consume writer)
    self.plan = plan
    block = FieldBlock(fields)
    longestName = max(fields?.longestName ?? 0, addsEmbedding ? embeddingField.utf8.count : 0)
    self.addsEmbedding = addsEmbedding
    self.form = form
    self.events = events
  }

  mutating func consume(_ result: StreamWorker.Result) throws {
    if let failure { throw failure }
    isBusy = true
    switch result.ingested {
    case nil: report.readError = result.failure
    case .begin: break
    case .accepted: try accept(result)
    case .rejected(let sample, let code, let member, let offset, let message):
      report.samples += 1
      reject(sample, code, member, offset, message)
    case .end(_, let summary, let fault):
      report.fault = (fault ?? summary.fault).map { Reject(shard: "stdin", key: nil, fault: $0) }
      report.isSalvaged = summary.fault != nil
      for notice in summary.notices { events(.notice("stdin:\(notice)")) }
    }
  }

  private mutating func accept(_ result: StreamWorker.Result) throws {
    let (sample, embedding) = (result.sample!, result.embedding)
    report.samples += 1
    if plan != nil {
      let verdict = try plan!.decide(
        embedding.map { Float($0) }, score: plan!.usesScores ? result.score : .nan, passes: result.passes,
        key: sample.key[...], row: Int32(report.samples - 1))
      guard verdict.kept else {
        report.dropped[verdict.reason, default: 0] += 1
        return
      }
    }
    var (published, image) = form.apply(sample)
    if let image, let picture = result.picture { published.fields[image].bytes = picture[...] }
    guard published.key.count + 1 + longestName <= 100 else {
      let member = sample.fields.first?.member ?? String(decoding: sample.key, as: UTF8.self)
      reject(sample, .badName, member, sample.offset, "the key leaves no room for the name of an added field")
      return
    }
    if addsEmbedding, published.add(embeddingField, vector: embedding) { block.countRenamed(embeddingField) }
    try write(block.add(published, position: position) { result.thumbnail })
    position += 1
  }

  private mutating func write(_ samples: [PublishedSample]) throws {
    for sample in samples {
      do {
        try writer!.write(key: sample.key, fields: sample.fields)
        // One flush a sample, whatever came together: so the bytes of a compressed stream are always the same.
        try writer!.flush()
        report.kept += 1
      } catch let fault as ShardFault {
        // The key leaves no room for the new name of a field that made way.
        report.rejected.add(RejectCode(fault.code))
        let key = String(decoding: sample.key, as: UTF8.self)
        events(
          .rejected(
            Reject(
              shard: "stdin", key: key, member: fault.member, offset: 0, code: RejectCode(fault.code),
              message: fault.message)))
      }
    }
  }

  private mutating func reject(
    _ sample: Sample, _ code: RejectCode, _ member: String, _ offset: UInt64, _ message: String
  ) {
    report.rejected.add(code)
    let key = String(decoding: sample.key, as: UTF8.self)
    events(
      .rejected(
        Reject(shard: "stdin", key: key, member: member, offset: offset, code: code, message: message)))
  }

  /// Lets samples go that wait for others which do not come.
  mutating func flushIfIdle() {
    defer { isBusy = false }
    guard !isBusy, !block.isEmpty, failure == nil else { return }
    do { try write(block.flush()) } catch { failure = error }
  }

  mutating func finish() throws -> PipeReport {
    if let failure { throw failure }
    try write(block.flush())
    for notice in block.notices { events(.notice(notice)) }
    if let writer = writer.take() { _ = try writer.finish(syncing: false) }
    guard report.samples == report.kept + report.dropped.values.reduce(0, +) + report.rejected.total else {
      throw PipelineError(.internalError, "samples in are not kept + dropped + rejected")
    }
    return report
  }
}

/// The state, used by the worker that consumes and by the flushing.
private final class PipeOutput: Sendable {
  private static let idleSeconds = 0.1
  private let state: Mutex<PipeState>
  private let queue = DispatchQueue(label: "tamis.pipe")

  init(
    writer: consuming sending ShardWriter, plan: sending FrozenPlan?, fields: sending AddedFields?,
    addsEmbedding: Bool, form: sending FieldPlan, events: @escaping EventHandler
  ) {
    state = Mutex(
      PipeState(
        writer: writer, plan: plan, fields: fields, addsEmbedding: addsEmbedding, form: form, events: events))
  }

  /// Looks at what waits, again and again, as long as the value is there.
  func startFlushing() {
    queue.asyncAfter(deadline: .now() + Self.idleSeconds) { [weak self] in
      guard let self else { return }
      state.withLock { $0.flushIfIdle() }
      startFlushing()
    }
  }

  func consume(_ result: StreamWorker.Result) throws { try state.withLock { try $0.consume(result) } }

  func finish() throws -> PipeReport { try state.withLock { try $0.finish() } }
}

private struct PipeSink: OrderedSink {
  let output: PipeOutput

  func consume(_ result: StreamWorker.Result) throws { try output.consume(result) }
  func finish() throws -> PipeReport { try output.finish() }
}

private let embeddingField = "embedding.npy"
