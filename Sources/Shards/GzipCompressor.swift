import CZlib

/// One gzip member without name or time, so that the same bytes in give the same bytes out.
@safe final class GzipCompressor {
  private var stream = unsafe z_stream()
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)

  /// - Parameter level: 1 to 9.
  init(level: Int) throws(DecompressionError) {
    let windowBits: Int32 = 15
    let gzip: Int32 = 16
    let code = unsafe deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, windowBits + gzip, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw DecompressionError(message: "gzip could not start") }
  }

  deinit { unsafe deflateEnd(&stream) }

  /// Compresses `bytes` and hands out what is ready; `end` closes the member.
  func write(
    _ bytes: ArraySlice<UInt8>, end: Bool, to output: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    var rest = bytes
    repeat {
      // zlib counts in 32 bits.
      let part = rest.prefix(1 << 30)
      rest = rest.dropFirst(part.count)
      try writePart(part, end: end && rest.isEmpty, to: output)
    } while !rest.isEmpty
  }

  private func writePart(
    _ bytes: ArraySlice<UInt8>, end: Bool, to output: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    var consumed = 0
    while true {
      var produced = 0
      let code = unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.withUnsafeMutableBytes { target in
          let base = unsafe source.bindMemory(to: UInt8.self).baseAddress
          unsafe stream.next_in = base.map { unsafe UnsafeMutablePointer(mutating: $0 + consumed) }
          unsafe stream.avail_in = UInt32(source.count - consumed)
          unsafe stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
          unsafe stream.avail_out = UInt32(target.count)
          let code = unsafe deflate(&stream, end ? Z_FINISH : Z_NO_FLUSH)
          consumed = unsafe source.count - Int(stream.avail_in)
          produced = unsafe target.count - Int(stream.avail_out)
          return code
        }
      }
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw DecompressionError(message: "gzip: error \(code)")
      }
      if produced > 0 { try output(buffer[..<produced]) }
      if end ? code == Z_STREAM_END : consumed == bytes.count && produced < buffer.count { return }
    }
  }
}
