import Algebra
import Shards

/// What the headers of a source's parts say, once they fit together.
struct EmbeddingShape: Sendable, Equatable {
  var rows = 0
  var dimension = 0
  /// Every part is `<f2`.
  var isHalf = true
  /// Bytes of one row.
  var rowBytes: Int { dimension * (isHalf ? 2 : 4) }
  /// Bytes of all values in memory.
  var bytes: Int { rows * rowBytes }
}

extension EmbeddingFile {
  /// Opens every part of a source once.
  ///
  /// - Throws: `NpyError` for parts that are broken, no embeddings, or not alike.
  static func shape(_ source: EmbeddingSource) throws -> EmbeddingShape {
    var shape = EmbeddingShape()
    for (index, part) in source.parts.enumerated() {
      let (header, path) = try header(part)
      try check(header, path: path)
      guard index == 0 || header.shape[1] == shape.dimension else {
        throw NpyError(path: path, "rows of \(header.shape[1]) values, the others have \(shape.dimension)")
      }
      shape.rows += header.shape[0]
      shape.dimension = header.shape[1]
      shape.isHalf = shape.isHalf && header.type == .float16
    }
    return shape
  }

  private static func header(_ part: EmbeddingSource.Part) throws(NpyError) -> (NpyHeader, String) {
    switch part {
    case .file(let path): return (try NpyReader(path: path).header, path)
    case .member(let path, let name):
      let array = try NpzArray(path: path, name: name)
      return (array.header, array.path)
    }
  }

  /// Reads all rows: as stored where every part is `<f2`, as Float32 otherwise.
  static func read(_ source: EmbeddingSource) throws -> EmbeddingMatrix {
    let shape = try shape(source)
    var half: [Float16] = []
    var single: [Float] = []
    if shape.isHalf {
      half.reserveCapacity(shape.rows * shape.dimension)
    } else {
      single.reserveCapacity(shape.rows * shape.dimension)
    }
    for part in source.parts {
      try blocks(part) { type, bytes in
        if shape.isHalf { half += Float16.decode(bytes) } else { single += floats(type, bytes) }
      }
    }
    return shape.isHalf
      ? EmbeddingMatrix(half, dimension: shape.dimension)
      : EmbeddingMatrix(single, dimension: shape.dimension)
  }

  /// Calls `body` with the type and the bytes of some rows, little-endian and in C order, until all of a part are
  /// through. Memory is a block; for an array in an archive whose columns are stored one after another, all of it.
  static func blocks(
    _ part: EmbeddingSource.Part, _ body: (NpyType, [UInt8]) throws -> Void
  ) throws {
    switch part {
    case .file(let path): try blocks(NpyReader(path: path), body)
    case .member(let path, let name):
      var array = try NpzArray(path: path, name: name)
      let type = array.header.type
      if array.isColumnMajor { return try body(type, array.allRows()) }
      while let block = try array.nextRows() { try body(type, block) }
    }
  }

  /// The same of an open file.
  static func blocks(_ reader: borrowing NpyReader, _ body: (NpyType, [UInt8]) throws -> Void) throws {
    guard reader.rowCount > 0 else { return }
    // Columns are gathered with one read each, so blocks of them are larger.
    let wanted = reader.header.fortranOrder ? 16 << 20 : 1 << 20
    let step = max(1, wanted / reader.rowBytes)
    for start in stride(from: 0, to: reader.rowCount, by: step) {
      try body(reader.type, reader.rows(start..<min(start + step, reader.rowCount)))
    }
  }

  /// Values of a float type as Float32; `<f8` is rounded.
  static func floats(_ type: NpyType, _ bytes: [UInt8]) -> [Float] {
    switch type {
    case .float16: Float16.decode(bytes).map { Float($0) }
    case .float64: Double.decode(bytes).map { Float($0) }
    default: Float.decode(bytes)
    }
  }
}
