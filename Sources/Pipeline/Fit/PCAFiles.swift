import Algebra
import Features
import Shards

/// `models/pca`: the files a PMAE trainer opens unchanged (docs/pca-bases.md), small factors in place of the
/// matrix for structured bases, and a manifest. `docs/pca-bases.md` describes them.
enum PCAFiles {
  /// Files of every basis.
  static let commonNames = [
    "eigenvalues.npy", "eigenvalues_ratio.npy", "mean_reshaped.npy", "std_reshaped.npy",
  ]
  /// Every name that may stand in the directory.
  static let allNames = Set(
    commonNames + [
      "manifest.json", "pc_matrix.npy", "channel.npy", "rows.npy", "columns.npy", "order.npy",
      "patch_components.npy",
    ]
  ).union(PCAPictures.names)

  /// Writes a directory of basis files, by one rename.
  ///
  /// - Parameter examples: images for `masks.png`; there is none without.
  static func write(
    _ basis: ComponentBasis, _ origin: PCAManifest.Origin, examples: [BasisPictures.Example] = [],
    to path: String
  ) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    let shape = basis.shape.map { [$0.channels, $0.height, $0.width] } ?? [basis.features]
    try NpyFile.write(basis.eigenvalues, to: base + commonNames[0])
    try NpyFile.write(basis.ratios, to: base + commonNames[1])
    try NpyFile.write(basis.mean, shape: shape, to: base + commonNames[2])
    try NpyFile.write(basis.deviation, shape: shape, to: base + commonNames[3])
    let names = commonNames + (try writeTransform(basis.transform, base))
    var files: [String: ColumnManifest.FileEntry] = [:]
    for name in names { files[name] = try .init(path: base + name) }
    for (name, bytes) in try PCAPictures.files(of: basis, examples: examples) {
      try directory.write(bytes, as: name)
      files[name] = .init(bytes: UInt64(bytes.count), sha256: sha256(bytes))
    }
    try directory.write(try JSON.file(PCAManifest(basis, origin, files: files)), as: "manifest.json")
    try directory.commit()
  }

  /// Writes the components; returns the names of the files.
  private static func writeTransform(_ transform: ComponentTransform, _ base: String) throws -> [String] {
    switch transform {
    case .dense(let dense):
      // A few rows at a time: the matrix is the largest thing in memory.
      let width = dense.features
      var writer = try NpyWriter(path: base + "pc_matrix.npy", type: .float32, rowShape: [width])
      let step = max(1, (1 << 20) / width)
      for first in stride(from: 0, to: dense.componentCount, by: step) {
        let last = min(first + step, dense.componentCount)
        try writer.append(NpyFile.bytes(of: Array(dense.components[(first * width)..<(last * width)])))
      }
      try writer.finish()
      return ["pc_matrix.npy"]
    case .separable(let parts):
      let (c, h, w) = (parts.shape.channels, parts.shape.height, parts.shape.width)
      try NpyFile.write(parts.channel, shape: [c, c], to: base + "channel.npy")
      try NpyFile.write(parts.rows, shape: [h, h], to: base + "rows.npy")
      try NpyFile.write(parts.columns, shape: [w, w], to: base + "columns.npy")
      let order = parts.order.flatMap { [$0 / Int32(h * w), $0 / Int32(w) % Int32(h), $0 % Int32(w)] }
      try NpyFile.write(order, shape: [parts.order.count, 3], to: base + "order.npy")
      return ["channel.npy", "rows.npy", "columns.npy", "order.npy"]
    case .patch(let parts):
      let size = parts.patchFeatures
      try NpyFile.write(parts.components, shape: [size, size], to: base + "patch_components.npy")
      let order = parts.order.flatMap { [$0 / Int32(size), $0 % Int32(size)] }
      try NpyFile.write(order, shape: [parts.order.count, 2], to: base + "order.npy")
      return ["patch_components.npy", "order.npy"]
    }
  }

  /// The manifest of a directory of basis files; nil if there is none.
  static func manifest(_ path: String) throws -> PCAManifest? {
    guard let bytes = try readFile(path + "/manifest.json") else { return nil }
    return try? JSON.decode(PCAManifest.self, from: bytes)
  }

  /// Reads a basis back.
  static func read(_ path: String) throws -> ComponentBasis {
    guard let manifest = try manifest(path), let kind = ComponentBasis.Kind(rawValue: manifest.basis) else {
      throw PipelineError(.usage, "\(path): no PCA there (manifest.json is missing or broken)")
    }
    let eigenvalues = try NpyReader(path: path + "/" + commonNames[0]).vector(of: Double.self)
    let ratios = try floats(path, commonNames[1])
    let (mean, deviation) = (try floats(path, commonNames[2]), try floats(path, commonNames[3]))
    let shape = manifest.layout.flatMap { $0.shape }
    let transform = try readTransform(kind, path, features: mean.count, shape, manifest.patch)
    guard let transform, transform.features == mean.count, transform.componentCount == eigenvalues.count,
      ratios.count == eigenvalues.count, deviation.count == mean.count,
      shape.map({ $0.features == mean.count }) ?? true
    else { throw PipelineError(.badData, "\(path): the arrays do not fit together") }
    return ComponentBasis(
      kind: kind, shape: shape, count: manifest.samples,
      standardization: Standardization(rawValue: manifest.standardize) ?? .feature, mean: mean,
      deviation: deviation, floored: manifest.floored, eigenvalues: eigenvalues, ratios: ratios,
      totalVariance: manifest.totalVariance, transform: transform)
  }

  /// The components; nil if the arrays do not fit together.
  private static func readTransform(
    _ kind: ComponentBasis.Kind, _ path: String, features: Int, _ shape: PixelShape?, _ patch: Int?
  ) throws -> ComponentTransform? {
    switch kind {
    case .full, .truncated:
      let components = try floats(path, "pc_matrix.npy")
      guard !components.isEmpty, components.count.isMultiple(of: features) else { return nil }
      return .dense(DenseTransform(components: components, features: features))
    case .separable, .dct:
      guard let shape else { return nil }
      let (c, h, w) = (shape.channels, shape.height, shape.width)
      let parts = (
        try floats(path, "channel.npy"), try floats(path, "rows.npy"), try floats(path, "columns.npy")
      )
      guard parts.0.count == c * c, parts.1.count == h * h, parts.2.count == w * w,
        let order = try order(path, sizes: [c, h, w])
      else { return nil }
      return .separable(
        SeparableTransform(
          shape: shape, channel: parts.0, rows: parts.1, columns: parts.2, order: order))
    case .patch:
      guard let shape, let patch, PatchTransform.fits(shape, side: patch) else { return nil }
      let size = shape.channels * patch * patch
      let components = try floats(path, "patch_components.npy")
      guard components.count == size * size,
        let order = try order(path, sizes: [shape.features / size, size])
      else { return nil }
      return .patch(PatchTransform(shape: shape, side: patch, components: components, order: order))
    }
  }

  /// `order.npy` as places in the grid of `sizes`; nil unless each place comes once.
  private static func order(_ path: String, sizes: [Int]) throws -> [Int32]? {
    let reader = try NpyReader(path: path + "/order.npy")
    let count = sizes.reduce(1, *)
    guard reader.shape == [count, sizes.count] else { return nil }
    let places = try reader.rows(0..<count, as: Int32.self)
    var seen = [Bool](repeating: false, count: count)
    var order: [Int32] = []
    order.reserveCapacity(count)
    for first in stride(from: 0, to: places.count, by: sizes.count) {
      var place = 0
      for (axis, size) in sizes.enumerated() {
        guard (0..<size).contains(Int(places[first + axis])) else { return nil }
        place = place * size + Int(places[first + axis])
      }
      if seen[place] { return nil }
      seen[place] = true
      order.append(Int32(place))
    }
    return order
  }

  /// All values of an array, read a few rows at a time.
  private static func floats(_ path: String, _ name: String) throws -> [Float] {
    let reader = try NpyReader(path: path + "/" + name)
    var values: [Float] = []
    values.reserveCapacity(reader.rowCount * reader.rowItems)
    let step = max(1, (1 << 20) / max(1, reader.rowItems))
    for first in stride(from: 0, to: reader.rowCount, by: step) {
      values += try reader.floats(first..<min(first + step, reader.rowCount))
    }
    return values
  }
}
