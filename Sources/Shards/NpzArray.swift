/// An array in an `.npz` archive (a zip of `.npy` members, stored or deflated), read from its first value to its last.
///
/// Deflated data has no positions, so there is one way through it, in blocks: what is held is two buffers and a block,
/// whatever the archive claims. Headers are accepted as by ``NpyReader``. Who has read the last value knows that the
/// CRC was right.
public struct NpzArray: ~Copyable {
  private let member: ZipMember
  /// Data that was read together with the header.
  private var start: ArraySlice<UInt8>
  /// Bytes of data still to come.
  private var left: Int
  /// The path of the archive, a colon, and the name of the array.
  public let path: String
  /// Type, shape and order as stored.
  public let header: NpyHeader
  /// Bytes of one row.
  public let rowBytes: Int

  private static let blockBytes = 1 << 20

  /// Length of the first axis.
  public var rowCount: Int { header.shape[0] }
  /// True where the columns of two axes are stored one after another.
  public var isColumnMajor: Bool { header.fortranOrder && header.shape.count == 2 }

  /// Opens the array `name` (with or without `.npy`); without a name the only one there is.
  ///
  /// - Throws: ``NpyError`` for whatever is wrong with the archive, the member or its header.
  public init(path: String, name: String?) throws(NpyError) {
    let member = try naming(path) { try ZipMember(path: path) { try Self.choose($0, name) } }
    let shown = path + ":" + printable(Self.name(of: member.entry).utf8, limit: 80)
    let first = min(member.remaining, UInt64(12 + NpyReader.maximumHeaderBytes))
    let bytes = try naming(shown) { try member.read(Int(first)) }
    let (header, dataOffset, rowBytes) = try naming(shown) {
      let (header, offset) = try NpyReader.parse(bytes)
      let size = member.entry.size
      return (header, offset, try NpyReader.check(header, against: size - min(size, offset)))
    }
    self.member = member
    (self.path, self.header, self.rowBytes) = (shown, header, rowBytes)
    start = bytes.dropFirst(Int(dataOffset))
    left = rowBytes * header.shape[0]
  }

  /// The names of the arrays in an archive, in its order.
  public static func names(in path: String) throws(NpyError) -> [String] {
    try naming(path) { try ZipArchive(File.regular(path)).entries.filter(isArray).map(name(of:)) }
  }

  /// Whether a file begins as archives do.
  public static func isArchive(_ path: String) throws(NpyError) -> Bool {
    try naming(path) { try File.regular(path).read(at: 0, count: 2) == Array("PK".utf8) }
  }

  private static func isArray(_ entry: ZipArchive.Entry) -> Bool { entry.name.hasSuffix(".npy") }

  private static func name(of entry: ZipArchive.Entry) -> String {
    isArray(entry) ? String(entry.name.dropLast(4)) : entry.name
  }

  private static func choose(_ entries: [ZipArchive.Entry], _ wanted: String?) throws -> ZipArchive.Entry {
    let arrays = entries.filter(isArray)
    let list = arrays.prefix(20).map { printable(name(of: $0).utf8, limit: 40) }.joined(separator: ", ")
    let there = "it holds " + (list.isEmpty ? "no array" : list + (arrays.count > 20 ? ", ..." : ""))
    guard let wanted else {
      if arrays.count == 1 { return arrays[0] }
      throw ZipArchive.Failure(
        message: arrays.isEmpty ? "an .npz archive without arrays" : "which array? \(there); add :NAME")
    }
    guard let entry = arrays.first(where: { $0.name == wanted || name(of: $0) == wanted }) else {
      throw ZipArchive.Failure(message: "no array '\(printable(wanted.utf8, limit: 80))': \(there)")
    }
    return entry
  }

  /// The next rows, little-endian; nil behind the last one.
  ///
  /// - Parameter limit: bytes that a block may have; a row may be larger.
  /// - Precondition: the array is not column-major.
  public mutating func nextRows(atMost limit: Int = 1 << 20) throws(NpyError) -> [UInt8]? {
    precondition(!isColumnMajor, "columns come one after another")
    guard left > 0 else { return nil }
    return try next(min(left, max(1, limit / rowBytes) * rowBytes))
  }

  /// All rows, little-endian and in C order. Takes the memory of the array once.
  public consuming func allRows() throws(NpyError) -> [UInt8] {
    var rows: [UInt8] = []
    guard isColumnMajor else {
      while let block = try nextRows() { rows += block }
      return rows
    }
    let (item, rowBytes, count) = (header.type.bytes, rowBytes, rowCount)
    let columns = count > 0 ? rowBytes / item : 0
    for column in 0..<columns {
      let values = try next(count * item)
      // Not before the first column is there: only then is the claim more than a claim.
      if column == 0 { rows = [UInt8](repeating: 0, count: count * rowBytes) }
      for row in 0..<count {
        for byte in 0..<item { rows[row * rowBytes + column * item + byte] = values[row * item + byte] }
      }
    }
    return rows
  }

  /// Writes the array as a `.npy` file, little-endian, its axes in the order they have here. Not synced: it can be made
  /// again.
  public consuming func unpack(to output: String) throws {
    var plain = NpyHeader(type: header.type, shape: header.shape)
    plain.fortranOrder = header.fortranOrder
    let file = try File(path: output, .create)
    try file.write(plain.bytes())
    while left > 0 {
      try file.write(try next(min(left, Self.blockBytes / header.type.bytes * header.type.bytes)))
    }
  }

  /// Exactly the next bytes of data: whole items.
  private mutating func next(_ count: Int) throws(NpyError) -> [UInt8] {
    var bytes = Array(start.prefix(count))
    start = start.dropFirst(count)
    if bytes.count < count {
      let (member, rest) = (member, count - bytes.count)
      bytes += try naming(path) { try member.read(rest) }
    }
    left -= count
    if header.bigEndian { NpyReader.swapBytes(of: &bytes, width: header.type.bytes) }
    return bytes
  }
}

/// Runs `body`; what it throws gets the name of the array.
private func naming<Value>(_ path: String, _ body: () throws -> Value) throws(NpyError) -> Value {
  do { return try body() } catch let error as ZipArchive.Failure {
    throw NpyError(path: path, error.message)
  } catch let error as NpyHeaderParser.Failure {
    throw NpyError(path: path, error.message)
  } catch let error as NpyError {
    throw error
  } catch let error as FileError {
    throw NpyError(path: path, error)
  } catch let error as DecompressionError {
    throw NpyError(path: path, error.message)
  } catch {
    throw NpyError(path: path, "\(error)")
  }
}
