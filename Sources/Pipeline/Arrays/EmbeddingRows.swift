import Algebra
import Shards
import Synchronization

/// `.npy` files of embeddings one below the other, of one dtype (`<f2` or `<f4`) and dimension, read where they lie.
///
/// Any number of files: only the ``openFiles`` read last are open.
final class EmbeddingRows: RowStore {
  let rows: Int
  let dimension: Int
  let isHalf: Bool
  private let paths: [String]
  /// The first row of each file, and the number of rows.
  private let starts: [Int]
  private let open = Mutex(Opened())

  /// Most files open at a time.
  static let openFiles = 256

  /// - Precondition: at least one path.
  /// - Throws: `NpyError` for files that are no embeddings, not alike, or not stored plainly (``isPlain(_:)``).
  init(_ paths: [String]) throws(NpyError) {
    var starts = [0]
    var first: (dimension: Int, type: NpyType)?
    for path in paths {
      let reader = try NpyReader(path: path)
      try EmbeddingFile.check(reader)
      guard Self.isPlain(reader.header) else { throw NpyError(path: path, "not stored as plain rows") }
      let own = (dimension: reader.shape[1], type: reader.type)
      guard own.dimension == first?.dimension ?? own.dimension else {
        throw NpyError(path: path, "rows of \(own.dimension) values, the others have \(first!.dimension)")
      }
      guard own.type == first?.type ?? own.type else { throw NpyError(path: path, "the files mix dtypes") }
      first = first ?? own
      starts.append(starts.last! + reader.rowCount)
    }
    (self.paths, self.starts, rows) = (paths, starts, starts.last!)
    (dimension, isHalf) = (first?.dimension ?? 1, first?.type == .float16)
  }

  /// Whether an array can be read where it lies.
  static func isPlain(_ header: NpyHeader) -> Bool {
    !header.fortranOrder && !header.bigEndian && (header.type == .float16 || header.type == .float32)
  }

  func read(_ range: Range<Int>, into target: inout MutableRawSpan) throws {
    let rowBytes = dimension * (isHalf ? 2 : 4)
    var file = self.file(of: range.lowerBound)
    var next = range.lowerBound
    while next < range.upperBound {
      let end = min(range.upperBound, starts[file + 1])
      if next < end {
        let offset = (next - range.lowerBound) * rowBytes
        var part = unsafe target._mutatingExtracting(
          unchecked: offset..<offset + (end - next) * rowBytes)
        try reader(file).reader.read(next - starts[file]..<end - starts[file], into: &part)
        next = end
      }
      file += 1
    }
  }

  /// The file that row `row` lies in.
  private func file(of row: Int) -> Int {
    var (low, high) = (0, paths.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= row { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// An open file, held in a dictionary.
  private final class Reader: Sendable {
    let reader: NpyReader
    init(_ path: String) throws(NpyError) { reader = try NpyReader(path: path) }
  }

  private struct Opened {
    var readers: [Int: Reader] = [:]
    /// Files in the order in which they were opened; the oldest is closed first.
    var order: [Int] = []
  }

  private func reader(_ file: Int) throws(NpyError) -> Reader {
    if let reader = open.withLock({ $0.readers[file] }) { return reader }
    let reader = try Reader(paths[file])
    guard reader.reader.rowCount == starts[file + 1] - starts[file], reader.reader.isPlain,
      reader.reader.rowBytes == dimension * (isHalf ? 2 : 4)
    else { throw NpyError(path: paths[file], "the file changed while it was read") }
    open.withLock { opened in
      if opened.readers.updateValue(reader, forKey: file) == nil { opened.order.append(file) }
      if opened.order.count > Self.openFiles { opened.readers[opened.order.removeFirst()] = nil }
    }
    return reader
  }
}
