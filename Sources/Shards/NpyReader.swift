/// Reads an array from a `.npy` file in blocks of rows; nothing is mapped, nothing unpickled.
///
/// A row is everything under one index of the first axis. Versions 1 to 3, both byte orders and, for two axes,
/// Fortran order are accepted; rows come out little-endian and in C order whatever the file has. Reads are
/// positioned, so a reader may be shared by threads.
public struct NpyReader: ~Copyable, Sendable {
  /// Longest header accepted, in bytes.
  public static let maximumHeaderBytes = 64 << 10

  private let file: File
  private let dataOffset: UInt64
  public let path: String
  /// Type, shape and order as stored.
  public let header: NpyHeader
  /// Bytes of one row.
  public let rowBytes: Int

  public var type: NpyType { header.type }
  public var shape: [Int] { header.shape }
  /// Length of the first axis.
  public var rowCount: Int { header.shape[0] }
  /// Items in one row: the product of the other axes.
  public var rowItems: Int { rowBytes / type.bytes }

  /// Opens an array and checks that the file holds exactly what its header announces.
  public init(path: String) throws(NpyError) {
    let file = try Self.open(path)
    let size: UInt64
    let start: [UInt8]
    do {
      size = try file.status().size
      start = try file.read(at: 0, count: 12 + Self.maximumHeaderBytes)
    } catch { throw NpyError(path: path, error) }
    let header: NpyHeader
    let dataOffset: UInt64
    let rowBytes: Int
    do {
      (header, dataOffset) = try Self.parse(start)
      rowBytes = try Self.check(header, against: size - min(size, dataOffset))
    } catch { throw NpyError(path: path, error.message) }
    self.file = file
    self.path = path
    self.header = header
    self.dataOffset = dataOffset
    self.rowBytes = rowBytes
  }

  private static func open(_ path: String) throws(NpyError) -> File {
    do {
      // A FIFO would block the open.
      if try FileStatus(path: path)?.isRegular != false { return try File(path: path, .read) }
    } catch { throw NpyError(path: path, error) }
    throw NpyError(path: path, "not a regular file")
  }

  /// The header and the offset of what follows it.
  static func parse(_ start: [UInt8]) throws(NpyHeaderParser.Failure) -> (NpyHeader, UInt64) {
    if start.starts(with: Array("PK".utf8)) { throw .init(message: "an .npz archive, not a .npy array") }
    guard start.starts(with: [0x93] + Array("NUMPY".utf8)), start.count >= 10 else {
      throw .init(message: "not a .npy file")
    }
    let version = start[6]
    guard (1...3).contains(version), start[7] == 0 else {
      throw .init(message: ".npy version \(version).\(start[7]) is not supported")
    }
    let lengthBytes = version == 1 ? 2 : 4
    let length = start[8...].prefix(lengthBytes).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= maximumHeaderBytes else {
      throw .init(message: "a header of \(length) bytes, the limit is \(maximumHeaderBytes)")
    }
    let text = start.dropFirst(8 + lengthBytes).prefix(length)
    guard text.count == length else { throw .init(message: "truncated: the file ends inside the header") }
    return (try NpyHeaderParser.parse(text), UInt64(8 + lengthBytes + length))
  }

  /// The header of an array in memory, and what follows it; nil if it is none, or has an unusually long header.
  public static func split(_ bytes: ArraySlice<UInt8>) -> (header: NpyHeader, values: ArraySlice<UInt8>)? {
    guard let (header, offset) = try? parse(Array(bytes.prefix(1024))) else { return nil }
    return (header, bytes.dropFirst(Int(offset)))
  }

  /// Bytes of one row, once shape × item size is known to be what the file has left.
  static func check(
    _ header: NpyHeader, against available: UInt64
  ) throws(NpyHeaderParser.Failure) -> Int {
    let shape = "(" + header.shape.map(String.init).joined(separator: ", ") + ")"
    guard let rows = header.shape.first else { throw .init(message: "a scalar, not an array") }
    if header.fortranOrder, header.shape.count > 2 {
      throw .init(message: "Fortran order is read for one or two axes only, the shape is \(shape)")
    }
    var rowBytes = header.type.bytes
    var overflow = false
    for axis in header.shape.dropFirst() where !overflow {
      (rowBytes, overflow) = rowBytes.multipliedReportingOverflow(by: axis)
    }
    let (total, tooLarge) = rowBytes.multipliedReportingOverflow(by: rows)
    guard !overflow, !tooLarge else { throw .init(message: "impossible shape \(shape)") }
    guard UInt64(total) == available else {
      let fault = UInt64(total) > available ? "truncated" : "too long"
      throw .init(message: "\(fault): the shape \(shape) needs \(total) bytes, the file has \(available)")
    }
    guard rowBytes > 0 || rows == 0 else { throw .init(message: "the rows of the shape \(shape) are empty") }
    return rowBytes
  }

  /// The bytes of some rows, little-endian and in C order.
  ///
  /// - Precondition: `range` lies within `0..<rowCount`.
  public func rows(_ range: Range<Int>) throws(NpyError) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "rows out of range")
    // Rows may be of any announced length where there are none.
    if range.isEmpty { return [] }
    var bytes =
      header.fortranOrder && shape.count == 2
      ? try fortranRows(range) : try read(range.count * rowBytes, at: range.lowerBound * rowBytes)
    if header.bigEndian { Self.swapBytes(of: &bytes, width: type.bytes) }
    return bytes
  }

  /// Whether rows lie in the file just as ``rows(_:)`` gives them.
  public var isPlain: Bool {
    !header.bigEndian && !(header.fortranOrder && shape.count == 2)
  }

  /// The bytes of some rows, copied to `target`, which is exactly as long.
  ///
  /// - Precondition: ``isPlain``, and `range` lies within `0..<rowCount`.
  public func read(_ range: Range<Int>, into target: inout MutableRawSpan) throws(NpyError) {
    precondition(isPlain && range.lowerBound >= 0 && range.upperBound <= rowCount, "rows out of range")
    precondition(target.byteCount == range.count * rowBytes)
    let filled: Int
    do { filled = try file.read(at: dataOffset + UInt64(range.lowerBound * rowBytes), into: &target) } catch {
      throw NpyError(path: path, error)
    }
    guard filled == target.byteCount else { throw shortened() }
  }

  private func shortened() -> NpyError {
    NpyError(path: path, "the file became shorter while it was read")
  }

  /// Gathers rows whose columns are stored one after another.
  private func fortranRows(_ range: Range<Int>) throws(NpyError) -> [UInt8] {
    let item = type.bytes
    var rows = [UInt8](repeating: 0, count: range.count * rowBytes)
    for column in 0..<rowItems {
      let part = try read(range.count * item, at: (column * rowCount + range.lowerBound) * item)
      for row in 0..<range.count {
        for byte in 0..<item { rows[row * rowBytes + column * item + byte] = part[row * item + byte] }
      }
    }
    return rows
  }

  private func read(_ count: Int, at offset: Int) throws(NpyError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = try file.read(at: dataOffset + UInt64(offset), count: count) } catch {
      throw NpyError(path: path, error)
    }
    guard bytes.count == count else { throw shortened() }
    return bytes
  }

  static func swapBytes(of bytes: inout [UInt8], width: Int) {
    for start in stride(from: 0, to: bytes.count, by: width) {
      for index in 0..<(width / 2) { bytes.swapAt(start + index, start + width - 1 - index) }
    }
  }
}
