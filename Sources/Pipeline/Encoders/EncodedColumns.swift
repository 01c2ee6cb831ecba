import Shards

/// The columns that ingest's models fill: `image.npy`, and `joint.npy` where there is a space of captions; `<f2` unit
/// rows.
struct EncodedColumns: ~Copyable {
  private var image: NpyWriter
  private var joint: NpyWriter?
  private let imageID: String

  init(_ directory: String, _ encoders: SampleEncoders) throws {
    let image = try NpyWriter(
      path: directory + "image.npy", type: .float16, rowShape: [encoders.dimension])
    let joint = try encoders.jointDimension.map {
      try NpyWriter(path: directory + "joint.npy", type: .float16, rowShape: [$0])
    }
    imageID = encoders.imageID
    self.image = image
    self.joint = joint
  }

  mutating func append(_ rows: EncodedRows) throws {
    try image.append(NpyFile.bytes(of: rows.image.map { Float16($0) }))
    if let row = rows.joint { try joint?.append(NpyFile.bytes(of: row.map { Float16($0) })) }
  }

  /// - Returns: the files, and what made them.
  consuming func finish() throws -> (files: [String], encoders: [String: String]) {
    try image.finish()
    guard let writer = joint.take() else { return (["image.npy"], ["image": imageID]) }
    try writer.finish()
    return (["image.npy", "joint.npy"], ["image": imageID, "joint": imageID])
  }
}
