import Decode
import Features
import Foundation
public import Prune
public import Shards

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
        rejected: rejected.byName, fault: fault?.description))
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
  }

  public struct Options: Sendable {
    /// A workspace with a fitted plan; its recipe says how to decode. nil keeps every sound sample.
    public var plan: String?
    public var add: [Added] = []
    public var compression = ShardCompression.none

    public init() {}
  }

  /// Runs the pipe. A fault of the input ends it after the whole samples, with a proper end marker.
  public static func run(_ options: Options, recipe: Recipe, events: @escaping EventHandler) throws
    -> PipeReport
  {
    let memory = try MemoryPlan(recipe.limits)
    let limits = memory.decodeLimits(recipe.decode)
    let watchdog = ImageWatchdog(seconds: recipe.limits.imageSeconds)
    let plan = try options.plan.map { try FrozenPlan(workspace: $0, shards: try FrozenPlan.shardNames($0)) }
    let masks =
      try options.add.contains(.mask) ? MaskField(recipe, (options.plan ?? ".") + "/models/pca") : nil
    if plan == nil, options.add.contains(.embedding) {
      throw PipelineError(.usage, "--add embedding needs --plan, which holds the encoder")
    }
    let input = [ShardFile.standardInput]
    let sink = PipeSink(
      writer: try ShardWriter(.standardOutput(), compression: options.compression), plan: plan, masks: masks,
      addsEmbedding: options.add.contains(.embedding), onBadCaption: recipe.decode.onBadCaption,
      events: events)
    return try orderedMap(
      from: IngestSource(input, recipe: recipe, memory: memory, hashing: false), into: sink,
      workers: memory.workers, window: memory.window,
      makeWorker: {
        StreamWorker(IngestWorker(recipe, limits: limits, watchdog: watchdog), encoder: plan?.encoder)
      },
      finish: { try $0.finish() })
  }
}

/// Ingests and embeds; keeps the sample, as its bytes go out.
private struct StreamWorker: MapWorker, ~Copyable {
  struct Result: Sendable {
    var ingested: IngestResult
    var sample: Sample?
    /// `<f2` row.
    var embedding: [Float16] = []
  }

  private var ingest: IngestWorker
  private let encoder: PixelEncoder?

  init(_ ingest: consuming IngestWorker, encoder: PixelEncoder?) {
    self.ingest = ingest
    self.encoder = encoder
  }

  mutating func map(_ item: IngestItem) -> Result {
    let ingested = ingest.map(item)
    guard case .accepted(let accepted) = ingested, case .sample(let sample, _) = item else {
      return Result(ingested: ingested)
    }
    guard let encoder else { return Result(ingested: ingested, sample: sample) }
    let planar = PixelLayout.planar(accepted.thumbnail.span, pixels: encoder.features / 3)
    return Result(ingested: ingested, sample: sample, embedding: encoder.encode(planar.span))
  }
}

private struct PipeSink: OrderedSink, ~Copyable {
  private var writer: ShardWriter?
  private var plan: FrozenPlan?
  private var masks: MaskField?
  private let addsEmbedding: Bool
  private let onBadCaption: CaptionPolicy
  private let events: EventHandler
  private var report = PipeReport()

  init(
    writer: consuming ShardWriter, plan: FrozenPlan?, masks: MaskField?, addsEmbedding: Bool,
    onBadCaption: CaptionPolicy, events: @escaping EventHandler
  ) {
    self.writer = .some(consume writer)
    self.plan = plan
    self.masks = masks
    self.addsEmbedding = addsEmbedding
    self.onBadCaption = onBadCaption
    self.events = events
  }

  mutating func consume(_ result: StreamWorker.Result) throws {
    switch result.ingested {
    case .begin: break
    case .accepted: try accept(result.sample!, result.embedding)
    case .rejected(let sample, let code, let member, let offset, let message):
      report.samples += 1
      reject(sample, code, member, offset, message)
    case .end(_, let summary, let fault):
      report.fault = (fault ?? summary.fault).map { Reject(shard: "stdin", key: nil, fault: $0) }
      report.isSalvaged = summary.fault != nil
      for notice in summary.notices { events(.notice("stdin:\(notice)")) }
    }
  }

  private mutating func accept(_ sample: Sample, _ embedding: [Float16]) throws {
    report.samples += 1
    if plan != nil {
      let verdict = try plan!.decide(
        embedding.map { Float($0) }, key: sample.key[...], shard: -1, row: Int32(report.samples - 1))
      guard verdict.kept else {
        report.dropped[verdict.reason, default: 0] += 1
        return
      }
    }
    var published = PublishedSample(sample, onBadCaption: onBadCaption)
    masks?.add(to: &published)
    if addsEmbedding { published.set("embedding.npy", vector: embedding) }
    do {
      try writer!.write(key: published.key, fields: published.fields)
      report.kept += 1
    } catch let fault as ShardFault {
      // The key leaves no room for the name of an added field.
      reject(sample, RejectCode(fault.code), fault.member, sample.offset, fault.message)
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

  mutating func finish() throws -> PipeReport {
    if let writer = writer.take() { _ = try writer.finish(syncing: false) }
    guard report.samples == report.kept + report.dropped.values.reduce(0, +) + report.rejected.total else {
      throw PipelineError(.internalError, "samples in are not kept + dropped + rejected")
    }
    return report
  }
}
