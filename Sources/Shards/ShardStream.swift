import Crypto

/// The decompressed bytes of one shard, front to back, from a file or standard input.
///
/// The form (plain, gzip, zstd) is told by the first bytes, never by the name. Memory is two fixed buffers.
final class ShardStream {
  private let file: File
  private let limits: ShardLimits
  private var decompressor: (any Decompressor)?
  /// Compressed bytes read and not yet inflated; unused for a plain tar.
  private var raw = [UInt8]()
  private var rawRange = 0..<0
  private var rawEnded = false
  private var atBoundary = true
  /// Decompressed bytes not yet taken.
  private var chunk: [UInt8]
  private var position = 0
  private var filled = 0
  private var hasher: SHA256?
  /// Bytes of the shard file read so far.
  private(set) var storedBytes: UInt64 = 0
  /// Decompressed bytes handed out so far.
  private(set) var offset: UInt64 = 0
  private var decompressedBytes: UInt64 = 0
  /// Where a copy of all that comes out goes.
  private var copy: BufferedFile?

  /// - Parameter hashing: compute the SHA-256 of the file as stored, see ``finish()``.
  init(_ file: consuming File, limits: ShardLimits, hashing: Bool) throws {
    self.file = file
    self.limits = limits
    chunk = [UInt8](repeating: 0, count: max(limits.bufferBytes, 512))
    if hashing { hasher = SHA256() }
    try sniff()
  }

  /// The compression in words, or nil for a plain tar.
  var compression: String? { decompressor?.name }

  /// Reads enough of the start to know the form; names other well-known formats in the error.
  private func sniff() throws {
    var start = try readStored()
    while start < 512, !rawEnded { start += try readStored(from: start) }
    filled = start
    let head = chunk[..<filled]
    if head.starts(with: [0x1f, 0x8b]) {
      decompressor = try wrapping { () throws(DecompressionError) in try GzipDecompressor() }
    } else if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
      || (head.count >= 4 && head[0] & 0xf0 == 0x50 && head[1...].starts(with: [0x2a, 0x4d, 0x18]))
    {
      let windowLog = limits.zstdWindowLog
      decompressor = try wrapping { () throws(DecompressionError) in
        try ZstdDecompressor(windowLog: windowLog)
      }
    } else if let foreign = Self.foreignFormat(head) {
      throw ShardFault(.badHeader, at: 0, "this is \(foreign), not a tar")
    } else {
      return
    }
    raw = chunk
    rawRange = 0..<filled
    filled = 0
  }

  /// Names what a file is when it is clearly no tar. A tar whose first name looks like a signature is a tar.
  private static func foreignFormat(_ head: ArraySlice<UInt8>) -> String? {
    if head.count >= 512, (try? TarHeader(block: head.prefix(512), at: 0)) != nil { return nil }
    let signatures: [([UInt8], String)] = [
      (Array("PAR1".utf8), "a Parquet file"), (Array("PK\u{3}\u{4}".utf8), "a zip archive"),
      (Array("BZh".utf8), "a bzip2 file"), ([0xfd] + Array("7zXZ".utf8), "an xz file"),
      (Array("ARROW1".utf8), "an Arrow file"), ([0x93] + Array("NUMPY".utf8), "a NumPy array"),
      ([0xff, 0xd8, 0xff], "a JPEG image"), ([0x89] + Array("PNG".utf8), "a PNG image"),
      ([0x7f] + Array("ELF".utf8), "a program"), (Array("<!DOCTYPE".utf8), "an HTML page"),
      (Array("<html".utf8), "an HTML page"),
    ]
    return signatures.first { head.starts(with: $0.0) }?.1
  }

  private func wrapping<Value>(_ body: () throws(DecompressionError) -> Value) throws(ShardFault) -> Value {
    do { return try body() } catch {
      throw ShardFault(.truncatedShard, at: offset, "the compressed stream breaks here: \(error.message)")
    }
  }

  /// Reads stored bytes into `chunk` (plain) from `start` on; hashes and counts them.
  private func readStored(from start: Int = 0) throws(FileError) -> Int {
    let got = try file.read(into: &chunk, from: start)
    account(chunk, start..<(start + got))
    return got
  }

  private func account(_ bytes: [UInt8], _ range: Range<Int>) {
    storedBytes += UInt64(range.count)
    if range.isEmpty { rawEnded = true }
    if hasher != nil {
      unsafe bytes.withUnsafeBytes { unsafe hasher!.update(bufferPointer: .init(rebasing: $0[range])) }
    }
  }

  /// Copies all decompressed bytes to `output` as they are read, from now on.
  func startCopying(to output: consuming File) throws {
    copy = BufferedFile(output)
    try copy?.write(chunk[position..<filled])
  }

  /// Writes what is left of the copy, without syncing.
  func finishCopying() throws { try copy.take()?.finish(syncing: false) }

  /// Fills `chunk` again; false at the end of the stream.
  private func fill() throws -> Bool {
    guard try refill() else { return false }
    try copy?.write(chunk[..<filled])
    return true
  }

  private func refill() throws -> Bool {
    position = 0
    filled = 0
    if decompressedBytes > limits.decompressedBytes { try checkExpansion() }
    guard let decompressor else {
      guard !rawEnded else { return false }
      filled = try readStored()
      return filled > 0
    }
    while true {
      if rawRange.isEmpty, !rawEnded {
        let got = try file.read(into: &raw)
        account(raw, 0..<got)
        rawRange = 0..<got
      }
      let step = try wrapping { () throws(DecompressionError) in
        try decompressor.step(raw, rawRange, into: &chunk)
      }
      rawRange = (rawRange.lowerBound + step.consumed)..<rawRange.upperBound
      atBoundary = step.atBoundary
      if step.produced > 0 {
        decompressedBytes += UInt64(step.produced)
        let excess = decompressedBytes - min(decompressedBytes, limits.decompressedBytes)
        filled = max(step.produced - Int(excess), 0)
        if filled == 0 || excess == 0 { try checkExpansion() }
        return true
      }
      if rawEnded, rawRange.isEmpty {
        guard atBoundary else {
          throw ShardFault(.truncatedShard, at: offset, "the \(decompressor.name) stream is cut off")
        }
        return false
      }
    }
  }

  /// Stops output bombs: a total cap up to which all bytes are given, and more than 1000:1 once past 1 GiB.
  private func checkExpansion() throws(ShardFault) {
    if decompressedBytes > limits.decompressedBytes {
      throw ShardFault(
        .memberTooLarge, at: offset, "more than \(limits.decompressedBytes) bytes come out of this shard")
    }
    if decompressedBytes > 1 << 30, decompressedBytes / 1000 > storedBytes {
      throw ShardFault(.memberTooLarge, at: offset, "the shard inflates more than 1000 to 1")
    }
  }

  /// Appends up to `count` bytes to `output`; fewer only at the end of the stream.
  func read(_ count: Int, into output: inout [UInt8]) throws -> Int {
    var left = count
    while left > 0 {
      if position == filled, try !fill() { break }
      let take = min(left, filled - position)
      output.append(contentsOf: chunk[position..<(position + take)])
      position += take
      offset += UInt64(take)
      left -= take
    }
    return count - left
  }

  /// Passes over up to `count` bytes; fewer only at the end of the stream.
  func skip(_ count: UInt64) throws -> UInt64 {
    var left = count
    while left > 0 {
      if position == filled, try !fill() { break }
      let take = Int(min(left, UInt64(filled - position)))
      position += take
      offset += UInt64(take)
      left -= UInt64(take)
    }
    return count - left
  }

  /// Reads the rest, so that the hash covers the whole file. Returns the offset of the first byte that is not
  /// zero, or nil when only padding was left.
  func drain() throws -> UInt64? {
    var found: UInt64?
    while true {
      if position == filled, try !fill() { return found }
      if found == nil, let index = chunk[position..<filled].firstIndex(where: { $0 != 0 }) {
        found = offset + UInt64(index - position)
      }
      offset += UInt64(filled - position)
      position = filled
    }
  }

  /// SHA-256 of the file as stored, in lower-case hex; nil unless hashing was asked for. Read to the end first.
  func digest() -> String? { hasher.map { hexadecimal($0.finalize()) } }
}

/// Lower-case hex of some bytes.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  text.reserveCapacity(2 * bytes.underestimatedCount)
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// SHA-256 of bytes in lower-case hex.
public func sha256(_ bytes: some Sequence<UInt8>) -> String { hexadecimal(SHA256.hash(data: Array(bytes))) }

/// Size and SHA-256 of a whole file.
public struct FileDigest: Sendable, Equatable {
  public let bytes: UInt64
  /// Lower-case hex.
  public let sha256: String

  public init(path: String) throws(FileError) {
    let file = try File(path: path, .read)
    var hasher = SHA256()
    var total: UInt64 = 0
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = try file.read(into: &buffer)
      if got == 0 { break }
      unsafe buffer.withUnsafeBytes { unsafe hasher.update(bufferPointer: .init(rebasing: $0[..<got])) }
      total += UInt64(got)
    }
    bytes = total
    sha256 = hexadecimal(hasher.finalize())
  }
}
