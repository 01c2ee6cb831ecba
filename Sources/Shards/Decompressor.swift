import CZlib
import CZstd

/// What one step of a decompressor did.
struct DecompressionStep {
  var consumed: Int
  var produced: Int
  /// True when the compressed stream may end here: no frame or member is open.
  var atBoundary: Bool
}

/// A failure inside the compressed stream, in the library's words.
package struct DecompressionError: Error {
  let message: String
  /// True when the stream may be sound but asks for more memory than allowed.
  var isOverLimit = false
}

/// One of the compressed forms a shard may have; owns the library's state.
///
/// What comes out of a broken stream before it breaks must not depend on how its bytes arrive: each step gives all
/// that is sound before a later step throws.
protocol Decompressor: AnyObject {
  var name: String { get }
  /// Inflates from `input` into `output`; both ranges are offsets into the arrays.
  func step(
    _ input: [UInt8], _ inputRange: Range<Int>, into output: inout [UInt8]
  ) throws(DecompressionError) -> DecompressionStep
}

/// gzip through zlib; several members in a row are one stream, zero padding after the last is accepted.
@safe final class GzipDecompressor: Decompressor {
  let name = "gzip"
  private var stream = unsafe z_stream()
  private var open = true
  private var failure: DecompressionError?

  init() throws(DecompressionError) {
    let gzipOnly: Int32 = 15 + 16
    guard unsafe inflateInit2_(&stream, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else {
      throw DecompressionError(message: "zlib could not start")
    }
  }

  deinit { unsafe inflateEnd(&stream) }

  func step(
    _ input: [UInt8], _ inputRange: Range<Int>, into output: inout [UInt8]
  ) throws(DecompressionError) -> DecompressionStep {
    if let failure { throw failure }
    if !open {
      guard !inputRange.isEmpty else { return DecompressionStep(consumed: 0, produced: 0, atBoundary: true) }
      let padding = input[inputRange].prefix { $0 == 0 }.count
      if padding > 0 { return DecompressionStep(consumed: padding, produced: 0, atBoundary: true) }
      unsafe inflateReset(&stream)
      open = true
    }
    let room = output.count
    let code = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = unsafe UnsafeMutablePointer(
          mutating: source.baseAddress! + inputRange.lowerBound)
        unsafe stream.avail_in = UInt32(inputRange.count)
        unsafe stream.next_out = target.baseAddress!
        unsafe stream.avail_out = UInt32(room)
        return unsafe inflate(&stream, Z_NO_FLUSH)
      }
    }
    if code != Z_OK, code != Z_STREAM_END, code != Z_BUF_ERROR {
      let error = unsafe DecompressionError(
        message: stream.msg.map { unsafe String(cString: $0) } ?? "gzip error \(code)")
      if unsafe Int(stream.avail_out) == room { throw error }
      failure = error
    }
    if code == Z_STREAM_END { open = false }
    return unsafe DecompressionStep(
      consumed: inputRange.count - Int(stream.avail_in), produced: room - Int(stream.avail_out),
      atBoundary: !open)
  }
}

/// zstd; several frames and skippable frames in a row are one stream. Windows above the limit are refused by the
/// library before they are allocated.
@safe final class ZstdDecompressor: Decompressor {
  let name = "zstd"
  private let context: OpaquePointer
  private let windowLog: Int
  private var atBoundary = true
  /// Bytes to give next: the library loses what it made in a step that fails, so a step is one block at most.
  private var wanted = ZstdDecompressor.firstBytes
  private var hasMore = false

  private static let firstBytes = 5
  private static let blockHeaderBytes = 3

  init(windowLog: Int) throws(DecompressionError) {
    self.windowLog = windowLog
    guard let context = unsafe ZSTD_createDCtx() else {
      throw DecompressionError(message: "zstd could not start")
    }
    unsafe self.context = context
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Int32(windowLog))
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  func step(
    _ input: [UInt8], _ inputRange: Range<Int>, into output: inout [UInt8]
  ) throws(DecompressionError) -> DecompressionStep {
    let room = output.count
    let given = hasMore ? 0 : min(inputRange.count, wanted)
    var consumed = 0
    var produced = 0
    let code = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        var from = unsafe ZSTD_inBuffer(
          src: source.baseAddress! + inputRange.lowerBound, size: given, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: target.baseAddress!, size: room, pos: 0)
        let code = unsafe ZSTD_decompressStream(context, &to, &from)
        unsafe consumed = from.pos
        unsafe produced = to.pos
        return code
      }
    }
    guard ZSTD_isError(code) == 0 else {
      if ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge {
        throw DecompressionError(
          message: "a zstd window above 2^\(windowLog) bytes; decompress it first (zstd -d --long=31)",
          isOverLimit: true)
      }
      throw DecompressionError(message: unsafe String(cString: ZSTD_getErrorName(code)))
    }
    if consumed > 0 || produced > 0 { atBoundary = code == 0 }
    // The hint covers the header of the block after the next one, too.
    wanted = code == 0 ? Self.firstBytes : code > Self.blockHeaderBytes ? code - Self.blockHeaderBytes : code
    hasMore = produced == room
    return DecompressionStep(consumed: consumed, produced: produced, atBoundary: atBoundary)
  }
}
