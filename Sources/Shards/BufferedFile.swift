import Crypto

/// Gathers small writes to a file; hashes what goes out where asked.
public struct BufferedFile: ~Copyable {
  private let file: File
  private var hasher: SHA256?
  private var buffer: [UInt8] = []
  /// Bytes given so far.
  public private(set) var count: UInt64 = 0
  private static let capacity = 1 << 20

  public init(_ file: consuming File, hashing: Bool = false) {
    self.file = file
    if hashing { hasher = SHA256() }
    buffer.reserveCapacity(Self.capacity)
  }

  public mutating func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
    count += UInt64(bytes.count)
    if buffer.count + bytes.count > Self.capacity { try flush() }
    if bytes.count >= Self.capacity { try emit(bytes) } else { buffer += bytes }
  }

  public mutating func write(_ text: String) throws(FileError) { try write(Array(text.utf8)[...]) }

  private mutating func flush() throws(FileError) {
    guard !buffer.isEmpty else { return }
    try emit(buffer[...])
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func emit(_ bytes: ArraySlice<UInt8>) throws(FileError) {
    if hasher != nil { unsafe bytes.withUnsafeBytes { unsafe hasher!.update(bufferPointer: $0) } }
    try unsafe file.write(bytes.span.bytes)
  }

  /// Writes what is left; `head` overwrites the first bytes of the file (not hashed). Makes the file durable
  /// unless told otherwise, as for standard output.
  ///
  /// - Returns: SHA-256 in lower-case hex, empty without hashing.
  @discardableResult
  public consuming func finish(head: [UInt8]? = nil, syncing: Bool = true) throws(FileError) -> String {
    try flush()
    if let head { try file.write(head, at: 0) }
    if syncing { try file.sync() }
    return hasher.map { hexadecimal($0.finalize()) } ?? ""
  }
}
