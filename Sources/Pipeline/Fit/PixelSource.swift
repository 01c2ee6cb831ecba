import Features
import Shards

/// 8-bit images to fit a basis on, as often as its passes need.
protocol PixelSource: ~Copyable {
  var shape: PixelShape { get }
  /// N.
  var count: Int { get }
  /// True if the canonical order does not depend on how the images are stored.
  var isKeyed: Bool { get }
  /// Calls `body` with planar images, at most `rows` at a time, all of them once in some order.
  func forEachBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws
  /// The same in the canonical order, which does not depend on the split into shards, in blocks of exactly `rows`
  /// but for the last.
  func forEachCanonicalBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws
}

/// The thumbnails of a workspace; canonical order is that of the key bytes.
struct WorkspacePixels: PixelSource, ~Copyable {
  let shape: PixelShape
  let count: Int
  let isKeyed = true
  private let paths: [String]
  private let counts: [Int]
  /// Nil: all rows.
  private let verdicts: Verdicts?

  /// - Parameters:
  ///   - verdicts: of these shards, where only the kept samples count.
  ///   - size: side S of the thumbnails.
  init(
    _ shards: [IngestedShard], keptBy verdicts: Verdicts? = nil, _ workspace: borrowing Workspace, size: Int
  ) {
    shape = PixelShape(height: size, width: size)
    paths = shards.map { workspace.columns($0.name) }
    counts = shards.map { $0.manifest.accepted }
    self.verdicts = verdicts
    count = shards.indices.reduce(0) { sum, shard in
      guard let verdicts else { return sum + shards[shard].manifest.accepted }
      return sum
        + (0..<shards[shard].manifest.accepted).count(where: { verdicts.isKept(shard: shard, row: $0) })
    }
  }

  private func isKept(_ shard: Int, _ row: Int) -> Bool { verdicts?.isKept(shard: shard, row: row) ?? true }

  private var pixels: Int { shape.height * shape.width }

  func forEachBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws {
    for (shard, path) in paths.enumerated() {
      let reader = try open(path)
      guard reader.rowCount == counts[shard] else { throw damaged(path) }
      for start in stride(from: 0, to: reader.rowCount, by: rows) {
        let range = start..<min(start + rows, reader.rowCount)
        var block = try reader.rows(range)
        if verdicts != nil {
          block = range.filter { isKept(shard, $0) }.flatMap { row in
            block[(row - start) * shape.features..<(row - start + 1) * shape.features]
          }
        }
        if !block.isEmpty { try body(PixelLayout.planar(block.span, pixels: pixels)) }
      }
    }
  }

  func forEachCanonicalBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws {
    let order = try canonicalOrder()
    var cache = ReaderCache()
    for start in stride(from: 0, to: order.count, by: rows) {
      var block: [UInt8] = []
      block.reserveCapacity(min(rows, order.count - start) * shape.features)
      var index = start
      let end = min(start + rows, order.count)
      while index < end {
        // Neighbours in both orders are read at once.
        let first = order[index]
        var last = index + 1
        while last < end, order[last].shard == first.shard,
          order[last].row == first.row + Int32(last - index)
        { last += 1 }
        let range = Int(first.row)..<(Int(first.row) + last - index)
        block += try cache.array(Int(first.shard), try open(paths[Int(first.shard)])).reader.rows(range)
        index = last
      }
      try body(PixelLayout.planar(block.span, pixels: pixels))
    }
  }

  private struct Place {
    var shard: Int32
    var row: Int32
  }

  /// All samples sorted by key bytes; equal keys (which a run refuses) by shard and row.
  private func canonicalOrder() throws -> [Place] {
    var keyed: [(key: ArraySlice<UInt8>, place: Place)] = []
    keyed.reserveCapacity(count)
    for (shard, path) in paths.enumerated() {
      let keys = try KeyFile.keys(path + "/keys.txt")
      guard keys.count == counts[shard] else { throw damaged(path) }
      for (row, key) in keys.enumerated() where isKept(shard, row) {
        keyed.append((key, Place(shard: Int32(shard), row: Int32(row))))
      }
    }
    keyed.sort { a, b in
      if a.key.elementsEqual(b.key) { return (a.place.shard, a.place.row) < (b.place.shard, b.place.row) }
      return a.key.lexicographicallyPrecedes(b.key)
    }
    return keyed.map(\.place)
  }

  private func open(_ path: String) throws -> NpyReader {
    let reader = try NpyReader(path: path + "/thumbnail.npy")
    guard reader.type == .uint8, reader.rowItems == shape.features else { throw damaged(path) }
    return reader
  }

  private func damaged(_ path: String) -> PipelineError {
    PipelineError(.badData, "\(path): the columns do not fit together; ingest this shard again")
  }
}

/// A reader that stays open while somebody holds it.
private final class OpenArray {
  let reader: NpyReader
  init(_ reader: consuming NpyReader) { self.reader = reader }
}

/// A few readers kept open, the least recently used closed first.
private struct ReaderCache {
  private static let size = 64
  private var entries: [(shard: Int, array: OpenArray)] = []

  /// The array of a shard, opened only if it is not at hand.
  mutating func array(_ shard: Int, _ open: @autoclosure () throws -> NpyReader) throws -> OpenArray {
    if let index = entries.firstIndex(where: { $0.shard == shard }) {
      let found = entries.remove(at: index)
      entries.append(found)
    } else {
      if entries.count == Self.size { entries.removeFirst() }
      entries.append((shard, OpenArray(try open())))
    }
    return entries[entries.count - 1].array
  }
}

/// An array `|u1 (n, H, W, 3)`, or `(n, D)` rows taken as they are; canonical order is row order.
struct ArrayPixels: PixelSource, ~Copyable {
  let shape: PixelShape
  let isKeyed = false
  private let array: NpyReader

  init(_ array: consuming NpyReader) {
    shape =
      array.shape.count == 4
      ? PixelShape(height: array.shape[1], width: array.shape[2])
      : PixelShape(channels: 1, height: 1, width: array.rowItems)
    self.array = array
  }

  var count: Int { array.rowCount }

  func forEachBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws {
    for start in stride(from: 0, to: array.rowCount, by: rows) {
      let block = try array.rows(start..<min(start + rows, array.rowCount))
      try body(
        array.shape.count == 4
          ? PixelLayout.planar(block.span, pixels: shape.height * shape.width) : block)
    }
  }

  func forEachCanonicalBlock(of rows: Int, _ body: ([UInt8]) throws -> Void) throws {
    try forEachBlock(of: rows, body)
  }
}
