import Shards

/// A key in an index: its hash (``KeyUniqueness/hashWords(_:)``) and where its sample is. Stored as it lies in memory.
struct KeyEntry: BitwiseCopyable, Sendable {
  var high: UInt64
  var low: UInt64
  /// Ordinal of the shard.
  var shard: UInt32
  var row: UInt32

  static let bytes = 24

  /// By hash, then by place.
  static func < (a: KeyEntry, b: KeyEntry) -> Bool {
    if a.high != b.high { return a.high < b.high }
    if a.low != b.low { return a.low < b.low }
    return (a.shard, a.row) < (b.shard, b.row)
  }
}

/// A file of sorted entries that is never changed, with every ``stride``-th hash in memory.
final class KeyRun: Sendable {
  /// What the record of the index says of a run.
  struct Entry: Codable, Equatable {
    var name: String
    /// How many merges are behind it.
    var level: Int
    var entries: Int
    /// Entries between two hashes in memory.
    var stride: Int
  }

  let entry: Entry
  /// First word of the hash of every `stride`-th entry.
  private let heads: [UInt64]
  private let file: File

  /// Most hashes that one run holds in memory: 2 MiB.
  private static let mostHeads = 1 << 18
  private static let leastStride = 170

  static func stride(entries: Int) -> Int { max(leastStride, (entries + mostHeads - 1) / mostHeads) }

  /// Opens a run.
  ///
  /// - Returns: nil if the file is not as `entry` says.
  init?(_ directory: String, _ entry: Entry) throws {
    let path = directory + "/" + entry.name
    guard entry.entries > 0, entry.stride > 0, try FileStatus(path: path) != nil else { return nil }
    let file = try File(path: path, .read)
    let count = (entry.entries + entry.stride - 1) / entry.stride
    guard try file.status().size == UInt64(entry.entries * KeyEntry.bytes + count * 8) else { return nil }
    let heads = try Self.values(
      file, at: entry.entries * KeyEntry.bytes, count: count, filler: UInt64(0))
    self.heads = heads
    self.file = file
    self.entry = entry
  }

  /// Values as they lie in the file.
  private static func values<Value: BitwiseCopyable>(
    _ file: borrowing File, at offset: Int, count: Int, filler: Value
  ) throws -> [Value] {
    var values = [Value](repeating: filler, count: count)
    var span = values.mutableSpan
    var bytes = unsafe span.mutableBytes
    let wanted = bytes.byteCount
    guard try file.read(at: UInt64(offset), into: &bytes) == wanted else {
      throw PipelineError(.badData, "\(file.path): became shorter while it was read")
    }
    return values
  }

  /// Some entries.
  func entries(_ range: Range<Int>) throws -> [KeyEntry] {
    try Self.values(
      file, at: range.lowerBound * KeyEntry.bytes, count: range.count,
      filler: KeyEntry(high: 0, low: 0, shard: 0, row: 0))
  }

  /// The first entry of each hash that is here.
  ///
  /// - Parameters:
  ///   - hashes: sorted.
  ///   - found: called with the place of the hash and the entry.
  func find(_ hashes: [(high: UInt64, low: UInt64)], found: (Int, KeyEntry) -> Void) throws {
    var loaded: (number: Int, entries: [KeyEntry]) = (-1, [])
    var block = 0
    for (place, hash) in hashes.enumerated() {
      block = Self.block(of: hash.high, heads, from: block)
      var number = block
      search: while number < heads.count, number == block || heads[number] <= hash.high {
        if loaded.number != number {
          let start = number * entry.stride
          loaded = (number, try entries(start..<min(entry.entries, start + entry.stride)))
        }
        let first = Self.first(of: hash, loaded.entries)
        if first < loaded.entries.count {
          let entry = loaded.entries[first]
          if entry.high == hash.high, entry.low == hash.low { found(place, entry) }
          break search
        }
        number += 1
      }
    }
  }

  /// The last block that may hold the first entry of `high`: that before the first head from it on.
  private static func block(of high: UInt64, _ heads: [UInt64], from start: Int) -> Int {
    var (low, top) = (start, heads.count)
    while low < top {
      let middle = (low + top) / 2
      if heads[middle] < high { low = middle + 1 } else { top = middle }
    }
    return max(low - 1, 0)
  }

  /// The place of the first entry not below a hash.
  private static func first(of hash: (high: UInt64, low: UInt64), _ entries: [KeyEntry]) -> Int {
    var (low, top) = (0, entries.count)
    while low < top {
      let middle = (low + top) / 2
      if (entries[middle].high, entries[middle].low) < (hash.high, hash.low) {
        low = middle + 1
      } else {
        top = middle
      }
    }
    return low
  }
}

/// Writes a run, entries in order.
struct KeyRunWriter: ~Copyable {
  private var file: BufferedFile
  private let entry: KeyRun.Entry
  private var heads: [UInt64] = []
  private var count = 0

  /// - Parameter entries: how many will come.
  init(_ directory: String, name: String, level: Int, entries: Int) throws {
    let opened = try File(path: directory + "/" + name, .create)
    file = BufferedFile(opened)
    entry = KeyRun.Entry(
      name: name, level: level, entries: entries, stride: KeyRun.stride(entries: entries))
  }

  mutating func append(_ entries: [KeyEntry]) throws {
    for entry in entries {
      if count % self.entry.stride == 0 { heads.append(entry.high) }
      count += 1
    }
    try file.write(NpyFile.bytes(of: entries)[...])
  }

  consuming func finish() throws -> KeyRun.Entry {
    guard count == entry.entries else {
      throw PipelineError(.internalError, "\(entry.name): \(count) entries instead of \(entry.entries)")
    }
    try file.write(NpyFile.bytes(of: heads)[...])
    let entry = entry
    try file.finish(syncing: false)
    return entry
  }
}

/// Runs merged into one, block by block.
enum KeyRunMerge {
  private static let blockEntries = 2048

  private struct Source {
    let run: KeyRun
    var block: [KeyEntry] = []
    var next = 0
    var read = 0

    /// The entry to take next; nil at the end.
    var head: KeyEntry? { next < block.count ? block[next] : nil }

    mutating func fill() throws {
      guard next == block.count, read < run.entry.entries else { return }
      let end = min(run.entry.entries, read + KeyRunMerge.blockEntries)
      block = try run.entries(read..<end)
      (next, read) = (0, end)
    }
  }

  static func merge(_ runs: [KeyRun], to directory: String, name: String) throws -> KeyRun.Entry {
    var writer = try KeyRunWriter(
      directory, name: name, level: (runs.map(\.entry.level).max() ?? 0) + 1,
      entries: runs.reduce(0) { $0 + $1.entry.entries })
    var sources = runs.map { Source(run: $0) }
    for i in sources.indices { try sources[i].fill() }
    var out: [KeyEntry] = []
    out.reserveCapacity(blockEntries)
    while true {
      var least = -1
      for i in sources.indices {
        guard let head = sources[i].head else { continue }
        if least < 0 || head < sources[least].head! { least = i }
      }
      guard least >= 0 else { break }
      out.append(sources[least].block[sources[least].next])
      sources[least].next += 1
      try sources[least].fill()
      if out.count == blockEntries {
        try writer.append(out)
        out.removeAll(keepingCapacity: true)
      }
    }
    try writer.append(out)
    return try writer.finish()
  }
}
