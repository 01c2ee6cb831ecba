import Algebra
import Features
import Shards

/// `manifest.json` of a directory of partial statistics.
struct PartialManifest: Codable, Equatable {
  static let kindName = "pca-partial"
  static let shift = 128

  var tamis = tamisVersion
  var kind = Self.kindName
  /// N.
  var samples: Int
  /// D.
  var features: Int
  /// nil for rows that are no images.
  var layout: PCAManifest.Layout?
  /// What the fit will multiply values with.
  var scale = "1/255"
  /// Sums and products are those of x − 128.
  var offset = Self.shift
  /// SHA-256 of what was read, sorted: no input may be counted twice.
  var sources: [String]
  var files: [String: ColumnManifest.FileEntry]
}

/// Count, sums and products of some of the images as files that add up: all that a PCA needs to know of them.
///
/// Every number is an exact integer, so merged statistics equal those of one pass over all the images, whatever
/// the split and the order. `docs/pca-partial-statistics.md` describes the files.
enum PartialStatistics {
  static let arrayNames = ["count.npy", "products.npy", "sums.npy"]
  static let allNames = Set(arrayNames + ["manifest.json"])

  /// Writes a directory by one rename; it goes row by row and needs no memory of its own.
  static func write(
    _ gram: inout ExactGram, layout: PCAManifest.Layout?, sources: [String], to path: String
  ) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    try NpyFile.write([Int64(gram.count)], to: base + "count.npy")
    try NpyFile.write(gram.shiftedSums(), to: base + "sums.npy")
    var products = try NpyWriter(path: base + "products.npy", type: .int64)
    try gram.forEachProductRow { _, row throws(FileError) in try products.append(NpyFile.bytes(of: row)) }
    try products.finish()
    var files: [String: ColumnManifest.FileEntry] = [:]
    for name in arrayNames { files[name] = try .init(path: base + name) }
    let manifest = PartialManifest(
      samples: gram.count, features: gram.features, layout: layout, sources: sources.sorted(), files: files)
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// The manifest of a directory of partial statistics, checked as far as it goes by itself.
  static func manifest(_ path: String) throws -> PartialManifest {
    guard let bytes = try readFile(path + "/manifest.json") else {
      throw PipelineError(.usage, "\(path): no partial statistics there (manifest.json is missing)")
    }
    guard let manifest = try? JSON.decode(PartialManifest.self, from: bytes),
      manifest.kind == PartialManifest.kindName
    else { throw PipelineError(.badData, "\(path)/manifest.json: not that of partial statistics") }
    guard manifest.offset == PartialManifest.shift, manifest.scale == "1/255" else {
      throw PipelineError(
        .badData, "\(path): offset \(manifest.offset), scale \(manifest.scale): made by another version")
    }
    let fits = manifest.layout.map { $0.shape?.features == manifest.features } ?? true
    guard fits, manifest.features >= 1, (0...ExactGram.largestCount).contains(manifest.samples) else {
      throw PipelineError(.badData, "\(path)/manifest.json: the numbers do not fit together")
    }
    return manifest
  }

  /// Adds what a directory holds, once every file is known to be what its manifest says.
  ///
  /// - Precondition: `gram` has the manifest's width.
  static func add(_ path: String, _ manifest: PartialManifest, to gram: inout ExactGram) throws {
    for name in arrayNames {
      guard try FileStatus(path: "\(path)/\(name)") != nil else {
        throw PipelineError(.badData, "\(path)/\(name): missing")
      }
      guard try ColumnManifest.FileEntry(path: "\(path)/\(name)") == manifest.files[name] else {
        throw PipelineError(
          .badData, "\(path)/\(name): not the file of its manifest (size or SHA-256 differs)")
      }
    }
    let features = gram.features
    let count = try NpyReader(path: path + "/count.npy").vector(of: Int64.self)
    let sums = try NpyReader(path: path + "/sums.npy").vector(of: Int64.self)
    let products = try NpyReader(path: path + "/products.npy")
    guard count == [Int64(manifest.samples)], sums.count == features, products.type == .int64,
      products.shape == [features * (features + 1) / 2]
    else { throw PipelineError(.badData, "\(path): the arrays do not fit together") }
    guard manifest.samples <= ExactGram.largestCount - gram.count else {
      throw PipelineError(.badData, "\(path): more samples in all than sums can hold exactly")
    }
    let (largestSum, largest) = (128 * count[0], 128 * 128 * count[0])
    guard sums.allSatisfy({ (-largestSum...largestSum).contains($0) }) else { throw impossible(path, "sums") }
    var next = 0
    try gram.merge(count: manifest.samples, sums: sums) { row in
      let end = next + features - row
      let values = try products.rows(next..<end, as: Int64.self)
      next = end
      guard values[0] >= 0, values.allSatisfy({ (-largest...largest).contains($0) }) else {
        throw impossible(path, "products")
      }
      return values
    }
  }

  private static func impossible(_ path: String, _ name: String) -> PipelineError {
    PipelineError(.badData, "\(path)/\(name).npy: holds numbers that no 8-bit rows have")
  }
}
