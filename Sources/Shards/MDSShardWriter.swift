import Crypto

/// Gathers one MDS shard and writes it at the end: its header lists the offsets of all samples, so it comes before the
/// first and is known after the last. Memory: the shard before compression.
public struct MDSShardWriter: ~Copyable {
  private let format: MDSFormat
  private var data: [UInt8] = []
  /// Where each sample ends in ``data``.
  private var ends: [Int] = []

  public init(_ format: MDSFormat) { self.format = format }

  public var samples: Int { ends.count }

  /// Bytes of the shard so far, as its size limit counts them.
  private var countedBytes: Int { 8 + format.config.count + data.count + 4 * ends.count }

  /// Bytes of one sample with this many bytes of values.
  private func sampleBytes(_ valueBytes: Int) -> Int {
    4 * format.columns.count { $0.size == nil } + valueBytes
  }

  /// Whether a sample would still fit, as MDS's own writer decides it.
  public func hasRoom(valueBytes: Int) -> Bool {
    countedBytes + sampleBytes(valueBytes) + 4 <= format.sizeLimit
  }

  /// Adds a sample.
  ///
  /// - Parameter values: of the format's columns, in their order; those of a fixed size have just that.
  public mutating func add(_ values: [ArraySlice<UInt8>]) {
    for (column, value) in zip(format.columns, values) where column.size == nil {
      data.appendLittleEndian(UInt32(value.count))
    }
    for (column, value) in zip(format.columns, values) {
      precondition(column.size == nil || column.size == value.count, "\(column.name) is of another size")
      data += value
    }
    ends.append(data.count)
  }

  /// Writes the shard, makes it durable and begins the next one.
  ///
  /// - Parameter threads: that compress; the bytes do not depend on it.
  /// - Returns: the stored file, and bytes and SHA-256 before compression.
  public mutating func finish(
    _ file: consuming File, threads: Int
  ) throws -> (stored: WrittenShard, raw: (bytes: UInt64, sha256: String)) {
    var header: [UInt8] = []
    header.reserveCapacity(8 + 4 * ends.count + format.config.count)
    header.appendLittleEndian(UInt32(ends.count))
    let start = 4 + 4 * (ends.count + 1) + format.config.count
    for end in [0] + ends { header.appendLittleEndian(UInt32(start + end)) }
    header += format.config

    let rawBytes = UInt64(header.count + data.count)
    // MDS's reader cannot unpack a frame that does not say how much is in it.
    var output = try CompressedFile(file, format.compression, threads: threads, contentBytes: rawBytes)
    // Without compression the stored bytes are the raw ones, and hashed on their way.
    var hasher = format.compression == .none ? nil : SHA256()
    for part in [header, data] {
      unsafe part.withUnsafeBytes { unsafe hasher?.update(bufferPointer: $0) }
      try output.write(part[...])
    }
    let rawHash = hasher.map { hexadecimal($0.finalize()) }
    let samples = ends.count
    data.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    let (bytes, sha256) = try output.finish(syncing: true)
    return (WrittenShard(samples: samples, bytes: bytes, sha256: sha256), (rawBytes, rawHash ?? sha256))
  }
}
