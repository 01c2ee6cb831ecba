/// Gathers small writes to a file.
public struct BufferedFile: ~Copyable {
  private let file: File
  private var buffer: [UInt8] = []
  /// Bytes given so far.
  public private(set) var count: UInt64 = 0
  private let capacity: Int

  public init(_ file: consuming File, capacity: Int = 1 << 20) {
    self.file = file
    self.capacity = capacity
    buffer.reserveCapacity(capacity)
  }

  public mutating func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
    count += UInt64(bytes.count)
    if buffer.count + bytes.count > capacity { try flush() }
    if bytes.count >= capacity { try unsafe file.write(bytes.span.bytes) } else { buffer += bytes }
  }

  public mutating func write(_ text: String) throws(FileError) { try write(Array(text.utf8)[...]) }

  /// Takes back all but the first `count` bytes given.
  public mutating func rewind(to count: UInt64) throws(FileError) {
    precondition(count <= self.count, "nothing to take back")
    try flush()
    try file.truncate(to: count)
    self.count = count
  }

  private mutating func flush() throws(FileError) {
    guard !buffer.isEmpty else { return }
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes what is left; `head` overwrites the first bytes of the file. Makes the file durable unless told
  /// otherwise, as for standard output.
  public consuming func finish(head: [UInt8]? = nil, syncing: Bool = true) throws(FileError) {
    try flush()
    if let head { try file.write(head, at: 0) }
    if syncing { try file.sync() }
  }
}
