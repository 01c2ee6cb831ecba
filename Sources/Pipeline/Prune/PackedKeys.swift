import Prune
import Shards

/// Keys packed for ``KeyColumn``.
struct PackedKeys {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var hashes: [UInt64] = []

  mutating func append(_ key: some Collection<UInt8>) {
    bytes += key
    ends.append(bytes.count)
    hashes.append(KeyUniqueness.hashWords(Array(key)[...]).0)
  }

  var count: Int { ends.count }

  var column: KeyColumn { KeyColumn(bytes: bytes, ends: ends, hashes: hashes) }
}

extension PackedKeys {
  /// The keys of all accepted samples, shard after shard, and where each is from.
  static func read(
    _ shards: [IngestedShard], _ workspace: borrowing Workspace
  ) throws -> (keys: KeyColumn, origin: RowOrigin) {
    var keys = PackedKeys()
    var origin: (shard: [Int32], row: [Int32]) = ([], [])
    for (index, shard) in shards.enumerated() {
      for (row, key) in try KeyFile.keys(workspace.columns(shard.name) + "/keys.txt").enumerated() {
        keys.append(key)
        origin.shard.append(Int32(index))
        origin.row.append(Int32(row))
      }
    }
    return (keys.column, RowOrigin(shard: origin.shard, row: origin.row))
  }
}
