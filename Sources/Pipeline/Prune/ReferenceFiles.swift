import Algebra
import Prune
import Shards

/// `manifest.json` of `models/reference`.
struct ReferenceManifest: Codable, Equatable {
  var tamis = tamisVersion
  /// Of the prune stage that wrote it.
  var key: String
  /// `near`, `far`, `gap`.
  var rule: String
  /// `near`: the largest similarity kept; `far`: the smallest.
  var cut: Double?
  var sets: [ReferenceSets.Entry]
  var openblasKernel = OpenBLAS.coreName
  /// The arrays beside it.
  var files: [String: ColumnManifest.FileEntry] = [:]

  enum CodingKeys: String, CodingKey {
    case tamis, key, rule, cut, sets, files
    case openblasKernel = "openblas_kernel"
  }
}

/// The files of the reference stage: `matches.npy` and `report.json`, and in a workspace the references themselves, so
/// that streams need nothing else.
enum ReferenceFiles {
  /// A row: the largest similarity (`gap`: that with the first reference whose gap is exceeded), the set and the row in it;
  /// NaN and −1 where there is none.
  static let type = NpyType.record([
    NpyField("similarity", .float32), NpyField("set", .int32), NpyField("row", .int32),
  ])

  static func rule(_ rule: PruneSettings.Reference) -> String {
    switch rule {
    case .near: "near"
    case .far: "far"
    case .gap: "gap"
    }
  }

  /// Writes `matches.npy` and `report.json` into a directory.
  static func write(
    _ result: PruneResult, _ sets: ReferenceSets, _ rule: PruneSettings.Reference, keys: KeyColumn,
    to directory: String
  ) throws {
    guard let matches = result.references else { return }
    try Directory.create(directory)
    var writer = try NpyWriter(path: directory + "/matches.npy", type: type)
    for (similarity, reference) in zip(matches.similarity, matches.reference) {
      var row: [UInt8] = []
      let place = reference < 0 ? nil : sets.place(of: reference)
      row.appendLittleEndian(similarity.bitPattern)
      row.appendLittleEndian(Int32(place?.set ?? -1))
      row.appendLittleEndian(Int32(place?.row ?? -1))
      try writer.append(row)
    }
    try writer.finish()
    let report = ReferenceReport(
      matches, sets, rule: Self.rule(rule), verdicts: result.verdicts, keys: keys)
    let file = try File(path: directory + "/report.json", .create)
    try file.write(try JSON.file(report))
    try file.sync()
  }

  /// Writes `models/reference`: all of the above, the references and what streams decide by.
  static func write(
    model result: PruneResult, _ sets: ReferenceSets, _ rule: PruneSettings.Reference, keys: KeyColumn,
    key: String, to path: String
  ) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    try write(result, sets, rule, keys: keys, to: directory.temporary)
    try NpyFile.write(
      (0..<sets.matrix.rows).flatMap { sets.matrix.row($0) },
      shape: [sets.matrix.rows, sets.matrix.dimension], to: base + "references.npy")
    if let gaps = sets.gaps { try NpyFile.write(gaps, to: base + "gaps.npy") }
    var manifest = ReferenceManifest(
      key: key, rule: Self.rule(rule), cut: result.references?.cut, sets: sets.entries)
    for name in try Directory.names(in: directory.temporary) ?? [] {
      manifest.files[name] = try ColumnManifest.FileEntry(path: base + name)
    }
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// One row of `matches.npy`; nil where nothing was found, or the row is not there.
  static func match(_ row: Int, _ path: String) throws -> (similarity: Float, set: Int, row: Int)? {
    let reader = try NpyReader(path: path + "/matches.npy")
    guard reader.type == type, row < reader.rowCount else { return nil }
    let words = UInt32.decode(try reader.rows(row..<row + 1)).map { Int32(bitPattern: $0) }
    guard words[1] >= 0 else { return nil }
    return (Float(bitPattern: UInt32(bitPattern: words[0])), Int(words[1]), Int(words[2]))
  }

  static func manifest(_ path: String) throws -> ReferenceManifest? {
    guard let bytes = try readFile(path + "/manifest.json") else { return nil }
    return try? JSON.decode(ReferenceManifest.self, from: bytes)
  }

  /// The stage as streams apply it; nil if there is none.
  static func stream(_ path: String) throws -> StreamingReference? {
    guard let manifest = try manifest(path) else { return nil }
    let references = try EmbeddingFile.read(path + "/references.npy")
    let limit: StreamingReference.Limit
    switch (manifest.rule, manifest.cut) {
    case ("near", let cut?): limit = .atMost(cut)
    case ("far", let cut?): limit = .atLeast(cut)
    case ("gap", _): limit = .gaps(try ArrayFiles.floats(path + "/gaps.npy"))
    default: throw PipelineError(.badData, "\(path)/manifest.json: no such rule")
    }
    return StreamingReference(references, limit)
  }
}
