import Shards

/// Which fields the accepted samples of a shard have: the different sets, and which of them each sample has.
///
/// Publishing gives every sample the same fields, and has to know before the first one whether they do.
struct FieldSetColumn {
  /// `|u1`, only in shards whose samples differ.
  static let file = "fieldset.npy"
  /// Sets told apart in one shard; a further one counts as the last of these, ``beyond``.
  static let maximumSets = 255
  /// The index of samples whose set is not kept.
  static let beyond = UInt8(maximumSets)

  /// By first occurrence; each sorted.
  private(set) var sets: [[String]] = []
  private var indices: [[String]: UInt8] = [:]
  private var column: [UInt8] = []

  mutating func append(_ fields: [String]) {
    let set = fields.sorted()
    if let known = indices[set] { return column.append(known) }
    guard sets.count < Self.maximumSets else { return column.append(Self.beyond) }
    let index = UInt8(sets.count)
    indices[set] = index
    sets.append(set)
    column.append(index)
  }

  /// Writes the column where there is something to tell; returns its name then.
  consuming func write(to directory: String) throws -> String? {
    guard sets.count > 1 else { return nil }
    var writer = try NpyWriter(path: directory + "/" + Self.file, type: .uint8)
    try writer.append(column)
    try writer.finish()
    return Self.file
  }

  /// The index of each row's set among the manifest's; nil where all rows have the only one.
  static func read(_ columns: String) throws -> [UInt8]? {
    let path = columns + "/" + file
    guard try FileStatus(path: path) != nil else { return nil }
    let reader = try NpyReader(path: path)
    return try reader.rows(0..<reader.rowCount)
  }
}
