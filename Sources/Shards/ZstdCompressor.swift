import CZstd

/// A zstd stream in the one mode whose bytes do not depend on timing: `nbWorkers` = 1 and a fixed job size, with
/// a checksum.
@safe package final class ZstdCompressor {
  private let context: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)

  /// Fails when the library was built without threads, as its bytes would then differ.
  package init(level: Int) throws(DecompressionError) {
    guard let context = unsafe ZSTD_createCCtx() else {
      throw DecompressionError(message: "zstd could not start")
    }
    unsafe self.context = context
    let jobBytes: Int32 = 4 << 20
    for (parameter, value) in [
      (ZSTD_c_compressionLevel, Int32(level)), (ZSTD_c_nbWorkers, 1), (ZSTD_c_jobSize, jobBytes),
      (ZSTD_c_checksumFlag, 1),
    ] {
      let code = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
      guard ZSTD_isError(code) == 0 else {
        throw DecompressionError(message: "zstd: \(unsafe String(cString: ZSTD_getErrorName(code)))")
      }
    }
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Compresses `bytes` and hands out what is ready; `end` closes the frame.
  package func write(
    _ bytes: ArraySlice<UInt8>, end: Bool, to output: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    var consumed = 0
    while true {
      var produced = 0
      let remaining = unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.withUnsafeMutableBytes { target in
          var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
          var to = unsafe ZSTD_outBuffer(dst: target.baseAddress!, size: target.count, pos: 0)
          let code = unsafe ZSTD_compressStream2(context, &to, &from, end ? ZSTD_e_end : ZSTD_e_continue)
          unsafe consumed = from.pos
          unsafe produced = to.pos
          return code
        }
      }
      guard ZSTD_isError(remaining) == 0 else {
        throw DecompressionError(message: "zstd: \(unsafe String(cString: ZSTD_getErrorName(remaining)))")
      }
      if produced > 0 { try output(buffer[..<produced]) }
      if end ? remaining == 0 : consumed == bytes.count { return }
    }
  }
}
