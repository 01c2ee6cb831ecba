import Algebra
public import Prune
import Shards

/// `tamis prune` on bare arrays: the whole pruning without a workspace.
public enum ArrayPrune {
  /// The arrays and where the result goes. Row i is the same sample in all of them.
  public struct Request: Sendable {
    /// `(n, d)` image rows; embeddings may be `FILE.npy`, `FILE.npz:NAME`, `DIR:NAME` or a clip-retrieval folder.
    public var image: String
    /// `(n, t)` caption rows.
    public var text: String?
    /// `(n, t)` image rows in the captions' space.
    public var joint: String?
    /// One key a line.
    public var keys: String?
    /// DataComp uids, `[('f0', '<u8'), ('f1', '<u8')]`.
    public var uids: String?
    /// `(n,)` scores instead of the dot product.
    public var scores: String?
    /// `(q, d)` each, and `(q,)` for each of them or none.
    public var references: [String] = []
    public var gaps: [String] = []
    public var conceptCentroids: String?
    public var dedupCentroids: String?
    /// Rows for which this is false are dropped.
    public var filter: SampleFilter?
    /// `(n,)` structured arrays with the fields that the filter reads.
    public var columns: [String] = []
    /// A domain head, and which of its classes stay.
    public var domain: (head: String, rule: DomainRule)?
    /// Directory of an earlier pruning whose near-duplicate similarities are used; nil looks at `output`.
    public var dedupFrom: String?
    public var settings: PruneSettings
    /// Directory to write.
    public var output: String
    public var memory: Int

    public init(image: String, output: String, settings: PruneSettings, memory: Int) {
      (self.image, self.output, self.settings, self.memory) = (image, output, settings, memory)
    }

    /// Bytes of the rows that all others are compared with: they are held in memory, widened.
    fileprivate func heldBytes() throws -> Int {
      try ReferenceSets.bytes(references + [conceptCentroids, dedupCentroids].compactMap { $0 })
    }

    /// The file that an array came from.
    fileprivate func path(of array: PruneArray) -> String? {
      switch array {
      case .image: image
      case .text: text
      case .joint: joint
      case .scores: scores
      case .reference: references.joined(separator: ", ")
      case .gap: gaps.isEmpty ? nil : gaps.joined(separator: ", ")
      case .conceptCentroids: conceptCentroids
      case .dedupCentroids: dedupCentroids
      case .keys: keys ?? uids
      case .origin, .drops, .duplicates: nil
      }
    }
  }

  /// `plan.json`: what was asked and what came of it.
  private struct Plan: Encodable {
    var tamis = tamisVersion
    var rows: Int
    var kept: Int
    var dropped: [String: Int]
    var duplicateAbove: Double?
    var concepts: ConceptDiagnostics?
    /// By class of the domain head.
    var domain: [DomainCount]?
    var notices: [String]
    var openblasKernel = OpenBLAS.coreName
    enum CodingKeys: String, CodingKey {
      case tamis, rows, kept, dropped, concepts, domain, notices
      case duplicateAbove = "duplicate_above"
      case openblasKernel = "openblas_kernel"
    }
  }

  /// Decides every row and writes `keep.npy`, `verdicts.npy`, `concepts/`, `dedup/`, `kept_keys.txt`, `subset.npy`
  /// (with uids) and `plan.json`, all at once.
  public static func run(_ request: Request, events: @escaping EventHandler) throws -> PruneReport {
    var request = request
    request.output = try ArrayFiles.output(request.output, names: names)
    let source = try EmbeddingSource(request.image, .image)
    let image = try EmbeddingFile.shape(source)
    guard image.rows > 0 else { throw NpyError(path: request.image, "there are no rows") }
    let keyBytes = try request.keys.map { Int(try FileStatus(path: $0)?.size ?? 0) }
    let needed =
      try PruneMemory.bytes(
        rows: image.rows, keyBytes: keyBytes ?? (request.uids == nil ? 0 : image.rows * 64),
        rowBytes: image.rowBytes, request.settings) + request.heldBytes()
    guard needed <= request.memory else {
      throw PipelineError(
        .usage,
        "pruning needs \(ByteSize.needed(needed)), the limit is \(ByteSize.text(request.memory)); raise --memory"
      )
    }
    // Rows stay on disk; what cannot be read in place is unpacked beside the output.
    let scratch = Directory.parent(of: request.output) + "/." + Directory.name(of: request.output) + ".rows"
    try Directory.remove(scratch)
    defer { try? Directory.remove(scratch) }
    func rows(_ path: String, _ kind: EmbeddingSource.Kind, _ name: String) throws -> EmbeddingMatrix {
      try EmbeddingFile.stored(EmbeddingSource(path, kind), scratch: scratch + "/" + name)
    }
    let names = try Names(request, rows: image.rows)
    var input = PruneInput(image: try rows(request.image, .image, "image"), keys: names.column)
    input.text = try request.text.map { try rows($0, .text, "text") }
    input.joint = try request.joint.map { try rows($0, .image, "joint") }
    input.scores = try request.scores.map(ArrayFiles.floats)
    let references =
      request.references.isEmpty ? nil : try ReferenceSets(request.references, gaps: request.gaps)
    (input.reference, input.gap) = (references?.matrix, references?.gaps)
    input.conceptCentroids = try request.conceptCentroids.map { try ArrayFiles.embeddings($0) }
    input.dedupCentroids = try request.dedupCentroids.map { try ArrayFiles.embeddings($0) }

    input.drops = try request.filter.map { filter in
      let types = try request.columns.map { try ArrayFiles.open($0).type }
      return try FilterColumns(filter, arrays: types)
        .keeps(request.columns, rows: image.rows).map { $0 ? .kept : .filter }
    }

    events(.began(stage: "prune", shards: 1, bytes: 0, samples: image.rows))
    var domain: DomainStage.Result?
    if let (head, rule) = request.domain {
      domain = try DomainStage.run(
        rule, head: head, source, name: request.image, drops: input.drops, keys: names.column,
        threads: request.settings.threads)
      input.drops = domain!.decision.drops
      events(.notice(domain!.notice))
    }
    let matchesKey = try ArrayMatches.key(request, drops: input.drops)
    input.duplicates = try matchesKey.flatMap { try ArrayMatches.read($0, request) }
    if input.duplicates != nil {
      events(.notice("near-duplicates: the similarities of the last run are used"))
    }
    let result: PruneResult
    do {
      result = try prune(input, request.settings) { events(.step($0.rawValue)) }
    } catch {
      let text = error.text { request.path(of: $0) ?? flags[$0] ?? $0.rawValue }
      switch error {
      case .settings, .missing: throw PipelineError(.usage, text)
      default: throw PipelineError(.badData, text)
      }
    }
    for notice in result.notices { events(.notice(notice.description)) }
    var report = PruneReport()
    report.isActive = true
    report.count(result.verdicts)
    report.note(result.concepts)
    try write(result, references, report, names, domain?.decision.counts, matchesKey, request)
    events(.ended(stage: "prune"))
    return report
  }

  /// All that is written to the output directory.
  private static let names: Set = [
    "keep.npy", "verdicts.npy", "concepts", "dedup", "reference", "kept_keys.txt", "subset.npy", "plan.json",
    ArrayMatches.file,
  ]
  /// How to give what a stage misses.
  private static let flags: [PruneArray: String] = [
    .text: "--text-embeddings", .joint: "--joint-embeddings", .reference: "--reference", .gap: "--gap",
  ]

  private static func write(
    _ result: PruneResult, _ references: ReferenceSets?, _ report: PruneReport, _ names: Names,
    _ domain: [DomainCount]?, _ matchesKey: String?, _ request: Request
  ) throws {
    try Directory.create(Directory.parent(of: request.output))
    let directory = try AtomicDirectory(path: request.output)
    let base = directory.temporary + "/"
    try NpyFile.write(result.verdicts.map(\.kept), to: base + "keep.npy")
    try VerdictFile.write(result.verdicts[...], to: base + "verdicts.npy")
    func manifest(_ centroids: EmbeddingMatrix) -> ConceptManifest {
      ConceptManifest(
        key: "", clusters: centroids.rows, dimension: centroids.dimension,
        rule: (request.settings.concepts?.rule ?? .hard).rawValue, seed: request.settings.seed,
        duplicateAbove: result.dedupCut, encoder: "given", openblasKernel: OpenBLAS.coreName)
    }
    if let concepts = result.concepts {
      try ConceptFiles.write(concepts, manifest(concepts.centroids), to: base + "concepts")
    }
    if let centroids = result.dedupCentroids {
      try ConceptFiles.write(dedup: centroids, manifest(centroids), to: base + "dedup")
    }
    if let references, let rule = request.settings.reference {
      try ReferenceFiles.write(result, references, rule, keys: names.column, to: base + "reference")
    }
    let kept = result.verdicts.indices.filter { result.verdicts[$0].kept }
    try directory.write(kept.flatMap { names.column.key($0) + [UInt8(ascii: "\n")] }, as: "kept_keys.txt")
    if let subset = names.subset(kept) { try subset.write(to: base + "subset.npy") }
    let plan = Plan(
      rows: report.samples, kept: report.kept,
      dropped: Dictionary(uniqueKeysWithValues: report.dropped.map { ("\($0.key)", $0.value) }),
      duplicateAbove: result.dedupCut, concepts: result.concepts?.diagnostics, domain: domain,
      notices: result.notices.map(\.description))
    try directory.write(try JSON.file(plan), as: "plan.json")
    if let matchesKey {
      try directory.write(
        try JSON.file(ArrayMatches.stored(matchesKey, directory.temporary)), as: ArrayMatches.file)
    }
    try directory.commit()
  }
}

/// How rows are named: by a key file, by DataComp uids, or by their number.
private struct Names {
  private var uids: [(high: UInt64, low: UInt64)]?
  let column: KeyColumn

  init(_ request: ArrayPrune.Request, rows: Int) throws {
    guard request.keys != nil || request.uids != nil else {
      column = KeyColumn(
        rowNumberHashes: (0..<rows).map { KeyUniqueness.hashWords(Array("\($0)".utf8)[...]).0 })
      return
    }
    var packed = PackedKeys()
    if let path = request.keys {
      try ArrayFiles.keys(path) { packed.append($0) }
      guard packed.count == rows else {
        throw PipelineError(.badData, "\(path): \(packed.count) keys, the embeddings have \(rows) rows")
      }
    } else if let path = request.uids {
      let reader = try ArrayFiles.open(path)
      guard reader.type == DataCompSubset.type, reader.shape.count == 1 else {
        throw NpyError(path: path, "uids are a vector of [('f0', '<u8'), ('f1', '<u8')]")
      }
      guard reader.rowCount == rows else {
        throw NpyError(path: path, "\(reader.rowCount) uids, the embeddings have \(rows) rows")
      }
      let words = UInt64.decode(try reader.rows(0..<rows))
      uids = (0..<rows).map { (words[2 * $0], words[2 * $0 + 1]) }
      for uid in uids! { packed.append((hex(uid.high) + hex(uid.low)).utf8) }
    }
    column = packed.column
  }

  func subset(_ rows: [Int]) -> DataCompSubset? {
    uids.map { uids in DataCompSubset(uids: rows.map { uids[$0] }) }
  }
}

/// 16 lower-case hex digits.
private func hex(_ word: UInt64) -> String {
  let digits = String(word, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// DataComp's subset file: uids sorted by (high, low) (spec/pruning.md 4.2).
struct DataCompSubset {
  static let type = NpyType.record([NpyField("f0", .uint64), NpyField("f1", .uint64)])
  var uids: [(high: UInt64, low: UInt64)]

  func write(to path: String) throws(FileError) {
    var writer = try NpyWriter(path: path, type: Self.type)
    for uid in uids.sorted(by: { ($0.high, $0.low) < ($1.high, $1.low) }) {
      var row: [UInt8] = []
      row.appendLittleEndian(uid.high)
      row.appendLittleEndian(uid.low)
      try writer.append(row)
    }
    try writer.finish()
  }
}
