import Algebra
import Shards

/// `models/pca`: the files a PMAE trainer opens unchanged (spec/masking.md 3.1), and a richer manifest (3.2).
struct PCAManifest: Codable, Equatable {
  struct Layout: Codable, Equatable {
    var channels: Int
    var height: Int
    var width: Int
    /// How features are flattened: i = (c·H + y)·W + x.
    var order = "CHW-RGB"
  }

  var tamis = tamisVersion
  /// Hash of the recipe part and of the thumbnails; the models are current when it is equal.
  var key: String
  /// Samples N.
  var samples: Int
  /// Features D.
  var features: Int
  /// Components L.
  var components: Int
  /// nil for `(n, D)` input.
  var layout: Layout?
  /// What input values were multiplied with.
  var scale: String
  var standardize: String
  var deviationFloor = PCABasis.deviationFloor
  var floored: [Int]
  var totalVariance: Double
  /// Share of the total that the components hold.
  var capturedRatio: Double
  var basis = "full"
  var solver = "LAPACK dsyevd, Float64, 2 threads"
  var signRule = "largest magnitude of each row positive, first on ties"
  var openblasKernel: String
  var files: [String: ColumnManifest.FileEntry]

  enum CodingKeys: String, CodingKey {
    case tamis, key, samples, features, components, layout, scale, standardize, floored, basis, solver, files
    case deviationFloor = "deviation_floor"
    case totalVariance = "total_variance"
    case capturedRatio = "captured_ratio"
    case signRule = "sign_rule"
    case openblasKernel = "openblas_kernel"
  }
}

enum PCAFiles {
  static let names = [
    "pc_matrix.npy", "eigenvalues.npy", "eigenvalues_ratio.npy", "mean_reshaped.npy", "std_reshaped.npy",
  ]

  /// Writes a directory of basis files, by one rename.
  ///
  /// - Parameter shape: of the mean and deviation: `[3, S, S]`, or `[D]`.
  static func write(
    _ basis: PCABasis, shape: [Int], scale: String, key: String, to path: String
  ) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    try NpyFile.write(basis.components, shape: [basis.componentCount, basis.features], to: base + names[0])
    try NpyFile.write(basis.eigenvalues, to: base + names[1])
    try NpyFile.write(basis.ratios, to: base + names[2])
    try NpyFile.write(basis.mean, shape: shape, to: base + names[3])
    try NpyFile.write(basis.deviation, shape: shape, to: base + names[4])
    var files: [String: ColumnManifest.FileEntry] = [:]
    for name in names { files[name] = try .init(path: base + name) }
    let manifest = PCAManifest(
      key: key, samples: basis.count, features: basis.features, components: basis.componentCount,
      layout: shape.count == 3 ? .init(channels: shape[0], height: shape[1], width: shape[2]) : nil,
      scale: scale,
      standardize: basis.standardization.rawValue, floored: basis.floored, totalVariance: basis.totalVariance,
      capturedRatio: basis.ratios.reduce(0) { $0 + Double($1) }, openblasKernel: OpenBLAS.coreName,
      files: files)
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// The manifest of a directory of basis files; nil if there is none.
  static func manifest(_ path: String) throws -> PCAManifest? {
    guard let bytes = try readFile(path + "/manifest.json") else { return nil }
    return try? JSON.decode(PCAManifest.self, from: bytes)
  }

  /// Reads a basis back.
  static func read(_ path: String) throws -> PCABasis {
    guard let manifest = try manifest(path) else {
      throw PipelineError(.usage, "\(path): no PCA there (manifest.json is missing or broken)")
    }
    func floats(_ name: String) throws -> [Float] {
      let reader = try NpyReader(path: path + "/" + name)
      return try reader.floats(0..<reader.rowCount)
    }
    let components = try floats(names[0])
    let eigenvalues = try NpyReader(path: path + "/" + names[1]).vector(of: Double.self)
    let (ratios, mean, deviation) = (try floats(names[2]), try floats(names[3]), try floats(names[4]))
    guard components.count == eigenvalues.count * mean.count, ratios.count == eigenvalues.count,
      deviation.count == mean.count
    else { throw PipelineError(.badData, "\(path): the arrays do not fit together") }
    return PCABasis(
      count: manifest.samples, standardization: Standardization(rawValue: manifest.standardize) ?? .feature,
      components: components, eigenvalues: eigenvalues, ratios: ratios, mean: mean, deviation: deviation,
      floored: manifest.floored, totalVariance: manifest.totalVariance)
  }
}
