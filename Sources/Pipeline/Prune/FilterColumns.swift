import Prune
import Shards

/// Where the values that a filter reads lie in the rows of structured arrays.
struct FilterColumns {
  private enum Source {
    case field(array: Int, offset: Int, type: NpyType)
    case constant(Double)
  }

  private let filter: SampleFilter
  private let sources: [Source]

  /// Other names of columns.
  private static let aliases = ["words": "caption_words", "characters": "caption_length"]
  /// Names of numbers.
  private static let constants: [String: Double] = ["jpeg": 1, "png": 2, "webp": 3, "gif": 4]
  /// Numbers that are none: their order says nothing.
  private static let hidden: Set = ["phash"]

  /// - Parameters:
  ///   - arrays: the types of the arrays, records.
  ///   - isWorkspace: whether they are those of a workspace, for messages.
  /// - Throws: ``PipelineError`` for a column that none of them has.
  init(_ filter: SampleFilter, arrays: [NpyType], isWorkspace: Bool = false) throws(PipelineError) {
    self.filter = filter
    var found: [String: Source] = Self.constants.mapValues { .constant($0) }
    for (index, type) in arrays.enumerated() {
      guard case .record(let fields) = type else { continue }
      var offset = 0
      for field in fields {
        if !Self.hidden.contains(field.name) {
          found[field.name] = .field(array: index, offset: offset, type: field.type)
        }
        offset += field.type.bytes
      }
    }
    for (alias, name) in Self.aliases where found[alias] == nil { found[alias] = found[name] }
    var sources: [Source] = []
    for column in filter.columns {
      guard let source = found[column] else {
        throw PipelineError(
          .usage,
          "unknown column \(column); there are \(found.keys.sorted().joined(separator: ", "))"
            + (Self.isQuality(column) ? "; \(column) is in quality.npy (features.quality: true)" : "")
            + (isWorkspace ? "; a field of the JSON is json.NAME" : ""))
      }
      sources.append(source)
    }
    self.sources = sources
  }

  /// The columns of a workspace: `samples.npy`, `quality.npy` where it is written, and `fields.npy` where the filter
  /// reads fields of the JSON.
  static func workspace(_ filter: SampleFilter, _ features: Recipe.Features) throws(PipelineError)
    -> FilterColumns
  {
    try FilterColumns(
      filter,
      arrays: [SampleRecord.type] + (features.measuresQuality ? [QualityRecord.type] : [])
        + (JSONFields(filter.columns).map { [$0.type] } ?? []),
      isWorkspace: true)
  }

  private static func isQuality(_ column: String) -> Bool {
    guard case .record(let fields) = QualityRecord.type else { return false }
    let name = aliases[column] ?? column
    return !hidden.contains(name) && fields.contains { $0.name == name }
  }

  /// Whether a sample passes.
  ///
  /// - Parameter rows: its row in each array.
  func keeps(_ rows: [ArraySlice<UInt8>]) -> Bool {
    filter.keeps(
      sources.map { source in
        switch source {
        case .constant(let value): value
        case .field(let array, let offset, let type):
          Self.number(rows[array].dropFirst(offset).prefix(type.bytes), type)
        }
      })
  }

  private static func number(_ bytes: ArraySlice<UInt8>, _ type: NpyType) -> Double {
    let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return switch type {
    case .bool, .uint8, .uint16, .uint32, .uint64: Double(word)
    case .int32: Double(Int32(truncatingIfNeeded: word))
    case .int64: Double(Int64(truncatingIfNeeded: word))
    case .float16: Double(Float16(bitPattern: UInt16(truncatingIfNeeded: word)))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
    case .float64: Double(bitPattern: word)
    case .record, .unicode, .byteString: .nan
    }
  }

  /// Whether each row of these arrays passes, in order.
  ///
  /// - Parameter paths: of the arrays, all of `rows` rows.
  func keeps(_ paths: [String], rows: Int) throws -> [Bool] {
    var kept: [Bool] = []
    kept.reserveCapacity(rows)
    let block = 4096
    for start in stride(from: 0, to: rows, by: block) {
      let range = start..<min(start + block, rows)
      var parts: [(bytes: [UInt8], width: Int)] = []
      for path in paths {
        let reader = try NpyReader(path: path)
        guard reader.rowCount == rows else {
          throw NpyError(path: path, "\(reader.rowCount) rows, \(rows) were expected")
        }
        parts.append((try reader.rows(range), reader.rowBytes))
      }
      for row in 0..<range.count {
        kept.append(keeps(parts.map { $0.bytes[row * $0.width..<(row + 1) * $0.width] }))
      }
    }
    return kept
  }
}

extension FilterColumns {
  /// Of a shard in a workspace, see ``workspace(_:_:)``.
  func keeps(shard columns: String, _ features: Recipe.Features, rows: Int) throws -> [Bool] {
    let names =
      ["samples.npy"] + (features.measuresQuality ? ["quality.npy"] : [])
      + (JSONFields(filter.columns) == nil ? [] : [JSONFields.file])
    return try keeps(names.map { columns + "/" + $0 }, rows: rows)
  }
}

extension JSONFields {
  /// How many samples of a workspace have no number in a field, one line for each field where some have none.
  func notices(_ shards: [IngestedShard], _ workspace: borrowing Workspace) throws -> [String] {
    var missing = [Int](repeating: 0, count: names.count)
    var total = 0
    for shard in shards where shard.manifest.accepted > 0 {
      let reader = try NpyReader(path: workspace.columns(shard.name) + "/" + Self.file)
      for start in stride(from: 0, to: reader.rowCount, by: 4096) {
        let values = Double.decode(try reader.rows(start..<min(start + 4096, reader.rowCount)))
        for (i, value) in values.enumerated() where value.isNaN { missing[i % names.count] += 1 }
      }
      total += reader.rowCount
    }
    return names.indices.filter { missing[$0] > 0 }.map {
      "filter: \(names[$0]) is no number in \(missing[$0]) of \(total) samples"
    }
  }
}
