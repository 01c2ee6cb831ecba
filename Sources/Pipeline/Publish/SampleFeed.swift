import Shards

/// Gives back the samples behind the rows of a shard's columns by reading the input shard once more, as its manifest
/// says that it was read.
///
/// The content must still be what was ingested: the hash of the shard is compared when its end is reached.
struct SampleFeed: ~Copyable {
  private let manifest: ColumnManifest
  private let keys: [ArraySlice<UInt8>]
  private let changed: PipelineError
  private var reader: ShardReader
  private var row = 0

  /// Opens a shard.
  init(
    _ file: ShardFile, _ manifest: ColumnManifest, limits: ShardLimits, input: Recipe.Input, workspace: String
  ) throws {
    let changed = PipelineError(.temporary, "\(file.path): changed since it was ingested; run again")
    var rules = input.rules(limits, shard: file.name)
    rules.duplicates = manifest.input.duplicates
    rules.salvages = manifest.input.salvage
    rules.ignoresZeros = manifest.input.ignoresZeros
    // Renaming needs no scan, and a shard whose keys came once each has nothing to find.
    let needsScan = manifest.input.repeatedKeys > 0 && rules.duplicates != .rename
    let reader: ShardReader
    do {
      let repeats: RepeatedKeys =
        needsScan ? .known(try KeyConflicts(scanning: try File.regular(file.path), rules)) : .rejectLater
      reader = try ShardReader(try File.regular(file.path), rules, repeats: repeats, hashing: true)
    } catch is ShardFault {
      throw changed
    }
    keys = try KeyFile.keys(workspace + "/columns/" + file.name + "/keys.txt")
    self.changed = changed
    self.manifest = manifest
    self.reader = reader
  }

  /// The next sample, accepted ones with their row; nil at the end of the shard.
  mutating func next() throws -> (row: Int?, sample: Sample)? {
    do {
      guard let sample = try reader.next() else {
        guard row == keys.count, reader.summary.digest == manifest.input.sha256 else { throw changed }
        return nil
      }
      // Sound samples have different keys, so the key tells the accepted one from those rejected.
      guard sample.fault == nil, row < keys.count, keys[row].elementsEqual(sample.key) else {
        return (nil, sample)
      }
      defer { row += 1 }
      return (row, sample)
    } catch is ShardFault {
      throw changed
    }
  }

  /// The next accepted sample with its row; nil at the end of the shard.
  mutating func nextAccepted() throws -> (row: Int, sample: Sample)? {
    while let (row, sample) = try next() {
      if let row { return (row, sample) }
    }
    return nil
  }
}
