import Shards

/// The columns that ingest's models fill: `image.npy`, `joint.npy`, `text.npy`, as far as the recipe has models for
/// them; `<f2` unit rows.
struct EncodedColumns: ~Copyable {
  private var image: NpyWriter?
  private var joint: NpyWriter?
  private var text: NpyWriter?
  private let ids: [String: String]

  init(_ directory: String, _ encoders: SampleEncoders) throws {
    let dimensions = encoders.dimensions
    let image = try Self.writer("image", directory, dimensions)
    let joint = try Self.writer("joint", directory, dimensions)
    let text = try Self.writer("text", directory, dimensions)
    ids = encoders.ids
    self.image = image
    self.joint = joint
    self.text = text
  }

  private static func writer(
    _ column: String, _ directory: String, _ dimensions: [String: Int]
  ) throws -> NpyWriter? {
    guard let dimension = dimensions[column] else { return nil }
    return try NpyWriter(path: directory + column + ".npy", type: .float16, rowShape: [dimension])
  }

  mutating func append(_ rows: EncodedRows) throws {
    if let row = rows.image { try image?.append(Self.stored(row)) }
    if let row = rows.joint { try joint?.append(Self.stored(row)) }
    if let row = rows.text { try text?.append(Self.stored(row)) }
  }

  private static func stored(_ row: [Float]) -> [UInt8] { NpyFile.bytes(of: row.map { Float16($0) }) }

  /// - Returns: the files, and what made them by column.
  consuming func finish() throws -> (files: [String], encoders: [String: String]) {
    var files: [String] = []
    if let writer = image.take() {
      try writer.finish()
      files.append("image.npy")
    }
    if let writer = joint.take() {
      try writer.finish()
      files.append("joint.npy")
    }
    if let writer = text.take() {
      try writer.finish()
      files.append("text.npy")
    }
    return (files, ids)
  }
}
