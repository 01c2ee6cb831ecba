import Algebra
import Shards

/// Which rows of the workspace are published, and in which order.
struct KeptSamples {
  /// One row of one shard; the indices are into ``shards``.
  struct Row: Hashable {
    var shard: Int
    var row: Int
  }

  /// Workspace names, in workspace order.
  let shards: [String]
  /// Rows in publish order.
  let rows: [Row]

  /// Reads the keys and puts the rows into order.
  ///
  /// - Parameter isKept: whether row `row` of shard `shard` is published.
  init(
    _ shards: [String], order: Recipe.Publish.Order, _ workspace: borrowing Workspace,
    isKept: (_ shard: Int, _ row: Int) -> Bool
  ) throws {
    self.shards = shards
    var rows: [Row] = []
    var keys: [ArraySlice<UInt8>] = []
    for (index, shard) in shards.enumerated() {
      let shardKeys = try KeyFile.keys(workspace.columns(shard) + "/keys.txt")
      for (row, key) in shardKeys.enumerated() where isKept(index, row) {
        rows.append(Row(shard: index, row: row))
        if order != .input { keys.append(key) }
      }
    }
    switch order {
    case .input:
      self.rows = rows
    case .key:
      self.rows = rows.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }.map { rows[$0] }
    case .shuffle(let seed):
      let ranks = keys.map { key in
        var generator = Philox(seed: seed, keyHash: KeyUniqueness.hashWords(key).0, epoch: shuffleEpoch)
        return generator.next()
      }
      self.rows =
        rows.indices.sorted {
          ranks[$0] != ranks[$1] ? ranks[$0] < ranks[$1] : keys[$0].lexicographicallyPrecedes(keys[$1])
        }.map { rows[$0] }
    }
  }
}

/// Keeps the shuffle apart from masks (epochs from 0), random selection (2⁶⁴ − 1) and k-means (2⁶⁴ − 2, 2⁶⁴ − 3).
private let shuffleEpoch = UInt64.max - 3
