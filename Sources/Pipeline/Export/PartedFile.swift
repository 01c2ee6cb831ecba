import Shards

/// How the rows of a folder fall into numbered parts.
struct ExportParts {
  let rows: Int
  /// Most rows of a part.
  let perPart: Int

  /// At least one, which may be empty.
  var count: Int { max(1, (rows + perPart - 1) / perPart) }

  /// The number of a part, with zeros to the width of `count`, as clip-retrieval has them.
  func number(_ part: Int) -> String {
    let digits = String(part)
    return String(repeating: "0", count: String(count).count - digits.count) + digits
  }
}

/// Rows into `<directory>/<name>_<number><ending>`, one part after the other. Rows and files are as long as the
/// caller makes them; memory is the buffer of one file.
struct PartedFile: ~Copyable {
  private let parts: ExportParts
  private let stem: String
  private let ending: String
  /// The first bytes of a file of so many rows, equally long for any number.
  private let head: ((Int) -> [UInt8])?
  private var file: BufferedFile?
  private var part = 0
  /// Rows of the open part.
  private var filled = 0

  init(
    _ parts: ExportParts, _ directory: String, _ name: String, _ ending: String,
    head: ((Int) -> [UInt8])? = nil
  ) throws {
    self.parts = parts
    stem = directory + "/" + name + "_"
    self.ending = ending
    self.head = head
    try Directory.create(directory)
    try open()
  }

  private mutating func open() throws {
    var opened = BufferedFile(try File(path: stem + parts.number(part) + ending, .create))
    if let head { try opened.write(head(0)[...]) }
    file = consume opened
  }

  private mutating func close() throws {
    if let finished = file.take() { try finished.finish(head: head?(filled)) }
  }

  /// Adds one row.
  mutating func append(_ row: ArraySlice<UInt8>) throws {
    if filled == parts.perPart {
      try close()
      (part, filled) = (part + 1, 0)
      try open()
    }
    try file!.write(row)
    filled += 1
  }

  /// Makes all of it durable.
  mutating func finish() throws {
    try close()
    try Directory.sync(Directory.parent(of: stem + ending))
  }
}
