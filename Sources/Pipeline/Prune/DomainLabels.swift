import Shards

/// Classes that people gave to samples.
///
/// Either a text of lines `key<TAB>class`, or a vector of class numbers (an integer `.npy`, one for each row, −1
/// without a label) beside the names of the classes.
struct DomainLabels {
  private enum Table {
    case keys([[UInt8]: Int32])
    case rows([Int32])
  }

  /// In the order of their numbers.
  let classes: [String]
  private let table: Table
  private let path: String

  /// Largest text read.
  private static let maximumBytes = 1 << 30

  /// - Parameter classes: names in the order wanted; empty: those of the text, by bytes.
  /// - Throws: ``PipelineError`` or `NpyError` with the first thing that is wrong.
  init(_ path: String, classes: [String]) throws {
    guard let status = try FileStatus(path: path) else {
      throw PipelineError(.usage, "\(path): no such file")
    }
    self.path = path
    let start = status.isRegular ? try File(path: path, .read).read(at: 0, count: 6) : []
    if start == [0x93] + Array("NUMPY".utf8) {
      guard !classes.isEmpty else {
        throw PipelineError(.usage, "\(path): numbers need names: --classes, in the order of the numbers")
      }
      self.classes = classes
      table = .rows(try Self.numbers(path, classes: classes.count))
      return
    }
    guard status.isRegular, status.size <= Self.maximumBytes else {
      throw PipelineError(.badData, "\(path): no labels: a directory, or larger than 1 GiB")
    }
    (self.classes, table) = try Self.text(try readFile(path) ?? [], path, classes)
  }

  private static func numbers(_ path: String, classes: Int) throws -> [Int32] {
    let reader = try ArrayFiles.open(path)
    guard reader.shape.count == 1 else { throw NpyError(path: path, "labels have one axis") }
    let all = 0..<reader.rowCount
    let wide: [Int64] =
      switch reader.type {
      case .uint8, .bool: try reader.rows(all).map { Int64($0) }
      case .int32: try reader.rows(all, as: Int32.self).map { Int64($0) }
      case .int64: try reader.rows(all, as: Int64.self)
      default:
        throw NpyError(
          path: path, "the dtype is '\(reader.type.code)', labels are '|u1', '|b1', '<i4' or '<i8'")
      }
    if let row = wide.firstIndex(where: { !(-1..<Int64(classes)).contains($0) }) {
      throw NpyError(
        path: path, "row \(row): there is no class \(wide[row]), the numbers go from -1 to \(classes - 1)")
    }
    return wide.map { Int32($0) }
  }

  private static func text(
    _ bytes: [UInt8], _ path: String, _ given: [String]
  ) throws(PipelineError) -> ([String], Table) {
    var lines: [(key: ArraySlice<UInt8>, name: String)] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      if line.isEmpty { continue }
      let end = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      guard let tab = end.firstIndex(of: UInt8(ascii: "\t")), tab > end.startIndex, tab + 1 < end.endIndex,
        let name = String(validating: end[(tab + 1)...], as: UTF8.self)
      else { throw PipelineError(.badData, "\(path): line \(number + 1): expected a key, a tab and a class") }
      guard given.isEmpty || given.contains(name) else {
        throw PipelineError(
          .badData, "\(path): line \(number + 1): class '\(name)' is none of \(given.joined(separator: ", "))"
        )
      }
      lines.append((end[..<tab], name))
    }
    let classes =
      given.isEmpty
      ? Set(lines.map(\.name)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } : given
    let numbers = Dictionary(uniqueKeysWithValues: zip(classes, Int32(0)...))
    var table: [[UInt8]: Int32] = [:]
    for line in lines where table.updateValue(numbers[line.name]!, forKey: Array(line.key)) != nil {
      throw PipelineError(.badData, "\(path): the key \(printable(line.key)) is labelled twice")
    }
    return (classes, .keys(table))
  }

  /// How many rows of how many have a label, at most.
  func most(of rows: Int) -> Int {
    switch table {
    case .keys(let table): min(rows, table.count)
    case .rows(let labels): labels.count { $0 >= 0 }
    }
  }

  /// That there is a number for each row, where numbers are given.
  func check(rows: Int) throws(PipelineError) {
    if case .rows(let labels) = table, labels.count != rows {
      throw PipelineError(.badData, "\(path): \(labels.count) labels, the embeddings have \(rows) rows")
    }
  }

  /// The class of a row; nil without a label.
  func label(row: Int, key: [UInt8]) -> Int32? {
    switch table {
    case .keys(let table): table[key]
    case .rows(let labels): labels[row] < 0 ? nil : labels[row]
    }
  }

  /// That every label found its row.
  ///
  /// - Parameter keys: of the rows that have one.
  func checkFound(_ keys: [[UInt8]]) throws(PipelineError) {
    guard case .keys(let table) = table else { return }
    let found = Set(keys)
    guard found.count < table.count else { return }
    let missing = table.keys.filter { !found.contains($0) }
    let first = missing.min { $0.lexicographicallyPrecedes($1) } ?? []
    throw PipelineError(
      .badData,
      "\(path): \(missing.count) labels are of keys that the embeddings do not have, first \(printable(first))"
    )
  }
}
