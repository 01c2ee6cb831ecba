/// A file written front to back, compressed on the way or not, hashed as it is stored.
struct CompressedFile: ~Copyable {
  private enum Coder {
    case none
    case gzip(GzipCompressor)
    case zstd(ZstdCompressor)
  }

  private var sink: WriteBehindFile
  private let coder: Coder

  /// - Parameters:
  ///   - threads: of zstd; the bytes do not depend on it.
  ///   - contentBytes: all that will be written, if that is known: zstd then says so at the start.
  init(
    _ file: consuming File, _ compression: ShardCompression, threads: Int, contentBytes: UInt64? = nil
  ) throws(DecompressionError) {
    let coder: Coder =
      switch compression {
      case .none: .none
      case .gzip(let level): .gzip(try GzipCompressor(level: level ?? ShardCompression.gzipLevel))
      case .zstd(let level, let window):
        .zstd(
          try ZstdCompressor(
            level: level ?? ShardCompression.zstdLevel, window: window, threads: threads,
            contentBytes: contentBytes))
      }
    sink = WriteBehindFile(file)
    self.coder = coder
  }

  mutating func write(_ bytes: ArraySlice<UInt8>) throws { try write(bytes, .on) }

  /// Makes all that was written readable at the other end: closes the block of zstd (gzip's goes on), and begins to
  /// write. The stored bytes depend on where this is called, not on when.
  mutating func flush() throws {
    try write([], .flush)
    try sink.flush()
  }

  private mutating func write(_ bytes: ArraySlice<UInt8>, _ step: CompressionStep) throws {
    switch coder {
    case .none: try sink.write(bytes)
    case .gzip(let compressor): try compressor.write(bytes, end: step == .end) { try sink.write($0) }
    case .zstd(let compressor): try compressor.write(bytes, step) { try sink.write($0) }
    }
  }

  /// Ends the compression and makes the file durable, unless told otherwise as for standard output.
  ///
  /// - Returns: bytes of the file, and their SHA-256 in lower-case hex.
  consuming func finish(syncing: Bool) throws -> (bytes: UInt64, sha256: String) {
    try write([], .end)
    let bytes = sink.count
    return (bytes, try sink.finish(syncing: syncing))
  }
}
