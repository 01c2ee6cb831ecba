import Decode
import Glibc
import Shards

/// What the reader of a shard set hands to the workers, in order.
enum IngestItem: Sendable {
  /// A shard begins; for the second time if a key came again: what was made of it so far is void.
  case begin(Int)
  /// One of its samples, with what its image's header says.
  case sample(Sample, Result<ImageInfo, DecodeError>?)
  /// It ended: complete, or with the fault that stopped the reading.
  case end(Int, ShardSummary, ShardFault?)
}

extension Recipe.Input {
  /// How one shard of this input is read.
  func rules(_ limits: ShardLimits, shard: String) -> ShardRules {
    var rules = ShardRules()
    rules.limits = limits
    rules.duplicates = duplicates
    rules.salvages = salvage
    rules.ignoresZeros = ignoresZeros
    rules.keyPrefix = keys == .prefix ? Array((shard + "/").utf8) : []
    return rules
  }
}

/// Reads shards one after the other and probes each image's header, so that its decoding can be charged to the
/// byte window before it starts.
///
/// Reading is optimistic: no shard is scanned beforehand. The first key that comes again makes the source scan the
/// shard's headers for all of them, and begin the shard anew.
struct IngestSource: PullSource, ~Copyable {
  private let shards: [ShardFile]
  private let input: Recipe.Input
  private let limits: DecodeLimits
  private let shardLimits: ShardLimits
  private let hashing: Bool
  /// What becomes of the pictures at once, where they are published as they come.
  private let pictures: Recipe.Publish.Image?
  /// Whether the next shard is not begun.
  private let isStopped: @Sendable () -> Bool
  private var index = -1
  private var reader: ShardReader?
  /// Samples that the shard's stats file counts.
  private var announced: Int?

  init(
    _ shards: [ShardFile], recipe: Recipe, memory: MemoryPlan, hashing: Bool,
    pictures: Recipe.Publish.Image? = nil, until isStopped: @escaping @Sendable () -> Bool = { false }
  ) {
    self.isStopped = isStopped
    self.shards = shards
    self.pictures = pictures
    limits = memory.decodeLimits(recipe.decode)
    shardLimits = memory.shardLimits
    self.hashing = hashing
    input = recipe.input
  }

  mutating func next() throws -> (item: IngestItem, cost: Int)? {
    if reader == nil {
      index += 1
      guard index < shards.count, !isStopped() else { return nil }
      do { try begin() } catch let fault as ShardFault {
        return (.end(index, ShardSummary(), fault), 1)
      }
      return (.begin(index), 1)
    }
    do {
      guard let sample = try reader!.next() else { return try end(nil) }
      let info = probeImage(of: sample)
      var cost = sample.bytes.count
      if case .success(let image)? = info {
        cost += image.decodeMemory + (pictures?.resultMemory(image) ?? 0)
      }
      return (.sample(sample, info), cost)
    } catch let fault as ShardFault {
      return try end(fault)
    } catch is RepeatedKey {
      _ = reader.take()
      let rules = input.rules(shardLimits, shard: shards[index].name)
      let conflicts = try KeyConflicts(scanning: try open(), rules)
      reader = try ShardReader(try open(), rules, repeats: .known(conflicts), hashing: hashing)
      return (.begin(index), 1)
    }
  }

  private mutating func begin() throws {
    let shard = shards[index]
    announced = try shard.stats.map { try ShardStats.successes($0.path) }
    reader = try ShardReader(
      try open(), input.rules(shardLimits, shard: shard.name),
      repeats: shard.path == "-" ? .rejectLater : .report, hashing: hashing)
  }

  private func open() throws -> File {
    let shard = shards[index]
    if shard.path == "-" { return .standardInput() }
    do {
      let file = try File.regular(shard.path)
      guard try file.status() == shard.status else { throw changed }
      return file
    } catch let error as FileError where error.errno == ENOENT {
      throw PipelineError(.temporary, "\(shard.path): is gone since it was listed")
    }
  }

  private var changed: PipelineError {
    PipelineError(.temporary, "\(shards[index].path): changed while it was read")
  }

  private mutating func end(_ fault: ShardFault?) throws -> (item: IngestItem, cost: Int) {
    let ended = reader.take()!
    var summary = ended.summary
    let shard = shards[index]
    if shard.path != "-", try FileStatus(path: shard.path) != shard.status { throw changed }
    guard fault == nil, summary.fault == nil, let announced, let stats = shard.stats else {
      return (.end(index, summary, fault), 1)
    }
    summary.announcedSamples = announced
    guard summary.distinctKeys < announced else { return (.end(index, summary, nil), 1) }
    let missing = ShardFault(
      .truncatedShard, at: summary.endOffset,
      "\(summary.distinctKeys) samples are here, \(Directory.name(of: stats.path)) counts \(announced)")
    guard input.salvage else { return (.end(index, summary, missing), 1) }
    summary.fault = missing
    return (.end(index, summary, nil), 1)
  }

  private func probeImage(of sample: Sample) -> Result<ImageInfo, DecodeError>? {
    guard sample.fault == nil, let field = sample.field(input.imageFields) else { return nil }
    let bytes = sample.bytes.span.extracting(field.range)
    do { return .success(try unsafe probe(bytes.bytes, limits: limits)) } catch { return .failure(error) }
  }
}
