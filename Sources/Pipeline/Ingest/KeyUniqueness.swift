import Crypto
import Shards

/// Keys must be unique over all shards of a run: readers merge neighbouring samples of one key.
enum KeyUniqueness {
  /// Compares 128-bit hashes of all keys, sorted: 24 bytes a sample.
  ///
  /// - Throws: ``PipelineError`` naming one key and both its shards.
  static func check(_ shards: [String], _ workspace: borrowing Workspace) throws {
    struct Entry {
      var high: UInt64
      var low: UInt64
      var shard: Int32
      var row: Int32
    }
    var entries: [Entry] = []
    for (index, shard) in shards.enumerated() {
      for (row, key) in try KeyFile.keys(workspace.columns(shard) + "/keys.txt").enumerated() {
        let words = hashWords(key)
        entries.append(Entry(high: words.0, low: words.1, shard: Int32(index), row: Int32(row)))
      }
    }
    entries.sort { ($0.high, $0.low, $0.shard, $0.row) < ($1.high, $1.low, $1.shard, $1.row) }
    for (a, b) in zip(entries, entries.dropFirst()) where a.high == b.high && a.low == b.low {
      let key = try KeyFile.keys(workspace.columns(shards[Int(a.shard)]) + "/keys.txt")[Int(a.row)]
      throw PipelineError(
        .badData,
        "key \(printable(key)) is in shard \(shards[Int(a.shard)]) and in shard \(shards[Int(b.shard)]); "
          + "`input.keys: prefix` makes keys unique")
    }
  }

  /// The first 16 bytes of SHA-256 as two little-endian words; the first is the key hash of rule 5.
  static func hashWords(_ key: ArraySlice<UInt8>) -> (UInt64, UInt64) {
    var words: (UInt64, UInt64) = (0, 0)
    for (index, byte) in SHA256.hash(data: Array(key)).prefix(16).enumerated() {
      if index < 8 {
        words.0 |= UInt64(byte) << (8 * index)
      } else {
        words.1 |= UInt64(byte) << (8 * (index - 8))
      }
    }
    return words
  }
}

/// `keys.txt`: one key a line.
enum KeyFile {
  /// The keys in row order; empty if there is no such file.
  static func keys(_ path: String) throws -> [ArraySlice<UInt8>] {
    guard let bytes = try readFile(path) else { return [] }
    return bytes.split(separator: UInt8(ascii: "\n"))
  }
}
