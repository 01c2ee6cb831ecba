import Shards

/// Random access to kept samples, for orders other than the input's: their bytes are written to one temporary
/// file in input order and read back by offset. Memory is one table entry a sample.
struct SampleSpool: ~Copyable {
  private let path: String
  private let file: File
  private var writer: BufferedFile?
  private var extents: [KeptSamples.Row: (offset: UInt64, count: Int)] = [:]
  private var end: UInt64 = 0

  init(path: String) throws {
    let file = try File(path: path, .create)
    let output = try File(path: path, .create)
    writer = BufferedFile(output)
    self.file = file
    self.path = path
  }

  deinit { try? Directory.remove(path) }

  /// Adds a sample.
  mutating func add(_ sample: PublishedSample, at row: KeptSamples.Row) throws {
    let bytes = sample.serialized()
    try writer!.write(bytes[...])
    extents[row] = (end, bytes.count)
    end += UInt64(bytes.count)
  }

  /// Ends the writing.
  mutating func seal() throws {
    if let writer = writer.take() { try writer.finish(syncing: false) }
  }

  /// Reads one sample back.
  func sample(at row: KeptSamples.Row) throws -> PublishedSample {
    guard let extent = extents[row] else {
      throw PipelineError(.internalError, "row \(row.row) of shard \(row.shard) was not spooled")
    }
    return PublishedSample(serialized: try file.read(at: extent.offset, count: extent.count))
  }
}
