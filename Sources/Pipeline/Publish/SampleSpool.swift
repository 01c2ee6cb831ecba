import Shards

/// Brings samples into another order out of core: they are dealt out to files by position as they come, each file
/// holding a run of positions, and read back one file after the other. What is read at random is then no more than a
/// file, which the page cache holds; memory is an entry for each sample of one file.
struct SampleSpool: ~Copyable {
  /// Open files at a time.
  static let maximumBuckets = 64

  let directory: String
  private let first: Int
  private let bucketSize: Int
  private var buckets: [Bucket]

  /// - Parameters:
  ///   - positions: those that will be added.
  ///   - bytes: about how many there will be.
  ///   - bucketBytes: about how many a file should hold.
  init(directory: String, positions: Range<Int>, bytes: UInt64, bucketBytes: Int) throws {
    try Directory.remove(directory)
    try Directory.create(directory)
    let wanted = Int(bytes / UInt64(max(1, bucketBytes))) + 1
    let count = max(1, min(wanted, Self.maximumBuckets, positions.count))
    buckets = try (0..<count).map { try Bucket(path: "\(directory)/\($0)") }
    bucketSize = max(1, (positions.count + count - 1) / count)
    self.directory = directory
    first = positions.lowerBound
  }

  /// Adds a sample; positions may come in any order.
  mutating func add(_ sample: PublishedSample, position: Int) throws {
    try buckets[(position - first) / bucketSize].add(sample, position: position)
  }

  /// Ends the writing.
  mutating func seal() throws { for bucket in buckets { try bucket.seal() } }

  /// Hands out all samples of a spool in the order of their positions, and removes it.
  static func read(
    _ directory: String, _ body: (_ position: Int, PublishedSample) throws -> Void
  ) throws {
    let names = try (Directory.names(in: directory) ?? []).compactMap { Int($0) }.sorted()
    for name in names {
      let path = "\(directory)/\(name)"
      let file = try File(path: path, .read)
      let size = try file.status().size
      var entries: [(position: UInt64, offset: UInt64, count: UInt64)] = []
      var offset: UInt64 = 0
      while offset < size {
        let head = UInt64.decode(try file.read(at: offset, count: 16))
        let (position, count) = (head[0], head[1])
        entries.append((position, offset + 16, count))
        offset += 16 + count
      }
      entries.sort { $0.position < $1.position }
      for entry in entries {
        let bytes = try file.read(at: entry.offset, count: Int(entry.count))
        try body(Int(entry.position), PublishedSample(serialized: bytes))
      }
      try Directory.remove(path)
    }
    try Directory.remove(directory)
  }
}

/// One file of a spool: for each sample its position, its length, its bytes.
private final class Bucket {
  private var file: BufferedFile?

  init(path: String) throws { file = BufferedFile(try File(path: path, .create), capacity: 256 << 10) }

  func add(_ sample: PublishedSample, position: Int) throws {
    let bytes = sample.serialized()
    var head: [UInt8] = []
    head.appendLittleEndian(UInt64(position))
    head.appendLittleEndian(UInt64(bytes.count))
    try file!.write(head[...])
    try file!.write(bytes[...])
  }

  func seal() throws {
    if let file = file.take() { try file.finish(syncing: false) }
  }
}
