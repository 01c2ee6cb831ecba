import Algebra
import Features
import Shards

/// The coefficients, visible images and targets of the rows of an array, block by block, as arrays beside the masks.
struct MaskedRows: ~Copyable {
  private let reader: NpyReader
  private let fields: BasisFields
  private let names: [Recipe.Publish.Added]
  private let workers: Int
  private var writers: [Writer] = []

  /// Rows worked on at a time.
  let blockRows: Int
  /// Rows of the array.
  var count: Int { reader.rowCount }

  /// An open array, held in an `Array`.
  private final class Writer {
    var writer: NpyWriter?
    init(_ writer: consuming NpyWriter) { self.writer = .some(consume writer) }
  }

  /// nil if the request is for masks only.
  ///
  /// - Throws: ``PipelineError`` or ``NpyError`` when basis and rows do not fit, or memory cannot hold the basis.
  init?(_ request: ArrayMasks.Request) throws {
    guard case .components(let pca, let mask) = request.kind, !request.emit.isEmpty else { return nil }
    guard let path = request.pixels else { throw PipelineError(.usage, "--emit needs --pixels") }
    guard let manifest = try PCAFiles.manifest(pca) else {
      throw PipelineError(.usage, "\(pca): no PCA there (manifest.json is missing or broken)")
    }
    let reader = try ArrayFiles.open(path)
    try AddedFields.checkMemory(manifest, request.limits)
    let memory = try MemoryPlan(request.limits)
    let names = Recipe.Publish.Added.allCases.filter(request.emit.contains)
    let fields = BasisFields(try PCAFiles.read(pca), mask, fields: names)
    let isImage = reader.shape.count == 4 && reader.shape[3] == 3 && reader.type == .uint8
    guard isImage || reader.shape.count == 2, reader.rowItems == fields.basis.features else {
      throw NpyError(
        path: path,
        "the shape is \(reader.shape); (n, \(fields.basis.features)), or images of that size, are wanted")
    }
    if isImage, let shape = fields.basis.shape, [shape.height, shape.width] != Array(reader.shape[1...2]) {
      throw NpyError(path: path, "the images are not the \(shape.height) x \(shape.width) of the basis")
    }
    self.reader = reader
    self.fields = fields
    self.names = names
    workers = memory.workers
    blockRows = max(1, min(64 * memory.workers, memory.window / 8 / fields.rowBytes))
  }

  private static func path(_ stem: String, _ name: Recipe.Publish.Added) -> String {
    stem + "." + name.rawValue + ".npy"
  }

  /// Computes some rows on all workers and appends them.
  mutating func write(_ range: Range<Int>, masks: [UInt8], to stem: String) throws {
    if writers.isEmpty {
      for name in names {
        let path = ArrayMasks.temporary(Self.path(stem, name))
        writers.append(
          Writer(try NpyWriter(path: path, type: fields.type, rowShape: fields.shape(name))))
      }
    }
    let width = reader.rowItems
    let (isImage, isByte) = (reader.shape.count == 4, reader.type == .uint8)
    let bytes = isByte ? try reader.rows(range) : []
    let floats = isByte ? [] : try reader.floats(range)
    let step = max(16, ((range.count + workers - 1) / workers + 15) / 16 * 16)
    let starts = Array(stride(from: 0, to: range.count, by: step))
    let maskBytes = fields.basis.maskBytes
    let fields = fields
    let parts = parallelMap(starts.count, threads: workers, scratch: {}) { index, _ in
      let part = starts[index]..<min(starts[index] + step, range.count)
      let items = (part.lowerBound * width)..<(part.upperBound * width)
      let some = Array(masks[(part.lowerBound * maskBytes)..<(part.upperBound * maskBytes)])
      guard isByte else {
        let values = Array(floats[items])
        return fields.values(rows: fields.basis.standardized(values.span), masks: some)
      }
      let stored = Array(bytes[items])
      let images = isImage ? PixelLayout.planar(stored.span, pixels: width / 3) : stored
      return fields.values(images.span, masks: some)
    }
    for part in parts {
      for (writer, values) in zip(writers, part) { try writer.writer!.append(values) }
    }
  }

  /// Gives the arrays their names.
  mutating func finish(_ stem: String) throws {
    for (name, writer) in zip(names, writers) {
      if let writer = writer.writer.take() { try writer.finish() }
      try Directory.rename(ArrayMasks.temporary(Self.path(stem, name)), to: Self.path(stem, name))
    }
  }
}
