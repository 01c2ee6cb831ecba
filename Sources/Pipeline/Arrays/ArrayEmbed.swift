import Features
import Shards

/// `tamis embed`: the images, and captions, of shards → arrays of unit rows.
public enum ArrayEmbed {
  public struct Request: Sendable {
    public var shards: [ShardFile]
    public var image: Recipe.ImageModel
    /// Embeds the captions too.
    public var text: Recipe.TextModel?
    /// `emb.npy`; `emb.keys.txt`, and `emb.text.npy`, go beside it.
    public var output: String
    /// How shards and images are read.
    public var recipe = Recipe()

    public init(_ shards: [ShardFile], image: Recipe.ImageModel, output: String) {
      (self.shards, self.image, self.output) = (shards, image, output)
    }
  }

  public struct Report: Sendable, Equatable {
    /// Rows written.
    public var samples = 0
    public var dimension = 0
    /// Of the captions' rows; nil without them.
    public var textDimension: Int?
    public var rejected = RejectCounts()
    /// Shards that could not be read to their end.
    public var brokenShards = 0
  }

  /// Writes `<f4 (n, d)` unit rows and the keys, one a line, all by renames at the end; rows stand in the order of
  /// the shards given. A sample without caption has a text row of zeros. Rejects come through `events` and have no row.
  public static func run(_ request: Request, events: @escaping EventHandler) throws -> Report {
    var recipe = request.recipe
    recipe.features.image = .model(request.image)
    recipe.features.text = request.text.map { .model($0) }
    let memory = try MemoryPlan(recipe)
    let limits = memory.decodeLimits(recipe.decode)
    let watchdog = ImageWatchdog(seconds: recipe.limits.imageSeconds)
    let encoders = try SampleEncoders(recipe)!
    events(
      .began(
        stage: "embed", shards: request.shards.count,
        bytes: request.shards.reduce(0) { $0 + $1.status.size }, samples: nil))
    let report = try orderedMap(
      from: IngestSource(request.shards, recipe: recipe, memory: memory, hashing: false),
      into: try EmbedSink(request, encoders.dimensions, events: events),
      workers: memory.workers, window: memory.window,
      makeWorker: { [recipe] in
        IngestWorker(recipe, limits: limits, watchdog: watchdog, encoders: encoders, makesThumbnail: false)
      },
      finish: { try $0.finish() })
    events(.ended(stage: "embed"))
    return report
  }

  /// `emb.npy` → `emb.keys.txt`, or another ending.
  static func sibling(_ output: String, _ ending: String) -> String {
    (output.hasSuffix(".npy") ? String(output.dropLast(4)) : output) + ending
  }
}

private struct EmbedSink: OrderedSink, ~Copyable {
  private let request: ArrayEmbed.Request
  private let events: EventHandler
  private var rows: NpyWriter?
  private var textRows: NpyWriter?
  private let keysPath: String
  private let textPath: String
  private var keys: BufferedFile?
  private var report = ArrayEmbed.Report()
  private var rejects = RejectSpool()
  private var shard = 0
  /// Rows of the shards before, and where their keys end.
  private var rowsBefore = 0
  private var keysBefore: UInt64 = 0
  private var keyBytes: UInt64 = 0
  private var rejected = RejectCounts()
  private var bytes: UInt64 = 0

  init(
    _ request: ArrayEmbed.Request, _ dimensions: [String: Int], events: @escaping EventHandler
  ) throws {
    self.request = request
    self.events = events
    keysPath = ArrayEmbed.sibling(request.output, ".keys.txt")
    textPath = ArrayEmbed.sibling(request.output, ".text.npy")
    let dimension = dimensions["image"]!
    report.dimension = dimension
    report.textDimension = dimensions["text"]
    try Directory.create(Directory.parent(of: request.output))
    let rows = try NpyWriter(path: request.output + ".tmp", type: .float32, rowShape: [dimension])
    var textRows: NpyWriter?
    if let width = dimensions["text"] {
      textRows = try NpyWriter(path: textPath + ".tmp", type: .float32, rowShape: [width])
    }
    let keys = try File(path: keysPath + ".tmp", .create)
    self.rows = consume rows
    self.textRows = consume textRows
    self.keys = BufferedFile(keys)
  }

  mutating func consume(_ result: IngestResult) throws {
    switch result {
    case .begin(let index):
      shard = index
      try takeBack()
      rejected = RejectCounts()
      rejects.clear()
    case .accepted(let sample):
      try keys!.write((sample.key + [UInt8(ascii: "\n")])[...])
      keyBytes += UInt64(sample.key.count + 1)
      try rows!.append(NpyFile.bytes(of: sample.rows!.image!))
      if let row = sample.rows!.text { try textRows!.append(NpyFile.bytes(of: row)) }
      report.samples += 1
      bytes += UInt64(sample.bytes)
      events(.progress(samples: report.samples, bytes: bytes))
    case .rejected(let sample, let code, let member, let offset, let message):
      rejected.add(code)
      try rejects.add(
        Reject(
          shard: request.shards[shard].name, key: String(decoding: sample.key, as: UTF8.self), member: member,
          offset: offset, code: code, message: message))
    case .end(let index, let summary, let fault): try end(index, summary, fault)
    }
  }

  private mutating func end(_ index: Int, _ summary: ShardSummary, _ fault: ShardFault?) throws {
    try rejects.send(to: events)
    let name = request.shards[index].name
    if let fault = fault ?? summary.fault { events(.rejected(Reject(shard: name, key: nil, fault: fault))) }
    for notice in summary.notices { events(.notice("\(name):\(notice)")) }
    report.rejected.add(rejected)
    if fault != nil {
      // Left out whole, as ingest does.
      report.brokenShards += 1
      try takeBack()
    }
    (rowsBefore, keysBefore) = (report.samples, keyBytes)
  }

  /// Removes the rows of the shard being read.
  private mutating func takeBack() throws {
    guard report.samples > rowsBefore else { return }
    try rows!.rewind(toRow: rowsBefore)
    try textRows?.rewind(toRow: rowsBefore)
    try keys!.rewind(to: keysBefore)
    (report.samples, keyBytes) = (rowsBefore, keysBefore)
  }

  mutating func finish() throws -> ArrayEmbed.Report {
    if let keys = keys.take() { try keys.finish() }
    if let rows = rows.take() { try rows.finish() }
    if let textRows = textRows.take() {
      try textRows.finish()
      try Directory.rename(textPath + ".tmp", to: textPath)
    }
    try Directory.rename(keysPath + ".tmp", to: keysPath)
    try Directory.rename(request.output + ".tmp", to: request.output)
    return report
  }
}
