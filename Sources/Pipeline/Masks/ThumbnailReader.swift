import Shards

/// Thumbnails of single rows of the columns, in any order; one file is open at a time.
struct ThumbnailReader: ~Copyable {
  private let columns: String
  private var reader: NpyReader?
  private var shard = ""

  /// - Parameter workspace: its path.
  init(workspace: String) { columns = workspace + "/columns/" }

  /// `|u1 (S, S, 3)` of a row.
  mutating func thumbnail(shard name: String, row: Int) throws -> [UInt8] {
    if shard != name || reader == nil {
      reader = try NpyReader(path: columns + name + "/thumbnail.npy")
      shard = name
    }
    return try reader!.rows(row..<(row + 1))
  }
}
