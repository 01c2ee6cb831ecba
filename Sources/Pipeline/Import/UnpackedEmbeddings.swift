import Algebra
import Shards

extension EmbeddingFile {
  /// The rows of a source, left on disk: where they lie if that is plain `.npy`, unpacked into `scratch` otherwise
  /// (archives, `<f8`, columns one after another, parts of several dtypes). The caller removes `scratch` in the end.
  static func stored(_ source: EmbeddingSource, scratch: String) throws -> EmbeddingMatrix {
    if let paths = try plainPaths(source) { return EmbeddingMatrix(try EmbeddingRows(paths)) }
    return EmbeddingMatrix(try EmbeddingRows([try unpack(source, scratch)]))
  }

  /// The files of a source that can be read where it lies, nil for another one.
  private static func plainPaths(_ source: EmbeddingSource) throws -> [String]? {
    var type: NpyType?
    var paths: [String] = []
    for part in source.parts {
      guard case .file(let path) = part else { return nil }
      let header = try NpyReader(path: path).header
      try check(header, path: path)
      guard EmbeddingRows.isPlain(header), header.type == type ?? header.type else { return nil }
      type = header.type
      paths.append(path)
    }
    return paths
  }

  /// Unpacks a source into `rows.npy` of a directory, all parts below each other: `<f2` where all are, `<f4` otherwise.
  static func unpack(_ source: EmbeddingSource, _ scratch: String) throws -> String {
    try Directory.create(scratch)
    let shape = try shape(source)
    let output = scratch + "/rows.npy"
    let header = NpyHeader(
      type: shape.isHalf ? .float16 : .float32, shape: [shape.rows, shape.dimension])
    // Not synced: a killed import begins anew.
    var file = BufferedFile(try File(path: output, .create))
    try file.write(header.bytes()[...])
    for part in source.parts {
      if case .member(let path, let name) = part {
        let array = try NpzArray(path: path, name: name)
        if array.isColumnMajor {
          // Columns first to disk, then rows from there.
          let columns = scratch + "/columns.npy"
          try array.unpack(to: columns)
          let reader = try NpyReader(path: columns)
          try blocks(reader) { try file.write(stored($0, $1, shape)) }
          try Directory.remove(columns)
          continue
        }
      }
      try blocks(part) { try file.write(stored($0, $1, shape)) }
    }
    try file.finish(syncing: false)
    return output
  }

  /// A block as the unpacked file has it.
  private static func stored(_ type: NpyType, _ bytes: [UInt8], _ shape: EmbeddingShape) -> ArraySlice<UInt8>
  {
    shape.isHalf ? bytes[...] : NpyFile.bytes(of: floats(type, bytes))[...]
  }
}
