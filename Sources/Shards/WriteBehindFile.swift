import Crypto
import Dispatch
import Synchronization

/// Gathers writes to a file and hashes them; hashing and writing happen behind the caller's back, one buffer at a
/// time and in order, while the caller fills the next.
///
/// Memory: three buffers of 1 MiB.
public struct WriteBehindFile: ~Copyable {
  private static let capacity = 1 << 20
  private let lane: Lane
  private var buffer: [UInt8]
  /// Bytes given so far.
  public private(set) var count: UInt64 = 0

  public init(_ file: consuming File) {
    lane = Lane(file)
    buffer = []
    buffer.reserveCapacity(Self.capacity)
  }

  /// - Throws: ``FileError`` when an earlier write failed.
  public mutating func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
    count += UInt64(bytes.count)
    var rest = bytes
    while !rest.isEmpty {
      let part = rest.prefix(Self.capacity - buffer.count)
      buffer += part
      rest = rest.dropFirst(part.count)
      if buffer.count == Self.capacity { try flush() }
    }
  }

  /// Begins to write what was gathered, without waiting for it.
  public mutating func flush() throws(FileError) {
    guard !buffer.isEmpty else { return }
    buffer = try lane.write(buffer, capacity: Self.capacity)
  }

  /// Writes what is left and makes the file durable, unless told otherwise as for standard output.
  ///
  /// - Returns: SHA-256 of all bytes in lower-case hex.
  public consuming func finish(syncing: Bool = true) throws(FileError) -> String {
    try flush()
    return try lane.finish(syncing: syncing)
  }
}

/// The file and its hash, worked on by one serial queue; buffers go to and fro through ``Exchange``.
private final class Lane: Sendable {
  private struct Output: ~Copyable {
    let file: File
    var hasher = SHA256()
    private var written: UInt64 = 0
    /// Bytes that are on their way to the device.
    private var started: UInt64 = 0

    private static let writebackBytes: UInt64 = 8 << 20

    init(_ file: consuming File) { self.file = file }

    mutating func write(_ bytes: [UInt8]) throws(FileError) {
      unsafe bytes.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
      try file.write(bytes)
      written += UInt64(bytes.count)
      if written - started >= Self.writebackBytes {
        file.startWriteback(started..<written)
        started = written
      }
    }
  }

  private struct Exchange {
    /// Full buffers, oldest first.
    var full: [[UInt8]] = []
    /// Buffers that were written, to be filled again.
    var empty: [[UInt8]] = []
    var failure: FileError?
  }

  /// Locked while a buffer is written.
  private let output: Mutex<Output>
  private let exchange = Mutex(Exchange())
  private let queue = DispatchQueue(label: "tamis.write-behind")
  /// How many buffers may wait or be in writing.
  private let slots = DispatchSemaphore(value: 2)

  init(_ file: consuming File) { output = Mutex(Output(file)) }

  /// Takes a full buffer and gives an empty one for it.
  func write(_ buffer: [UInt8], capacity: Int) throws(FileError) -> [UInt8] {
    slots.wait()
    let (empty, failure) = exchange.withLock { exchange in
      exchange.full.append(buffer)
      return (exchange.empty.popLast(), exchange.failure)
    }
    queue.async { [self] in
      writeNext()
      slots.signal()
    }
    if let failure { throw failure }
    if let empty { return empty }
    var new: [UInt8] = []
    new.reserveCapacity(capacity)
    return new
  }

  private func writeNext() {
    var buffer = exchange.withLock { $0.full.removeFirst() }
    do throws(FileError) {
      guard exchange.withLock({ $0.failure == nil }) else { return }
      try output.withLock { output throws(FileError) in try output.write(buffer) }
      buffer.removeAll(keepingCapacity: true)
      exchange.withLock { $0.empty.append(buffer) }
    } catch {
      exchange.withLock { $0.failure = error }
    }
  }

  /// Waits for all writes.
  func finish(syncing: Bool) throws(FileError) -> String {
    queue.sync {}
    if let failure = exchange.withLock({ $0.failure }) { throw failure }
    return try output.withLock { output throws(FileError) in
      if syncing { try output.file.sync() }
      return hexadecimal(output.hasher.finalize())
    }
  }
}
