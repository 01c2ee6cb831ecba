import Shards

/// Gives back the samples behind rows of the columns by reading the input shards once more.
///
/// The content must still be what was ingested: the hash of each shard is compared after it was read.
struct SampleFeed: ~Copyable {
  private let files: [ShardFile]
  private let manifests: [ColumnManifest]
  private let workspacePath: String
  private let limits: ShardLimits
  private let keyMode: Recipe.Input.Keys

  init(
    _ files: [ShardFile], _ manifests: [ColumnManifest], limits: ShardLimits, keys: Recipe.Input.Keys,
    _ workspace: borrowing Workspace
  ) {
    self.files = files
    self.manifests = manifests
    self.limits = limits
    keyMode = keys
    workspacePath = workspace.path
  }

  /// Reads shard `index` front to back and hands every accepted sample, with its row, to `body`.
  func read(shard index: Int, _ body: (Int, Sample) throws -> Void) throws {
    let file = files[index]
    let keys = try KeyFile.keys(workspacePath + "/columns/" + file.name + "/keys.txt")
    let prefix = keyMode == .prefix ? Array((file.name + "/").utf8) : []
    let changed = PipelineError(.temporary, "\(file.path): changed since it was ingested; run again")
    var row = 0
    do {
      var reader = try ShardReader(
        try File(path: file.path, .read), limits: limits, hashing: true, keyPrefix: prefix)
      while let sample = try reader.next() {
        // A repeated key is always a fault, so the key tells the accepted sample from those rejected.
        guard sample.fault == nil, row < keys.count, keys[row].elementsEqual(sample.key) else { continue }
        try body(row, sample)
        row += 1
      }
      guard row == keys.count, reader.summary.digest == manifests[index].input.sha256 else { throw changed }
    } catch is ShardFault {
      throw changed
    }
  }
}
