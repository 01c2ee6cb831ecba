import Algebra
import Features
import Shards

/// `models/pca/manifest.json`: what the basis is (docs/pca-bases.md).
struct PCAManifest: Codable, Equatable {
  struct Layout: Codable, Equatable {
    var channels: Int
    var height: Int
    var width: Int
    /// How features are flattened: i = (c·H + y)·W + x.
    var order = "CHW-RGB"

    init(_ shape: PixelShape) {
      (channels, height, width) = (shape.channels, shape.height, shape.width)
    }

    var shape: PixelShape? {
      guard channels >= 1, height >= 1, width >= 1 else { return nil }
      return PixelShape(channels: channels, height: height, width: width)
    }
  }

  /// What only the fit knows.
  struct Origin {
    /// Hash of the recipe part and of the thumbnails; the models are current when it is equal.
    var key: String
    /// What input values were multiplied with.
    var scale = "1/255"
    var solver = Origin.fullSolver
    /// Passes over the data of a truncated fit.
    var passes: Int?

    static let fullSolver = "LAPACK dsyevd, Float64, 2 threads"
  }

  var tamis = tamisVersion
  var key: String
  /// `full`, `separable`, `dct`, `truncated` or `patch`.
  var basis: String
  /// Samples N.
  var samples: Int
  /// Features D.
  var features: Int
  /// Components L.
  var components: Int
  /// nil for `(n, D)` input.
  var layout: Layout?
  var scale: String
  var standardize: String
  var deviationFloor = FeatureScaling.floor
  var floored: [Int]
  var totalVariance: Double
  /// Share of the total that the components hold.
  var capturedRatio: Double
  /// Share of the total that no component holds and no mask hides.
  var residualRatio: Double
  /// Side of a patch of a patch basis.
  var patch: Int?
  var solver: String
  var passes: Int?
  var signRule: String
  var openblasKernel: String
  /// SHA-256 of `pc_matrix.npy`; of a structured basis, of the lines `<sha256>  <file>` of all its files, sorted by
  /// name (what `sha256sum *.npy` prints).
  var basisSHA256: String
  var files: [String: ColumnManifest.FileEntry]

  init(_ basis: ComponentBasis, _ origin: Origin, files: [String: ColumnManifest.FileEntry]) {
    key = origin.key
    self.basis = basis.kind.rawValue
    samples = basis.count
    features = basis.features
    components = basis.componentCount
    layout = basis.shape.map { Layout($0) }
    scale = origin.scale
    standardize = basis.standardization.rawValue
    floored = basis.floored
    totalVariance = basis.totalVariance
    capturedRatio = basis.ratios.reduce(0) { $0 + Double($1) }
    residualRatio = basis.residualRatio
    solver = origin.solver
    passes = origin.passes
    signRule =
      basis.kind == .dct
      ? "that of the DCT-II: the first entry of each factor's row is positive"
      : "largest magnitude of each stored row positive, first on ties"
    if case .patch(let transform) = basis.transform { patch = transform.side }
    openblasKernel = OpenBLAS.coreName
    basisSHA256 =
      files["pc_matrix.npy"]?.sha256
      ?? sha256(
        Array(
          files.filter { $0.key.hasSuffix(".npy") }.sorted { $0.key < $1.key }
            .map { "\($0.value.sha256)  \($0.key)\n" }.joined().utf8))
    self.files = files
  }

  enum CodingKeys: String, CodingKey {
    case tamis, key, basis, samples, features, components, layout, scale, standardize, floored, patch, solver
    case passes, files
    case deviationFloor = "deviation_floor"
    case totalVariance = "total_variance"
    case capturedRatio = "captured_ratio"
    case residualRatio = "residual_ratio"
    case signRule = "sign_rule"
    case openblasKernel = "openblas_kernel"
    case basisSHA256 = "basis_sha256"
  }
}
