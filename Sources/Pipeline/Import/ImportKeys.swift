import Shards

/// Which row of a file belongs to a key: 128-bit hashes of the keys, sorted, 24 bytes each.
struct ImportKeys {
  private struct Entry {
    var high: UInt64
    var low: UInt64
    var row: Int
  }

  /// What one key is charged to `limits.memory`: an entry, and half of one that sorting takes.
  static let bytesPerKey = 36
  /// Longest line read.
  private static let longestKey = 4096

  private var entries: [Entry] = []
  /// Lines, which are rows.
  var count: Int { entries.count }

  /// Reads a file of one key a line, in blocks.
  ///
  /// - Parameter expected: rows there are; more keys are not read.
  /// - Throws: ``PipelineError`` for an empty line, a key that comes twice, or another number of keys.
  init(_ path: String, expected: Int) throws {
    guard try FileStatus(path: path) != nil else { throw PipelineError(.usage, "\(path): no such file") }
    let file = try File.regular(path)
    entries.reserveCapacity(expected)
    var buffer: [UInt8] = []
    var offset: UInt64 = 0
    while true {
      let block = try file.read(at: offset, count: 1 << 18)
      offset += UInt64(block.count)
      buffer += block
      var start = 0
      while let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
        try add(buffer[start..<end], path, expected)
        start = end + 1
      }
      buffer.removeFirst(start)
      guard buffer.count <= Self.longestKey else {
        throw PipelineError(.badData, "\(path): line \(count + 1) is longer than \(Self.longestKey) bytes")
      }
      if block.isEmpty { break }
    }
    if !buffer.isEmpty { try add(buffer[...], path, expected) }
    guard count == expected else {
      throw PipelineError(.badData, "\(path): \(count) keys, the file of embeddings has \(expected) rows")
    }
    entries.sort { ($0.high, $0.low, $0.row) < ($1.high, $1.low, $1.row) }
    var twice: (first: Int, second: Int)?
    for (a, b) in zip(entries, entries.dropFirst()) where a.high == b.high && a.low == b.low {
      if b.row < twice?.second ?? .max { twice = (a.row, b.row) }
    }
    if let twice {
      throw PipelineError(
        .badData, "\(path): lines \(twice.first + 1) and \(twice.second + 1) are the same key")
    }
  }

  private mutating func add(_ key: ArraySlice<UInt8>, _ path: String, _ expected: Int) throws(PipelineError) {
    guard !key.isEmpty else {
      throw PipelineError(.badData, "\(path): line \(count + 1) is empty, a key is wanted")
    }
    guard count < expected else {
      throw PipelineError(
        .badData, "\(path): more keys than the \(expected) rows of the file of embeddings")
    }
    let (high, low) = KeyUniqueness.hashWords(key)
    entries.append(Entry(high: high, low: low, row: count))
  }

  /// The row of a key.
  func row(of key: ArraySlice<UInt8>) -> Int? {
    let (high, low) = KeyUniqueness.hashWords(key)
    var range = entries.indices
    while let middle = range.isEmpty ? nil : range.lowerBound + range.count / 2 {
      let entry = entries[middle]
      if (entry.high, entry.low) < (high, low) {
        range = middle + 1..<range.upperBound
      } else if (high, low) < (entry.high, entry.low) {
        range = range.lowerBound..<middle
      } else {
        return entry.row
      }
    }
    return nil
  }
}
