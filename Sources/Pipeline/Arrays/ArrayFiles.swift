import Algebra
import Shards

/// Files that the array commands are given, and directories that they write.
enum ArrayFiles {
  /// Opens an array.
  ///
  /// - Throws: ``PipelineError`` (usage) when there is none, ``NpyError`` when it is broken.
  static func open(_ path: String) throws -> NpyReader {
    try require(path)
    return try NpyReader(path: path)
  }

  /// Reads `(n, d)` embeddings of whatever form an ``EmbeddingSource`` has.
  static func embeddings(_ path: String, _ kind: EmbeddingSource.Kind = .image) throws -> EmbeddingMatrix {
    try EmbeddingFile.read(EmbeddingSource(path, kind))
  }

  /// Reads a vector of floats.
  static func floats(_ path: String) throws -> [Float] {
    let reader = try open(path)
    guard reader.shape.count == 1 else {
      throw NpyError(path: path, "\(reader.shape.count) axes, one is wanted")
    }
    return try reader.floats(0..<reader.rowCount)
  }

  /// Reads keys, one a line; line i is row i, so an empty line is an error.
  static func keys(_ path: String) throws -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    try keys(path) { lines.append($0) }
    return lines
  }

  /// The same, one key after the other; memory is a block of the file.
  static func keys(_ path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    try require(path)
    let file = try File(path: path, .read)
    var line = 0
    func take(_ key: ArraySlice<UInt8>) throws {
      line += 1
      if key.isEmpty { throw PipelineError(.badData, "\(path): line \(line) is empty, a key is wanted") }
      try body(key)
    }
    var block = [UInt8](repeating: 0, count: 1 << 20)
    var rest: [UInt8] = []
    while true {
      let count = try file.read(into: &block)
      if count == 0 { break }
      rest += block[..<count]
      let lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for key in lines.dropLast() { try take(key) }
      rest = Array(lines.last ?? [])
    }
    if !rest.isEmpty { try take(rest[...]) }
  }

  /// The directory to write, without a trailing slash.
  ///
  /// - Parameter names: all that the command writes into it.
  /// - Throws: ``PipelineError`` when something else is there: only an empty directory or one that holds nothing but
  ///   `names` may be replaced.
  static func output(_ path: String, names: Set<String>) throws -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    let output = String(path)
    guard let status = try FileStatus(path: output) else { return output }
    guard status.isDirectory else { throw PipelineError(.usage, "\(output): is a file, not a directory") }
    guard (try Directory.names(in: output) ?? []).allSatisfy(names.contains) else {
      throw OutputDirectory.foreign(output)
    }
    return output
  }

  private static func require(_ path: String) throws {
    guard try FileStatus(path: path) != nil else { throw PipelineError(.usage, "\(path): no such file") }
  }
}
