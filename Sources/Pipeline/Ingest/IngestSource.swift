import Decode
import Shards

/// What the reader of a shard set hands to the workers, in order.
enum IngestItem: Sendable {
  /// A shard begins.
  case begin(Int)
  /// One of its samples, with what its image's header says.
  case sample(Sample, Result<ImageInfo, DecodeError>?)
  /// It ended: complete, or with the fault that stopped the reading.
  case end(Int, ShardSummary, ShardFault?)
}

/// Reads shards one after the other and probes each image's header, so that its decoding can be charged to the
/// byte window before it starts.
struct IngestSource: PullSource, ~Copyable {
  private let shards: [ShardFile]
  private let imageFields: [String]
  private let limits: DecodeLimits
  private let shardLimits: ShardLimits
  private let keys: Recipe.Input.Keys
  private let hashing: Bool
  private var index = -1
  private var reader: ShardReader?

  init(_ shards: [ShardFile], recipe: Recipe, memory: MemoryPlan, hashing: Bool) {
    self.shards = shards
    limits = memory.decodeLimits(recipe.decode)
    shardLimits = memory.shardLimits
    self.hashing = hashing
    imageFields = recipe.input.imageFields
    keys = recipe.input.keys
  }

  mutating func next() throws -> (item: IngestItem, cost: Int)? {
    if reader == nil {
      index += 1
      guard index < shards.count else { return nil }
      do {
        let file = shards[index].path == "-" ? .standardInput() : try File(path: shards[index].path, .read)
        let prefix = keys == .prefix ? Array((shards[index].name + "/").utf8) : []
        reader = try ShardReader(file, limits: shardLimits, hashing: hashing, keyPrefix: prefix)
      } catch let fault as ShardFault {
        return (.end(index, ShardSummary(), fault), 1)
      }
      return (.begin(index), 1)
    }
    do {
      guard let sample = try reader!.next() else { return try end(nil) }
      let info = probeImage(of: sample)
      var cost = sample.bytes.count
      if case .success(let image)? = info { cost += image.decodeMemory }
      return (.sample(sample, info), cost)
    } catch let fault as ShardFault {
      return try end(fault)
    }
  }

  private mutating func end(_ fault: ShardFault?) throws -> (item: IngestItem, cost: Int) {
    let ended = reader.take()!
    let summary = ended.summary
    let shard = shards[index]
    if shard.path != "-", try FileStatus(path: shard.path) != shard.status {
      throw PipelineError(.temporary, "\(shard.path): changed while it was read")
    }
    return (.end(index, summary, fault), 1)
  }

  private func probeImage(of sample: Sample) -> Result<ImageInfo, DecodeError>? {
    guard sample.fault == nil, let field = sample.field(imageFields) else { return nil }
    let bytes = sample.bytes.span.extracting(field.range)
    do { return .success(try unsafe probe(bytes.bytes, limits: limits)) } catch { return .failure(error) }
  }
}
