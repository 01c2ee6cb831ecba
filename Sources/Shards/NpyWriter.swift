/// Writes a `.npy` file row by row; the number of rows is filled in at the end.
public struct NpyWriter: ~Copyable {
  private var file: BufferedFile
  private let type: NpyType
  private let rowShape: [Int]
  private let headerBytes: UInt64

  /// - Parameter rowShape: the shape of one row: `[]` for a vector, `[S, S, 3]` for thumbnails.
  public init(path: String, type: NpyType, rowShape: [Int] = []) throws(FileError) {
    let header = NpyHeader(type: type, shape: [0] + rowShape).bytes()
    var file = BufferedFile(try File(path: path, .create))
    try file.write(header[...])
    self.file = file
    self.type = type
    self.rowShape = rowShape
    headerBytes = UInt64(header.count)
  }

  /// Appends the bytes of one or more whole rows, little-endian.
  public mutating func append(_ rows: [UInt8]) throws(FileError) { try file.write(rows[...]) }

  /// Takes back all but the first `rows` rows.
  public mutating func rewind(toRow rows: Int) throws(FileError) {
    try file.rewind(to: headerBytes + UInt64(rows * rowShape.reduce(type.bytes, *)))
  }

  /// Writes the final header and makes the file durable. Returns the number of rows.
  @discardableResult
  public consuming func finish() throws(FileError) -> Int {
    let rowBytes = UInt64(rowShape.reduce(type.bytes, *))
    let bytes = file.count - headerBytes
    precondition(bytes % rowBytes == 0, "whole rows only")
    let rows = Int(bytes / rowBytes)
    try file.finish(head: NpyHeader(type: type, shape: [rows] + rowShape).bytes())
    return rows
  }
}

/// Little-endian bytes of numbers, for packed rows.
extension [UInt8] {
  public mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
    for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }
}
