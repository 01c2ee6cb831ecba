import CZlib

/// Inflates one raw deflate stream (RFC 1951), as zip members hold it; owns the library's state.
@safe final class Inflater {
  private var stream = unsafe z_stream()
  /// True once the stream's last block was given out.
  private(set) var isAtEnd = false

  init() throws(DecompressionError) {
    guard unsafe inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DecompressionError(message: "zlib could not start")
    }
  }

  deinit { unsafe inflateEnd(&stream) }

  /// Inflates from `input[range]` to the end of `output`, from `start` on. Returns the bytes read and written.
  func step(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8], from start: Int
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    let room = output.count - start
    let code = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in =
          range.isEmpty
          ? nil : UnsafeMutablePointer(mutating: source.baseAddress! + range.lowerBound)
        unsafe stream.avail_in = UInt32(range.count)
        unsafe stream.next_out = target.baseAddress! + start
        unsafe stream.avail_out = UInt32(room)
        return unsafe inflate(&stream, Z_NO_FLUSH)
      }
    }
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isAtEnd = true
    default:
      throw DecompressionError(
        message: unsafe stream.msg.map { unsafe String(cString: $0) } ?? "zlib error \(code)")
    }
    return unsafe (range.count - Int(stream.avail_in), room - Int(stream.avail_out))
  }
}

/// The CRC-32 of zip (ISO-HDLC), over bytes as they come.
struct CRC32 {
  private(set) var value: UInt32 = 0

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    value = unsafe bytes.withUnsafeBufferPointer {
      unsafe UInt32(truncatingIfNeeded: crc32_z(UInt(value), $0.baseAddress, $0.count))
    }
  }
}
