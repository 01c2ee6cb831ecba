import Algebra
import Shards

/// Which rows of the workspace are published, and in which order.
struct KeptSamples: Sendable {
  /// One row of one shard; the index is into ``shards``.
  struct Row: Hashable {
    var shard: Int32
    var row: Int32
  }

  /// Workspace names, in workspace order.
  let shards: [String]
  /// Rows in publish order.
  let rows: [Row]
  /// The publish position of each accepted row, −1 for dropped ones; empty where the order is the input's.
  private let positions: [[Int32]]

  /// Bytes of this for so many accepted samples, the keys of `keyBytes` included where the order needs them.
  static func memory(accepted: Int, keyBytes: Int, order: Recipe.Publish.Order) -> Int {
    switch order {
    case .input: 8 * accepted
    case .shuffle: 48 * accepted
    case .key: 64 * accepted + keyBytes
    }
  }

  /// Reads the keys, where the order needs them, and puts the rows into order.
  ///
  /// - Parameter isKept: whether row `row` of shard `shard` is published.
  init(
    _ shards: [IngestedShard], order: Recipe.Publish.Order, _ workspace: borrowing Workspace,
    isKept: (_ shard: Int, _ row: Int) -> Bool
  ) throws {
    self.shards = shards.map(\.name)
    var rows: [Row] = []
    for (index, shard) in shards.enumerated() {
      for row in 0..<shard.manifest.accepted where isKept(index, row) {
        rows.append(Row(shard: Int32(index), row: Int32(row)))
      }
    }
    guard order != .input else {
      (self.rows, positions) = (rows, [])
      return
    }
    var keys: [ArraySlice<UInt8>] = []
    var ranks: [(rank: UInt64, tie: UInt64, row: Row)] = []
    for (index, shard) in shards.enumerated() {
      for (row, key) in try KeyFile.keys(workspace.columns(shard.name) + "/keys.txt").enumerated()
      where isKept(index, row) {
        guard case .shuffle(let seed) = order else {
          keys.append(key)
          continue
        }
        let hash = KeyUniqueness.hashWords(key)
        var generator = Philox(seed: seed, keyHash: hash.0, epoch: shuffleEpoch)
        ranks.append((generator.next(), hash.1, Row(shard: Int32(index), row: Int32(row))))
      }
    }
    if case .shuffle = order {
      ranks.sort { ($0.rank, $0.tie) < ($1.rank, $1.tie) }
      self.rows = ranks.map(\.row)
    } else {
      self.rows = rows.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }.map { rows[$0] }
    }
    var positions = shards.map { [Int32](repeating: -1, count: $0.manifest.accepted) }
    for (position, row) in self.rows.enumerated() {
      positions[Int(row.shard)][Int(row.row)] = Int32(position)
    }
    self.positions = positions
  }

  /// Where a row is published, if the order is not the input's; nil if it is not kept.
  func position(shard: Int, row: Int) -> Int? {
    let position = positions[shard][row]
    return position < 0 ? nil : Int(position)
  }
}

/// Keeps the shuffle apart from masks (epochs from 0), random selection (2⁶⁴ − 1) and k-means (2⁶⁴ − 2, 2⁶⁴ − 3).
private let shuffleEpoch = UInt64.max - 3
