import Shards

/// Single rows of one column of the workspace, in any order; one file is open at a time.
final class ColumnRows {
  private let columns: String
  private let file: String
  private var reader: NpyReader?
  private var shard = ""
  /// The header that the latest row has as an array of its own.
  private(set) var rowHeader = NpyHeader(type: .uint8, shape: [0])

  /// - Parameters:
  ///   - workspace: its path.
  ///   - file: `thumbnail.npy`…
  init(workspace: String, file: String) {
    columns = workspace + "/columns/"
    self.file = file
  }

  /// The bytes of a row.
  func row(shard name: String, row: Int) throws -> [UInt8] {
    if shard != name || reader == nil {
      let opened = try NpyReader(path: columns + name + "/" + file)
      rowHeader = NpyHeader(type: opened.type, shape: Array(opened.shape.dropFirst()))
      reader = .some(consume opened)
      shard = name
    }
    return try reader!.rows(row..<(row + 1))
  }
}
