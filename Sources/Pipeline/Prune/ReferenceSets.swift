import Algebra
import Prune
import Shards

/// Reference embeddings from one or several files, one below the other: test sets, for example.
struct ReferenceSets {
  /// One file.
  struct Entry: Codable, Equatable {
    /// File name, without its directory.
    var name: String
    var rows: Int
    /// Of the file, or of all its parts one after the other.
    var sha256: String
  }

  let entries: [Entry]
  /// `(q, d)`, in memory: `<f2` where all files are, Float32 otherwise.
  let matrix: EmbeddingMatrix
  /// `(q,)`.
  let gaps: [Float]?

  /// - Parameters:
  ///   - files: each as an ``EmbeddingSource``.
  ///   - gaps: none, or one vector for each file.
  init(_ files: [String], gaps: [String]) throws {
    guard gaps.isEmpty || gaps.count == files.count else {
      throw PipelineError(
        .usage, "\(files.count) reference files and \(gaps.count) of gaps; one each is wanted")
    }
    var entries: [Entry] = []
    var parts: [EmbeddingMatrix] = []
    for file in files {
      let source = try EmbeddingSource(file, .image)
      let part = try EmbeddingFile.read(source)
      if part.rows == 0 { throw NpyError(path: file, "there are no rows") }
      if let first = parts.first, first.dimension != part.dimension {
        throw NpyError(path: file, "rows of \(part.dimension) values, the others have \(first.dimension)")
      }
      parts.append(part)
      let sha256 = try Self.sha256(source)
      entries.append(Entry(name: Directory.name(of: file), rows: part.rows, sha256: sha256))
    }
    var allGaps: [Float] = []
    for (gap, entry) in zip(gaps, entries) {
      let values = try ArrayFiles.floats(gap)
      guard values.count == entry.rows else {
        throw NpyError(path: gap, "\(values.count) rows, \(entry.name) has \(entry.rows)")
      }
      if let row = values.firstIndex(where: \.isNaN) { throw NpyError(path: gap, "row \(row) is NaN") }
      allGaps += values
    }
    self.entries = entries
    matrix = EmbeddingMatrix(stacking: parts)
    self.gaps = gaps.isEmpty ? nil : allGaps
  }

  /// Bytes that the files of `paths` take in memory.
  static func bytes(_ paths: [String]) throws -> Int {
    try paths.reduce(0) { bytes, path in
      let shape = try EmbeddingFile.shape(EmbeddingSource(path, .image))
      // Read, and stacked.
      return bytes + 2 * shape.bytes
    }
  }

  /// Hash of all that the stage reads.
  static func digest(_ recipe: Recipe.Reference) throws -> String {
    var hashes: [String] = []
    for file in recipe.files { hashes.append(try sha256(EmbeddingSource(file, .image))) }
    for gap in recipe.gaps { hashes.append(try FileDigest(path: gap).sha256) }
    return joined(hashes)
  }

  private static func sha256(_ source: EmbeddingSource) throws -> String {
    var hashes: [String] = []
    for part in source.parts { hashes.append(try FileDigest(path: part.path).sha256) }
    return joined(hashes)
  }

  /// One hash of several.
  private static func joined(_ hashes: [String]) -> String {
    hashes.count == 1 ? hashes[0] : Shards.sha256(hashes.joined(separator: "\n").utf8)
  }

  /// The set and the row inside it of row `row` of all.
  func place(of row: Int32) -> (set: Int, row: Int) {
    var rest = Int(row)
    for (index, entry) in entries.enumerated() {
      if rest < entry.rows { return (index, rest) }
      rest -= entry.rows
    }
    preconditionFailure("row \(row) of \(matrix.rows) references")
  }
}
