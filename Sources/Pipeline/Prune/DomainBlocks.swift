import Prune
import Shards

/// A row is off unit length.
private struct OffUnit: Error {}

/// Rows of embeddings, block by block and as the stages use them: if any is off unit length, all are normalised
/// (design rule 10).
struct DomainBlocks {
  let dimension: Int
  /// Names row i of all, for errors.
  let name: (Int) -> String
  /// Calls its argument with the type and bytes of some rows until all are through.
  private let blocks: ((NpyType, [UInt8]) throws -> Void) throws -> Void

  /// Rows in memory while a block is worked on.
  private static let blockRows = 4096

  /// Embeddings given as arrays.
  init(_ source: EmbeddingSource, name: String) throws {
    dimension = try EmbeddingFile.shape(source).dimension
    self.name = { "\(name): row \($0)" }
    blocks = { body in for part in source.parts { try EmbeddingFile.blocks(part, body) } }
  }

  /// The rows of shards: `image.npy` files, all of one width.
  init(shards: [IngestedShard], _ workspace: borrowing Workspace) throws {
    let files = shards.map { (path: workspace.columns($0.name) + "/image.npy", rows: $0.manifest.accepted) }
    guard let first = files.first else { preconditionFailure("shards with samples") }
    let reader = try NpyReader(path: first.path)
    try EmbeddingFile.check(reader)
    dimension = reader.shape[1]
    name = { row in
      var rest = row
      for file in files {
        if rest < file.rows { return "\(file.path): row \(rest)" }
        rest -= file.rows
      }
      return "row \(row)"
    }
    let width = dimension
    blocks = { body in
      for file in files {
        let reader = try NpyReader(path: file.path)
        try EmbeddingFile.check(reader)
        guard reader.rowCount == file.rows, reader.shape[1] == width else {
          throw NpyError(
            path: file.path, "the shape is \(reader.shape), \([file.rows, width]) was expected")
        }
        for start in stride(from: 0, to: file.rows, by: Self.blockRows) {
          try body(reader.type, reader.rows(start..<min(start + Self.blockRows, file.rows)))
        }
      }
    }
  }

  /// Goes through all rows.
  ///
  /// - Parameters:
  ///   - start: what the work begins with; it begins anew where a row turns out not to be of unit length.
  ///   - body: gets the number of a block's first row, and the rows `(b, d)`.
  func reduce<Work>(
    _ start: () -> Work, _ body: (inout Work, _ first: Int, _ rows: [Float]) throws -> Void
  ) throws -> Work {
    func pass(normalising: Bool) throws -> Work {
      var work = start()
      var first = 0
      try blocks { type, bytes in
        var rows = EmbeddingFile.floats(type, bytes)
        let finding = RowBlock.inspect(rows, dimension: dimension)
        if let row = [finding.notFinite, finding.zero].compactMap({ $0 }).min() {
          throw PipelineError(
            .badData,
            name(first + row) + (finding.notFinite == row ? " holds NaN or an infinity" : " is zero"))
        }
        if normalising {
          RowBlock.normalise(&rows, dimension: dimension)
        } else if finding.isOff {
          throw OffUnit()
        }
        try body(&work, first, rows)
        first += rows.count / dimension
      }
      return work
    }
    do { return try pass(normalising: false) } catch is OffUnit { return try pass(normalising: true) }
  }
}
