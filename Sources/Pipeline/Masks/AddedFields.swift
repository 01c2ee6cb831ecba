import Algebra
import Features
import Shards

/// The fields that published samples get beside their own: masks, and what a basis makes of their thumbnails.
struct AddedFields {
  /// What the fields of one sample depend on.
  struct Row: Sendable {
    var key: [UInt8]
    /// In publish order.
    var position: Int
    /// `|u1 (S, S, 3)` as in the column; empty if no field needs it.
    var thumbnail: [UInt8]
  }

  /// A field as OUT's manifest describes it.
  struct Description: Codable, Equatable {
    var dtype: String
    var shape: [Int]
  }

  private let fields: [Recipe.Publish.Added]
  private let basisFields: BasisFields?
  private var components: MaskDrawer?
  private var patches: MaskDrawer?
  private let workers: Int
  /// The basis's SHA-256, as in its manifest; nil if no field needs one.
  let basis: String?
  /// Samples worked on at a time.
  let blockRows: Int
  /// Bytes of samples held at a time.
  let blockBytes: Int

  /// Whether thumbnails are needed.
  var needsThumbnails: Bool { basisFields != nil }
  /// How masks of components and of patches were drawn.
  var maskManifests: (components: MaskManifest?, patches: MaskManifest?) {
    (
      fields.contains { $0 != .patches && $0 != .coefficients } ? components?.manifest : nil,
      patches?.manifest
    )
  }

  /// True if a field needs `models/pca`.
  static func needBasis(_ fields: [Recipe.Publish.Added]) -> Bool {
    fields.contains(where: Recipe.Publish.Added.ofMask.contains)
  }

  /// Prepares the fields; nil if there are none.
  ///
  /// - Parameter path: `models/pca`.
  /// - Throws: ``PipelineError`` when there is no PCA, or memory cannot hold its basis.
  init?(_ recipe: Recipe, _ fields: [Recipe.Publish.Added], basis path: String) throws {
    let fields = fields.filter { !Recipe.Publish.Added.stored.contains($0) }
    guard !fields.isEmpty else { return nil }
    self.fields = fields
    let memory = try MemoryPlan(recipe.limits)
    workers = memory.workers
    patches = try fields.contains(.patches) ? MaskDrawer(recipe.features.patches ?? .init(), epoch: 0) : nil
    let mask = recipe.features.pca?.mask ?? Recipe.Mask()
    var basisFields: BasisFields?
    var sha256: String?
    if Self.needBasis(fields) {
      guard let manifest = try PCAFiles.manifest(path) else {
        throw PipelineError(.usage, "publish.add: a mask needs a PCA; run `tamis fit` first")
      }
      sha256 = manifest.basisSHA256
      let reader = try NpyReader(path: path + "/eigenvalues_ratio.npy")
      components = try MaskDrawer(
        mask, ratios: try reader.floats(0..<reader.rowCount), epoch: 0, basis: manifest.basisSHA256)
      if fields.contains(where: { [.coefficients, .visible, .target].contains($0) }) {
        try Self.checkMemory(manifest, recipe.limits)
        basisFields = BasisFields(try PCAFiles.read(path), mask, fields: fields)
      }
    }
    basis = sha256
    self.basisFields = basisFields
    blockBytes = memory.window / 8
    blockRows =
      basisFields.map { max(1, min(64 * memory.workers, memory.window / 8 / $0.rowBytes)) } ?? 1
  }

  /// Refuses a basis that takes more than half of `limits.memory`.
  static func checkMemory(_ manifest: PCAManifest, _ limits: Recipe.Limits) throws(PipelineError) {
    let bytes = manifest.files.reduce(0) { $0 + Int($1.value.bytes) }
    guard bytes <= limits.memory / 2 else {
      throw PipelineError(
        .usage,
        "limits.memory: fields computed with a basis of \(ByteSize.text(bytes)) need "
          + "\(ByteSize.needed(2 * bytes)), the limit is \(ByteSize.text(limits.memory))")
    }
  }

  /// Names, dtypes and shapes of computed and stored fields together.
  static func all(_ computed: AddedFields?, _ stored: [String: Description]) -> [String: Description] {
    (computed?.descriptions ?? [:]).merging(stored) { first, _ in first }
  }

  /// Names, dtypes and shapes, for OUT's manifest.
  var descriptions: [String: Description] {
    Dictionary(
      uniqueKeysWithValues: fields.map { field in
        let (type, shape) = form(field)
        return (Self.name(field), Description(dtype: type.code, shape: shape))
      })
  }

  /// The longest name of an added field, in bytes.
  var longestName: Int { fields.map { Self.name($0).utf8.count }.max() ?? 0 }

  /// The name of a field inside a sample.
  static func name(_ field: Recipe.Publish.Added) -> String {
    (field == .ratio ? "mask_ratio" : field.rawValue) + ".npy"
  }

  private func form(_ field: Recipe.Publish.Added) -> (NpyType, [Int]) {
    switch field {
    case .mask: (.uint8, [components!.byteCount])
    case .patches: (.uint8, [patches!.byteCount])
    case .ratio: (.float32, [2])
    default: (basisFields!.type, basisFields!.shape(field))
    }
  }

  /// The fields of some samples, on all workers; the bits do not depend on how samples are put together.
  mutating func compute(_ rows: [Row]) -> [[OutputField]] {
    let masks = rows.map { row in components?.mask(key: row.key[...], position: row.position) }
    let patchMasks = rows.map { row in patches?.mask(key: row.key[...], position: row.position).bits }
    let values = basisValues(rows, masks.map { $0?.bits ?? [] })
    let basisNames = fields.filter { [.coefficients, .visible, .target].contains($0) }
    return rows.indices.map { row in
      fields.map { field in
        let bytes: [UInt8] =
          switch field {
          case .mask: masks[row]!.bits
          case .ratio: NpyFile.bytes(of: [masks[row]!.draw.drawn, masks[row]!.draw.realised])
          case .patches: patchMasks[row]!
          default: values[row][basisNames.firstIndex(of: field)!]
          }
        let (type, shape) = form(field)
        return OutputField(
          name: Self.name(field), bytes: (NpyHeader(type: type, shape: shape).bytes() + bytes)[...])
      }
    }
  }

  /// For each row, the bytes of each field that the basis makes.
  private func basisValues(_ rows: [Row], _ masks: [[UInt8]]) -> [[[UInt8]]] {
    guard let basisFields else { return rows.map { _ in [] } }
    // Whole groups of 16 rows, the width of a `LaneProduct`.
    let share = (rows.count + workers - 1) / workers
    let step = max(16, (share + 15) / 16 * 16)
    let starts = Array(stride(from: 0, to: rows.count, by: step))
    let parts = parallelMap(starts.count, threads: workers, scratch: {}) { index, _ in
      let part = starts[index]..<min(starts[index] + step, rows.count)
      let images = rows[part].flatMap(\.thumbnail)
      let planar = PixelLayout.planar(images.span, pixels: basisFields.basis.features / 3)
      let values = basisFields.values(planar.span, masks: Array(masks[part].joined()))
      return part.indices.map { row in
        values.map { bytes in
          let size = bytes.count / part.count
          let first = (row - part.lowerBound) * size
          return Array(bytes[first..<(first + size)])
        }
      }
    }
    return parts.flatMap { $0 }
  }
}
