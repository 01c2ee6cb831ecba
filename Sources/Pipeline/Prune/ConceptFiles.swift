import Algebra
import Prune
import Shards

/// `manifest.json` of `models/concepts` and `models/dedup`.
struct ConceptManifest: Codable, Equatable {
  var tamis = tamisVersion
  /// Of the prune stage that fitted it.
  var key: String
  var clusters: Int
  var dimension: Int
  /// `hard`, `easy`, `random`: what the thresholds mean.
  var rule: String
  var seed: UInt64
  /// A row is a duplicate above this similarity; nil without a dedup stage.
  var duplicateAbove: Double?
  /// The encoder whose rows the centroids live among.
  var encoder: String
  var openblasKernel: String
  /// What was seen when the concepts were fitted.
  var diagnostics: ConceptDiagnostics?
  /// The arrays beside it.
  var files: [String: ColumnManifest.FileEntry]?

  enum CodingKeys: String, CodingKey {
    case tamis, key, clusters, dimension, rule, seed, encoder, diagnostics, files
    case duplicateAbove = "duplicate_above"
    case openblasKernel = "openblas_kernel"
  }
}

/// The files of `models/concepts` and `models/dedup`.
enum ConceptFiles {
  static func write(_ model: ConceptModel, _ manifest: ConceptManifest, to path: String) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    try write(model.centroids, to: base + "centroids.npy")
    try NpyFile.write(model.size.map { Int64($0) }, to: base + "size.npy")
    try NpyFile.write(model.dIntra, to: base + "d_intra.npy")
    try NpyFile.write(model.dInter, to: base + "d_inter.npy")
    try NpyFile.write(model.complexity, to: base + "complexity.npy")
    try NpyFile.write(model.target, to: base + "target.npy")
    try NpyFile.write(model.quota.map { Int64($0) }, to: base + "quota.npy")
    try NpyFile.write(model.threshold, to: base + "threshold.npy")
    if let drift = model.drift {
      try NpyFile.write(
        drift.distances + drift.fitted, shape: [2, drift.distances.count],
        to: base + "drift_distances.npy")
      try NpyFile.write(drift.counts.map { Int64($0) }, to: base + "drift_counts.npy")
    }
    var manifest = manifest
    manifest.diagnostics = model.diagnostics
    try commit(directory, manifest)
  }

  /// Writes `models/dedup`.
  static func write(dedup centroids: EmbeddingMatrix, _ manifest: ConceptManifest, to path: String) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    try write(centroids, to: directory.temporary + "/centroids.npy")
    try commit(directory, manifest)
  }

  private static func commit(_ directory: consuming AtomicDirectory, _ manifest: ConceptManifest) throws {
    var manifest = manifest
    var files: [String: ColumnManifest.FileEntry] = [:]
    for name in try Directory.names(in: directory.temporary) ?? [] {
      files[name] = try ColumnManifest.FileEntry(path: directory.temporary + "/" + name)
    }
    manifest.files = files
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  private static func write(_ matrix: EmbeddingMatrix, to path: String) throws {
    try NpyFile.write(
      (0..<matrix.rows).flatMap { matrix.row($0) }, shape: [matrix.rows, matrix.dimension], to: path)
  }

  static func manifest(_ path: String) throws -> ConceptManifest? {
    guard let bytes = try readFile(path + "/manifest.json") else { return nil }
    return try? JSON.decode(ConceptManifest.self, from: bytes)
  }

  /// Reads `models/concepts` back; nil if there is none.
  static func read(_ path: String) throws -> ConceptModel? {
    guard try FileStatus(path: path + "/manifest.json") != nil else { return nil }
    func array(_ name: String) throws -> NpyReader { try NpyReader(path: path + "/" + name) }
    let size = try array("size.npy").vector(of: Int64.self).map { Int($0) }
    return ConceptModel(
      centroids: try EmbeddingFile.read(path + "/centroids.npy"),
      size: size,
      dIntra: try array("d_intra.npy").doubles(), dInter: try array("d_inter.npy").doubles(),
      complexity: try array("complexity.npy").doubles(), target: try array("target.npy").doubles(),
      quota: try array("quota.npy").vector(of: Int64.self).map { Int($0) },
      threshold: try array("threshold.npy").vector(of: Float.self), drift: try drift(path, sizes: size))
  }

  /// What drift is measured against; nil in models of before it was.
  private static func drift(_ path: String, sizes: [Int]) throws -> DriftReference? {
    guard try FileStatus(path: path + "/drift_distances.npy") != nil else { return nil }
    let reader = try NpyReader(path: path + "/drift_distances.npy")
    let counts = try NpyReader(path: path + "/drift_counts.npy").vector(of: Int64.self).map { Int($0) }
    guard reader.shape.count == 2, reader.rowCount == 2, counts.count == sizes.count else {
      throw NpyError(path: reader.path, "does not fit the other arrays of the model")
    }
    return DriftReference(
      distances: try reader.floats(0..<1), fitted: try reader.floats(1..<2), counts: counts, sizes: sizes)
  }
}

/// Embedding arrays: `(n, d)` of `<f2` or `<f4`, kept as they are stored; `<f8` is rounded to Float32.
enum EmbeddingFile {
  static func read(_ path: String) throws -> EmbeddingMatrix {
    let reader = try NpyReader(path: path)
    try check(reader)
    let all = 0..<reader.rowCount
    return reader.type == .float16
      ? EmbeddingMatrix(try reader.rows(all, as: Float16.self), dimension: reader.shape[1])
      : EmbeddingMatrix(try reader.floats(all), dimension: reader.shape[1])
  }

  /// That an array can be embeddings: two axes, floats.
  static func check(_ reader: borrowing NpyReader) throws(NpyError) {
    try check(reader.header, path: reader.path)
  }

  /// The same of a header.
  static func check(_ header: NpyHeader, path: String) throws(NpyError) {
    guard header.shape.count == 2 else {
      throw NpyError(
        path: path, "the shape is \(header.shape), embeddings have two axes (rows, dimension)")
    }
    guard [.float16, .float32, .float64].contains(header.type) else {
      throw NpyError(
        path: path, "the dtype is '\(header.type.code)', embeddings are '<f2', '<f4' or '<f8'")
    }
    guard header.shape[1] > 0 else { throw NpyError(path: path, "rows without values") }
  }
}
