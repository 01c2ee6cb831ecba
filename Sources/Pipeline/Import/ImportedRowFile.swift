import Algebra
import Prune
import Shards

/// The rows to import as one `.npy` that can be read at any row.
///
/// A single `.npy` in C order is read where it lies. Anything else (archives, several parts, columns one after another)
/// is first unpacked into a file of the workspace, which is removed in the end: deflated data has no positions.
struct ImportedRowFile: ~Copyable {
  private let reader: NpyReader
  /// True once ``inspect(isUsed:allowsZero:)`` found a row that is not of unit length.
  private var normalises = false
  /// What the user called it.
  private let name: String

  var rows: Int { reader.rowCount }
  var dimension: Int { reader.rowItems }

  /// - Parameter scratch: a directory of the workspace for what must be unpacked.
  init(_ source: EmbeddingSource, named name: String, scratch: String) throws {
    self.name = name
    if source.parts.count == 1, case .file(let path) = source.parts[0] {
      let direct = try NpyReader(path: path)
      try EmbeddingFile.check(direct)
      if !direct.header.fortranOrder {
        reader = direct
        return
      }
    }
    reader = try NpyReader(path: try EmbeddingFile.unpack(source, scratch))
  }

  /// Reads every row once (rule 10).
  ///
  /// - Parameters:
  ///   - isUsed: whether a sample has this row; of others nothing but the length matters.
  ///   - allowsZero: zero rows stay as they are (samples without a caption).
  /// - Returns: the first row not of unit length, nil if there is none.
  /// - Throws: `NpyError` naming the first row in use that is zero, NaN or infinite.
  mutating func inspect(isUsed: (Int) -> Bool, allowsZero: Bool) throws -> Int? {
    var row = 0
    var notUnit: Int?
    let (dimension, name) = (dimension, name)
    try EmbeddingFile.blocks(reader) { type, bytes in
      let values = EmbeddingFile.floats(type, bytes)
      for start in stride(from: 0, to: values.count, by: dimension) {
        let span = values.span.extracting(start..<start + dimension)
        let square = FixedOrderDot.dot(span, span)
        if !square.isFinite {
          if isUsed(row) { throw NpyError(path: name, "row \(row) holds NaN or an infinity") }
        } else if square == 0 {
          if !allowsZero, isUsed(row) { throw NpyError(path: name, "row \(row) is zero") }
        } else if abs(square.squareRoot() - 1) > RowCheck.tolerance {
          notUnit = notUnit ?? row
        }
        row += 1
      }
    }
    normalises = notUnit != nil
    return notUnit
  }

  /// The bytes of `<f2` unit rows, in the order asked for.
  func halves(_ rows: [Int]) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * dimension * 2)
    var next = 0
    while next < rows.count {
      // Neighbours are read at once.
      var end = next + 1
      while end < rows.count, rows[end] == rows[end - 1] + 1 { end += 1 }
      let stored = try reader.rows(rows[next]..<rows[next] + end - next)
      if reader.type == .float16, !normalises {
        bytes += stored
      } else {
        bytes += NpyFile.bytes(of: unit(EmbeddingFile.floats(reader.type, stored)).map { Float16($0) })
      }
      next = end
    }
    return bytes
  }

  /// All rows divided by their Float64 length and rounded to Float32, where one of the file needs it.
  private func unit(_ given: [Float]) -> [Float] {
    guard normalises else { return given }
    var values = given
    RowBlock.normalise(&values, dimension: dimension)
    return values
  }
}
