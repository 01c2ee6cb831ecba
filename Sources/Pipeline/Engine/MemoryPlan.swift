import Decode
import Foundation
import Shards

extension Recipe.Limits {
  /// Worker threads of `jobs: auto`: one a core.
  public static var defaultJobs: Int { ProcessInfo.processInfo.activeProcessorCount }
}

/// How a run divides `limits.memory`: three quarters for samples and pixels in flight, the rest for the sample
/// being read, column buffers and libraries.
struct MemoryPlan {
  /// Worker threads.
  let workers: Int
  /// Bytes of samples and pixels in flight.
  let window: Int
  /// Most bytes the decoding of one image may take; no more than 1 GiB, so that what is rejected does not depend
  /// on a memory limit of 2 GiB or above.
  let imageBytes: Int
  let shardLimits: ShardLimits

  /// The plan for work that runs the recipe's models on samples; they come out of what is in flight.
  init(_ recipe: Recipe) throws {
    try self.init(recipe.limits, models: try recipe.modelMemory())
  }

  /// - Parameter models: bytes that models take.
  /// - Throws: ``PipelineError`` when the limit is too small to work at all.
  init(_ limits: Recipe.Limits, models: Int = 0) throws(PipelineError) {
    let least = 64 << 20 + models
    guard limits.memory >= least else {
      throw PipelineError(
        .usage,
        "limits.memory: \(ByteSize.text(limits.memory)) is too small, \(ByteSize.needed(least)) is needed"
          + (models > 0 ? " with the models" : ""))
    }
    workers = limits.jobs ?? Recipe.Limits.defaultJobs
    window = (limits.memory - models) / 4 * 3
    imageBytes = min(window, 1 << 30)
    var shards = ShardLimits()
    shards.sampleBytes = min(shards.sampleBytes, UInt64(limits.memory / 4))
    shards.memberBytes = min(shards.memberBytes, shards.sampleBytes)
    shards.heldBytes = min(shards.heldBytes, shards.sampleBytes / 2)
    shardLimits = shards
  }

  func decodeLimits(_ decode: Recipe.Decoding) -> DecodeLimits {
    var limits = DecodeLimits()
    limits.maxPixels = decode.maxPixels
    if let maxCost = decode.maxCost { limits.maxCost = maxCost }
    limits.maxMemory = imageBytes
    return limits
  }
}
