import CZstd

/// What follows some bytes in a compressed stream.
package enum CompressionStep {
  /// More bytes.
  case on
  /// More, but a reader can have all up to here now.
  case flush
  /// Nothing: the frame is closed.
  case end
}

/// A zstd stream in the one mode whose bytes depend neither on timing nor on the number of threads: `nbWorkers` of at
/// least 1 and a fixed job size, with a checksum.
@safe package final class ZstdCompressor {
  private let context: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)

  private static let jobBytes = 4 << 20

  /// Fails when the library was built without threads, as its bytes would then differ.
  ///
  /// - Parameters:
  ///   - window: base-2 logarithm of the window for long matches; nil: none are looked for.
  ///   - contentBytes: all that will be written, told in the frame's header; nil where it is not known before.
  package init(
    level: Int, window: Int? = nil, threads: Int = 1, contentBytes: UInt64? = nil
  ) throws(DecompressionError) {
    guard let context = unsafe ZSTD_createCCtx() else {
      throw DecompressionError(message: "zstd could not start")
    }
    unsafe self.context = context
    var parameters = [
      (ZSTD_c_compressionLevel, level), (ZSTD_c_nbWorkers, max(1, threads)), (ZSTD_c_jobSize, Self.jobBytes),
      (ZSTD_c_checksumFlag, 1),
    ]
    if let window { parameters += [(ZSTD_c_enableLongDistanceMatching, 1), (ZSTD_c_windowLog, window)] }
    for (parameter, value) in parameters {
      try Self.check(unsafe ZSTD_CCtx_setParameter(context, parameter, Int32(value)))
    }
    if let contentBytes { try Self.check(unsafe ZSTD_CCtx_setPledgedSrcSize(context, contentBytes)) }
  }

  private static func check(_ code: Int) throws(DecompressionError) {
    guard ZSTD_isError(code) == 0 else {
      throw DecompressionError(message: "zstd: \(unsafe String(cString: ZSTD_getErrorName(code)))")
    }
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Bytes that compressing takes at most, roughly: a context and two jobs for each thread, and the window.
  static func memory(level: Int, window: Int?, threads: Int) -> Int {
    let windowBytes = 1 << (window ?? 0)
    return threads * (ZSTD_estimateCCtxSize(Int32(level)) + 2 * jobBytes) + 2 * windowBytes
  }

  /// Compresses `bytes` and hands out what is ready; `end` closes the frame.
  package func write(
    _ bytes: ArraySlice<UInt8>, end: Bool, to output: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    try write(bytes, end ? .end : .on, to: output)
  }

  /// Compresses `bytes`, then takes the step, and hands out what is ready.
  package func write(
    _ bytes: ArraySlice<UInt8>, _ step: CompressionStep, to output: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    let directive =
      switch step {
      case .on: ZSTD_e_continue
      case .flush: ZSTD_e_flush
      case .end: ZSTD_e_end
      }
    var consumed = 0
    while true {
      var produced = 0
      let remaining = unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.withUnsafeMutableBytes { target in
          var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
          var to = unsafe ZSTD_outBuffer(dst: target.baseAddress!, size: target.count, pos: 0)
          let code = unsafe ZSTD_compressStream2(context, &to, &from, directive)
          unsafe consumed = from.pos
          unsafe produced = to.pos
          return code
        }
      }
      try Self.check(remaining)
      if produced > 0 { try output(buffer[..<produced]) }
      if step == .on ? consumed == bytes.count : remaining == 0 { return }
    }
  }
}
