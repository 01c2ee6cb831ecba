import Shards

/// Fills `image.npy` and `text.npy` with rows made elsewhere: temp + fsync + rename, then the manifest that names them.
///
/// Rows are matched by key, or follow the accepted samples (shards bytewise, then offset). They are read for one shard
/// after the other; what is held is the map of keys, 36 bytes each, and a block of rows.
struct ImportedColumn {
  /// `image`, `text`, or `joint`: the image rows once more, as the score wants them.
  let name: String
  let rows: Recipe.ImportedRows
  private let kind: EmbeddingSource.Kind
  private let limits: Recipe.Limits
  private let workspace: String

  private static let blockBytes = 1 << 20

  /// The columns that a recipe imports.
  private static func all(_ recipe: Recipe, _ workspace: String = "") -> [ImportedColumn] {
    let image = recipe.features.importedImage.map {
      ImportedColumn(name: "image", rows: $0, kind: .image, limits: recipe.limits, workspace: workspace)
    }
    let text = recipe.features.importedText.map {
      ImportedColumn(name: "text", rows: $0, kind: .text, limits: recipe.limits, workspace: workspace)
    }
    let joint =
      text == nil || !recipe.prune.needsScores
      ? nil
      : image.map {
        ImportedColumn(
          name: "joint", rows: $0.rows, kind: .image, limits: recipe.limits, workspace: workspace)
      }
    return [image, joint, text].compactMap { $0 }
  }

  /// Refuses, before any work, files that are not there, are no embeddings, or need more memory than there is.
  static func check(_ recipe: Recipe) throws {
    var dimensions: [String: Int] = [:]
    for column in all(recipe) {
      dimensions[column.name] = try column.checked(EmbeddingSource(column.rows.file, column.kind)).dimension
    }
    if let joint = dimensions["joint"], let text = dimensions["text"], joint != text {
      throw PipelineError(
        .usage,
        "features: image rows of \(joint) values and caption rows of \(text) have no score of image and caption"
      )
    }
  }

  private func checked(_ source: EmbeddingSource) throws -> EmbeddingShape {
    let shape = try EmbeddingFile.shape(source)
    try checkMemory(shape)
    if let keys = rows.keys, try FileStatus(path: keys) == nil {
      throw PipelineError(.usage, "\(keys): no such file")
    }
    return shape
  }

  /// Brings the imported columns up to date. Returns the number of columns of shards that were written; nil where the
  /// recipe imports none.
  static func fill(
    _ recipe: Recipe, _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws -> Int? {
    let columns = all(recipe, workspace.path)
    guard !columns.isEmpty else { return nil }
    try check(recipe)
    let scratch = workspace.path + "/.import"
    var filled = 0
    for column in columns {
      try Directory.remove(scratch)
      defer { try? Directory.remove(scratch) }
      filled += try column.fill(try workspace.ingestedShards(), scratch: scratch, events)
    }
    return filled
  }

  private func fill(_ shards: [IngestedShard], scratch: String, _ events: EventHandler) throws -> Int {
    let source = try EmbeddingSource(rows.file, kind)
    let shape = try EmbeddingFile.shape(source)
    let id = try id(source, shards)
    let stale = try shards.filter { shard in
      let isThere = try FileStatus(path: directory(shard) + "/\(name).npy") != nil
      return !isThere || shard.manifest.encoders[name] != id || shard.manifest.files[name + ".npy"] == nil
    }
    guard !stale.isEmpty else { return 0 }
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "import \(name) rows", shards: stale.count, bytes: 0, samples: total))
    let keys = try rows.keys.map { try ImportKeys($0, expected: shape.rows) }
    let used = try match(shards, keys, rows: shape.rows, total: total, events)
    var file = try ImportedRowFile(source, named: rows.file, scratch: scratch)
    let notUnit = try file.inspect(isUsed: { used?.contains($0) ?? true }, allowsZero: kind == .text)
    if let first = notUnit, name != "joint" {
      events(
        .notice("\(rows.file): rows normalised, row \(first) is the first not of unit length"))
    }
    var done = 0
    for shard in stale {
      try write(shard, try sourceRows(shard, shards, keys), file, id)
      done += shard.manifest.accepted
      events(.progress(samples: done, bytes: 0))
    }
    events(.ended(stage: "import \(name) rows"))
    return stale.count
  }

  private func write(
    _ shard: IngestedShard, _ sourceRows: [Int], _ file: borrowing ImportedRowFile, _ id: String
  ) throws {
    let temporary = directory(shard) + "/.\(name).npy.tmp"
    var writer = try NpyWriter(path: temporary, type: .float16, rowShape: [file.dimension])
    let step = max(1, Self.blockBytes / (4 * file.dimension))
    for start in stride(from: 0, to: sourceRows.count, by: step) {
      try writer.append(
        try file.halves(Array(sourceRows[start..<min(start + step, sourceRows.count)])))
    }
    try writer.finish()
    let output = directory(shard) + "/\(name).npy"
    try Directory.rename(temporary, to: output)
    var manifest = shard.manifest
    manifest.encoders[name] = id
    manifest.files[name + ".npy"] = try .init(path: output)
    try AtomicFile.write(try JSON.file(manifest), to: directory(shard) + "/manifest.json")
  }

  /// Which row of the file each sample of a shard has.
  private func sourceRows(
    _ shard: IngestedShard, _ shards: [IngestedShard], _ keys: ImportKeys?
  ) throws -> [Int] {
    if let keys { return try sampleKeys(shard).map { keys.row(of: $0)! } }
    let start = shards.prefix { $0.name != shard.name }.reduce(0) { $0 + $1.manifest.accepted }
    return Array(start..<start + shard.manifest.accepted)
  }

  private func sampleKeys(_ shard: IngestedShard) throws -> [ArraySlice<UInt8>] {
    let keys = try KeyFile.keys(directory(shard) + "/keys.txt")
    guard keys.count == shard.manifest.accepted else {
      throw PipelineError(
        .badData, "\(directory(shard)): the columns do not fit together; ingest this shard again")
    }
    return keys
  }

  /// Checks that every sample has a row.
  ///
  /// - Returns: the rows in use; nil: all of them.
  private func match(
    _ shards: [IngestedShard], _ keys: ImportKeys?, rows count: Int, total: Int, _ events: EventHandler
  ) throws -> RowSet? {
    guard let keys else {
      guard count == total else {
        throw PipelineError(
          .badData,
          "\(rows.file): \(count) rows, but \(total) samples were accepted; to match them by name give "
            + "features.\(name).keys")
      }
      return nil
    }
    var used = RowSet(count)
    var missing = 0
    var first: (key: String, shard: String)?
    for shard in shards {
      for key in try sampleKeys(shard) {
        if let row = keys.row(of: key) {
          used.insert(row)
        } else {
          missing += 1
          first = first ?? (printable(key), shard.name)
        }
      }
    }
    if let first {
      throw PipelineError(
        .badData,
        "\(rows.keys ?? ""): \(missing) of \(total) samples have no row; the first is \(first.key) in shard "
          + first.shard)
    }
    if count > total, name != "joint" {
      events(.notice("\(rows.file): \(count - total) of \(count) rows belong to no sample and are not used"))
    }
    return used
  }

  private func directory(_ shard: IngestedShard) -> String { workspace + "/columns/" + shard.name }

  /// Names file, array and how rows were matched: equal names, equal rows.
  private func id(_ source: EmbeddingSource, _ shards: [IngestedShard]) throws -> String {
    let parts = try source.parts.map { part in
      let digest = try FileDigest(path: part.path).sha256
      guard case .member(_, let array?) = part else { return digest }
      return digest + ":" + array
    }
    let file =
      parts.count == 1 ? "file:" + parts[0] : "files:" + sha256(Array(parts.joined(separator: "\n").utf8))
    if let keys = rows.keys { return file + ", keys:" + (try FileDigest(path: keys).sha256) }
    // The same file gives other rows when other samples come before.
    let order = shards.map { $0.manifest.files["keys.txt"]?.sha256 ?? "" }.joined(separator: "\n")
    return file + ", order:" + sha256(Array(order.utf8))
  }

  private func checkMemory(_ shape: EmbeddingShape) throws(PipelineError) {
    let map = rows.keys == nil ? 0 : shape.rows * ImportKeys.bytesPerKey + shape.rows / 8
    let needed = map + 32 << 20 + 16 * 4 * shape.dimension
    guard needed <= limits.memory else {
      throw PipelineError(
        .usage,
        "limits.memory: importing \(shape.rows) rows of \(shape.dimension) values needs about "
          + "\(ByteSize.text(needed)), the limit is \(ByteSize.text(limits.memory))")
    }
  }
}

/// A bit for each row.
private struct RowSet {
  private var bits: [UInt64]

  init(_ count: Int) { bits = [UInt64](repeating: 0, count: (count + 63) / 64) }

  mutating func insert(_ row: Int) { bits[row / 64] |= 1 << UInt64(row % 64) }
  func contains(_ row: Int) -> Bool { bits[row / 64] >> UInt64(row % 64) & 1 == 1 }
}
