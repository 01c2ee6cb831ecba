import Shards

/// The files beside published shards that trainers' own readers look for.
public typealias Sidecar = Recipe.Publish.Sidecar

extension Recipe.Publish.Sidecar {
  /// All that are written unless something else is asked for.
  public static let standard = allCases.filter { $0 != .subset }

  /// The name of a file that a whole directory has one of; nil for those of each shard.
  var fileName: String? {
    switch self {
    case .sizes: "sizes.json"
    case .length: "__len__"
    case .stats, .index: nil
    case .wids: "shardindex.json"
    case .sums: "SHA256SUMS"
    case .card: "README.md"
    case .subset: "subset.npy"
    }
  }

  /// The name of a file that each shard has one of; nil for those of a whole directory.
  func fileName(ofShard shard: String) -> String? {
    switch self {
    case .stats: ShardSet.stem(of: shard) + ShardStats.suffix
    case .index: ShardSet.stem(of: shard) + ".idx"
    default: nil
    }
  }
}

/// What sidecars tell of: the shards of one directory, in the order of their names.
struct ShardListing {
  var shards: [PublishManifest.Shard]
  /// The directory of the shards as seen from that of the sidecars; nil where they are the same.
  var root: String?

  /// Of all shards.
  var samples: Int { shards.reduce(0) { $0 + $1.samples } }
  /// Of all shards.
  var bytes: UInt64 { shards.reduce(0) { $0 + $1.bytes } }

  /// The path of a shard as seen from the sidecars.
  func path(of shard: String) -> String { root.map { $0 + "/" + shard } ?? shard }

  /// `{00000..00041}.tar` for shards numbered without a gap; nil for any others.
  var braces: String? {
    guard let first = shards.first, let last = shards.last else { return nil }
    let suffix = ShardSet.suffix(of: first.name)
    let numbers = shards.map { Int(ShardSet.stem(of: $0.name)) }
    let width = ShardSet.stem(of: first.name).utf8.count
    guard let start = numbers[0], numbers.enumerated().allSatisfy({ $0.element == start + $0.offset }),
      shards.allSatisfy({
        ShardSet.suffix(of: $0.name) == suffix && $0.name.utf8.count == width + suffix.utf8.count
      })
    else { return nil }
    if shards.count == 1 { return first.name }
    return "{\(ShardSet.stem(of: first.name))..\(ShardSet.stem(of: last.name))}\(suffix)"
  }
}
