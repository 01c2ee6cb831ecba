import Shards

/// Gives back the samples behind rows of the columns by reading the input shards once more, as their manifests say
/// that they were read.
///
/// The content must still be what was ingested: the hash of each shard is compared after it was read.
struct SampleFeed: ~Copyable {
  private let files: [ShardFile]
  private let manifests: [ColumnManifest]
  private let workspacePath: String
  private let limits: ShardLimits
  private let input: Recipe.Input

  init(
    _ files: [ShardFile], _ manifests: [ColumnManifest], limits: ShardLimits, input: Recipe.Input,
    _ workspace: borrowing Workspace
  ) {
    self.files = files
    self.manifests = manifests
    self.limits = limits
    self.input = input
    workspacePath = workspace.path
  }

  /// Reads shard `index` front to back and hands every accepted sample, with its row, to `body`.
  func read(shard index: Int, _ body: (Int, Sample) throws -> Void) throws {
    let file = files[index]
    let manifest = manifests[index]
    let keys = try KeyFile.keys(workspacePath + "/columns/" + file.name + "/keys.txt")
    let changed = PipelineError(.temporary, "\(file.path): changed since it was ingested; run again")
    var rules = input.rules(limits, shard: file.name)
    rules.duplicates = manifest.input.duplicates
    rules.salvages = manifest.input.salvage
    rules.ignoresZeros = manifest.input.ignoresZeros
    var row = 0
    do {
      // Renaming needs no scan, and a shard whose keys came once each has nothing to find.
      let needsScan = manifest.input.repeatedKeys > 0 && rules.duplicates != .rename
      let repeats: RepeatedKeys =
        needsScan ? .known(try KeyConflicts(scanning: try File.regular(file.path), rules)) : .rejectLater
      var reader = try ShardReader(try File.regular(file.path), rules, repeats: repeats, hashing: true)
      while let sample = try reader.next() {
        // Sound samples have different keys, so the key tells the accepted one from those rejected.
        guard sample.fault == nil, row < keys.count, keys[row].elementsEqual(sample.key) else { continue }
        try body(row, sample)
        row += 1
      }
      guard row == keys.count, reader.summary.digest == manifest.input.sha256 else { throw changed }
    } catch is ShardFault {
      throw changed
    }
  }
}
