public import Prune
import Shards

/// `tamis domain train` and `calibrate`: labelled embeddings → a head with calibrated thresholds.
public enum DomainTrain {
  /// What is given.
  public struct Request: Sendable {
    /// Embeddings as `tamis prune` takes them, or a workspace whose `image.npy` columns they are.
    public var embeddings: String?
    public var workspace: String?
    /// One key a line, for `embeddings`; nil: row numbers.
    public var keys: String?
    /// See ``DomainLabels``.
    public var labels: String
    /// Names in the order wanted.
    public var classes: [String] = []
    /// Classes that get a threshold; empty: all.
    public var calibrated: [String] = []
    /// Precision that the lower bound must reach.
    public var precision = 0.98
    /// No threshold is below this.
    public var floor = 0.0
    /// Share of the labelled samples that is held out.
    public var heldOut = 0.25
    public var training = DomainTraining.Options()
    public var seed: UInt64 = 0
    public var memory: Int
    public var output: String

    public init(labels: String, output: String, memory: Int) {
      (self.labels, self.output, self.memory) = (labels, output, memory)
    }
  }

  /// What came of it.
  public struct Report: Sendable, Equatable {
    public var classes: [String]
    /// Samples of each class that the weights were fitted to.
    public var trained: [Int]
    public var calibration: DomainHeadFile.Calibration
    /// Held-out samples, and those of them that no class claims.
    public var heldOut: Int
    public var ambiguous: Int
    /// Steps of the training; 0 where the weights were given.
    public var rounds: Int
  }

  /// Fits and calibrates a head, and writes it.
  public static func train(_ request: Request) throws -> Report {
    try check(request)
    let samples = try Labelled(request)
    let isHeldOut = samples.hashes.map {
      DomainSplit.isHeldOut(seed: request.seed, keyHash: $0, share: request.heldOut)
    }
    let (rest, heldOut) = (samples.selected { !isHeldOut[$0] }, samples.selected { isHeldOut[$0] })
    let names = samples.classes
    for j in names.indices where !rest.labels.contains(Int32(j)) || !heldOut.labels.contains(Int32(j)) {
      let count = samples.labels.count { $0 == Int32(j) }
      throw PipelineError(
        .badData,
        "class \(names[j]): \(count) labelled samples, too few to train on some and hold others out")
    }
    do throws(DomainError) {
      let fit = try DomainTraining.fit(
        .init(rows: rest.rows, labels: rest.labels, dimension: samples.dimension), classes: names.count,
        request.training)
      let (weights, bias) = (fit.weights.map { Float($0) }, fit.bias.map { Float($0) })
      var report = Report(
        classes: names, trained: names.indices.map { j in rest.labels.count { $0 == Int32(j) } },
        calibration: .init(target: request.precision, lines: []), heldOut: 0, ambiguous: 0, rounds: fit.rounds
      )
      return try write(names, weights, bias, heldOut, share: request.heldOut, request, &report)
    } catch {
      throw PipelineError(.badData, error.description)
    }
  }

  /// Calibrates a given head on all labelled samples, and writes it.
  public static func calibrate(_ head: DomainHead, _ request: Request) throws -> Report {
    var request = request
    if request.classes.isEmpty { request.classes = head.classes }
    try check(request)
    guard request.classes == head.classes else {
      throw PipelineError(.usage, "the head has the classes \(head.classes.joined(separator: ", "))")
    }
    let samples = try Labelled(request)
    guard samples.dimension == head.dimension else {
      throw PipelineError(
        .usage, "a head for rows of \(head.dimension) values, the embeddings have \(samples.dimension)")
    }
    var report = Report(
      classes: head.classes, trained: head.classes.map { _ in 0 },
      calibration: .init(target: request.precision, lines: []), heldOut: 0, ambiguous: 0, rounds: 0)
    do throws(DomainError) {
      return try write(
        head.classes, head.weights, head.bias, samples.selected { _ in true }, share: 1, request, &report)
    } catch {
      throw PipelineError(.badData, error.description)
    }
  }

  private static func check(_ request: Request) throws(PipelineError) {
    guard request.precision > 0, request.precision < 1 else {
      throw PipelineError(.usage, "--precision: between 0 and 1, such as 0.98")
    }
    guard request.floor >= 0, request.floor < 1 else {
      throw PipelineError(.usage, "--floor: from 0 to below 1, such as 0.5")
    }
    guard request.heldOut > 0, request.heldOut < 1 else {
      throw PipelineError(.usage, "--held-out: between 0 and 1, such as 0.25")
    }
    guard request.training.closeness > 0, request.training.closeness.isFinite else {
      throw PipelineError(.usage, "--c: a number above 0")
    }
    do throws(DomainError) { try DomainHead.check(names: request.classes) } catch {
      throw PipelineError(.usage, "--classes: \(error.description)")
    }
  }

  /// Thresholds from held-out samples, and the file.
  private static func write(
    _ names: [String], _ weights: [Float], _ bias: [Float], _ heldOut: Labelled.Part, share: Double,
    _ request: Request, _ report: inout Report
  ) throws(DomainError) -> Report {
    let bare = try DomainHead(
      classes: names, weights: weights, bias: bias, thresholds: names.map { _ in .infinity })
    var wanted = Set(names.indices)
    if !request.calibrated.isEmpty {
      wanted = []
      for name in request.calibrated { wanted.insert(try bare.index(of: name)) }
    }
    let probabilities = bare.probabilities(heldOut.rows, threads: request.training.threads)
    let lines = try DomainCalibration.lines(
      probabilities, labels: heldOut.labels, classes: names, wanted: wanted, target: request.precision,
      floor: request.floor, heldOut: share)
    let head = try DomainHead(
      classes: names, weights: weights, bias: bias, thresholds: lines.map(\.threshold))
    report.calibration.lines = lines
    report.heldOut = heldOut.labels.count
    report.ambiguous = head.classify(probabilities).count { $0 < 0 }
    do throws(FileError) {
      try DomainHeadFile.write(head, report.calibration, to: request.output)
    } catch {
      throw DomainError(error.description)
    }
    return report
  }
}

/// The labelled samples, by key bytes.
private struct Labelled {
  /// Some of them.
  struct Part {
    /// `(m, d)` and `(m,)`.
    var rows: [Float] = []
    var labels: [Int32] = []
  }

  let classes: [String]
  let dimension: Int
  private var rows: [Float] = []
  private(set) var labels: [Int32] = []
  private(set) var hashes: [UInt64] = []

  private struct Found {
    var keys: [[UInt8]] = []
    var labels: [Int32] = []
    var rows: [Float] = []
  }

  init(_ request: DomainTrain.Request) throws {
    let labels = try DomainLabels(request.labels, classes: request.classes)
    classes = labels.classes
    guard classes.count >= 2 else {
      throw PipelineError(.badData, "\(request.labels): labels of two classes at least are wanted")
    }
    do throws(DomainError) { try DomainHead.check(names: classes) } catch {
      throw PipelineError(.badData, "\(request.labels): \(error.description)")
    }
    let (blocks, count, key) = try Self.source(request)
    dimension = blocks.dimension
    try labels.check(rows: count)
    // Rows, and once more in the order of their keys.
    let needed = labels.most(of: count) * (8 * dimension + 200)
    guard needed <= request.memory else {
      throw PipelineError(
        .usage,
        "training needs \(ByteSize.needed(needed)), the limit is \(ByteSize.text(request.memory)); raise --memory"
      )
    }
    let found = try blocks.reduce({ Found() }) { found, first, rows in
      for i in 0..<rows.count / blocks.dimension {
        let own = key(first + i)
        guard let label = labels.label(row: first + i, key: own) else { continue }
        found.keys.append(own)
        found.labels.append(label)
        found.rows += rows[i * blocks.dimension..<(i + 1) * blocks.dimension]
      }
    }
    try labels.checkFound(found.keys)
    let order = found.keys.indices.sorted { a, b in
      if found.keys[a] == found.keys[b] { return a < b }
      return found.keys[a].lexicographicallyPrecedes(found.keys[b])
    }
    for i in order {
      rows += found.rows[i * dimension..<(i + 1) * dimension]
      self.labels.append(found.labels[i])
      hashes.append(KeyUniqueness.hashWords(found.keys[i][...]).0)
    }
  }

  /// The embeddings, how many there are, and the key of each.
  private static func source(_ request: DomainTrain.Request) throws -> (DomainBlocks, Int, (Int) -> [UInt8]) {
    if let path = request.workspace {
      guard try FileStatus(path: path + "/columns")?.isDirectory == true else {
        throw PipelineError(.usage, "\(path): not a workspace")
      }
      let workspace = try Workspace(path: path)
      let shards = try workspace.ingestedShards().filter { $0.manifest.accepted > 0 }
      guard !shards.isEmpty else { throw PipelineError(.badData, "\(path): there are no samples") }
      try PruneStage.checkEmbedded(shards)
      let keys = try shards.flatMap { try KeyFile.keys(workspace.columns($0.name) + "/keys.txt") }
      return (try DomainBlocks(shards: shards, workspace), keys.count, { Array(keys[$0]) })
    }
    guard let path = request.embeddings else {
      throw PipelineError(.usage, "give --embeddings or --workspace")
    }
    let source = try EmbeddingSource(path, .image)
    let count = try EmbeddingFile.shape(source).rows
    let blocks = try DomainBlocks(source, name: path)
    guard let file = request.keys else { return (blocks, count, { Array("\($0)".utf8) }) }
    let keys = try ArrayFiles.keys(file)
    guard keys.count == count else {
      throw PipelineError(.badData, "\(file): \(keys.count) keys, the embeddings have \(count) rows")
    }
    return (blocks, count, { Array(keys[$0]) })
  }

  /// Those for which `isWanted` is true of their place.
  func selected(_ isWanted: (Int) -> Bool) -> Part {
    var part = Part()
    for i in labels.indices where isWanted(i) {
      part.rows += rows[i * dimension..<(i + 1) * dimension]
      part.labels.append(labels[i])
    }
    return part
  }
}
