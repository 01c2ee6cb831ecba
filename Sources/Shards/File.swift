import CLinux
import Glibc

/// A failed system call on a file.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The call, for example `open`.
  public let call: String
  public let path: String
  public let errno: Int32

  public init(call: String, path: String, errno: Int32) {
    self.call = call
    self.path = path
    self.errno = errno
  }

  /// The system's words for `errno`.
  var reason: String { unsafe String(cString: strerror(errno)) }

  public var description: String { "\(path): \(call): \(reason)" }
}

/// An open file descriptor, closed when the value ends. Interrupted calls are retried.
public struct File: ~Copyable, Sendable {
  public enum Mode: Sendable {
    case read
    /// Creates or empties the file, mode 0644.
    case create
    /// Creates the file or takes it as it is, mode 0644, for writing at offsets.
    case update
  }

  private let descriptor: Int32
  private let owned: Bool
  public let path: String

  /// Opens `path`. The corresponding C function is `open`.
  public init(path: String, _ mode: Mode) throws(FileError) {
    let flags =
      switch mode {
      case .read: O_RDONLY | O_CLOEXEC
      case .create: O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC
      case .update: O_RDWR | O_CREAT | O_CLOEXEC
      }
    let opened = try File.check("open", path) { unsafe Glibc.open(path, flags, 0o644) }
    (descriptor, owned, self.path) = (Int32(opened), true, path)
  }

  /// Opens an existing regular file for reading; never waits for the other end of a FIFO, never touches a device.
  ///
  /// - Throws: ``FileError`` with `EISDIR` or `EINVAL` for anything else than a regular file.
  public static func regular(_ path: String) throws(FileError) -> File {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let opened = try File.check("open", path) { unsafe Glibc.open(path, flags, 0) }
    let file = File(owning: Int32(opened), name: path)
    let status = try file.status()
    guard status.isRegular else {
      throw FileError(
        call: "not a regular file", path: path, errno: status.isDirectory ? EISDIR : EINVAL)
    }
    return file
  }

  private init(owning descriptor: Int32, name: String) {
    (self.descriptor, owned, path) = (descriptor, true, name)
  }

  private init(borrowing descriptor: Int32, name: String) {
    (self.descriptor, owned, path) = (descriptor, false, name)
  }

  /// The process's standard input, named `stdin`.
  public static func standardInput() -> File { File(borrowing: 0, name: "stdin") }
  /// The process's standard output, named `stdout`.
  public static func standardOutput() -> File { File(borrowing: 1, name: "stdout") }

  deinit { if owned { Glibc.close(descriptor) } }

  /// Size, modification time and identity of a regular file.
  public func status() throws(FileError) -> FileStatus {
    var raw = stat()
    _ = try File.check("fstat", path) { unsafe fstat(descriptor, &raw) }
    return FileStatus(raw)
  }

  /// Reads at most `buffer.count - start` bytes into `buffer` from `start` on; 0 at the end of the file.
  public func read(into buffer: inout [UInt8], from start: Int = 0) throws(FileError) -> Int {
    let room = buffer.count - start
    return try File.check("read", path, waitingOn: descriptor, for: POLLIN) {
      unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress! + start, room) }
    }
  }

  /// Moves the position of a regular file forward by `count` bytes, but not beyond its end. Returns how far.
  func skip(_ count: UInt64) throws(FileError) -> UInt64 {
    let position = try File.check("lseek", path) { lseek(descriptor, 0, SEEK_CUR) }
    let size = try status().size
    let distance = min(count, size - min(size, UInt64(position)))
    _ = try File.check("lseek", path) { lseek(descriptor, off_t(distance), SEEK_CUR) }
    return distance
  }

  /// Reads exactly `count` bytes at `offset`, fewer only at the end of the file.
  public func read(at offset: UInt64, count: Int) throws(FileError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    var span = buffer.mutableSpan
    var bytes = unsafe span.mutableBytes
    let filled = try read(at: offset, into: &bytes)
    buffer.removeLast(count - filled)
    return buffer
  }

  /// Fills `target` with the bytes at `offset`. Returns how many there were, fewer only at the end of the file.
  package func read(at offset: UInt64, into target: inout MutableRawSpan) throws(FileError) -> Int {
    let count = target.byteCount
    var filled = 0
    while filled < count {
      let got = try File.check("pread", path) {
        unsafe target.withUnsafeMutableBytes {
          unsafe pread(descriptor, $0.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled))
        }
      }
      if got == 0 { break }
      filled += got
    }
    return filled
  }

  /// Writes all bytes at the current position.
  public func write(_ bytes: RawSpan) throws(FileError) {
    var written = 0
    while written < bytes.byteCount {
      let rest = bytes.extracting(written...)
      written += try File.check("write", path, waitingOn: descriptor, for: POLLOUT) {
        unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress!, $0.count) }
      }
    }
  }

  /// Writes all bytes at the current position.
  public func write(_ bytes: [UInt8]) throws(FileError) { try unsafe write(bytes.span.bytes) }

  /// Overwrites bytes at `offset` without moving the position.
  public func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
    let count = try File.check("pwrite", path) {
      unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress!, $0.count, off_t(offset)) }
    }
    guard count == bytes.count else { throw FileError(call: "pwrite", path: path, errno: EIO) }
  }

  /// Cuts the file off at `count` bytes and goes on writing there. The corresponding C function is `ftruncate`.
  func truncate(to count: UInt64) throws(FileError) {
    _ = try File.check("ftruncate", path) { ftruncate(descriptor, off_t(count)) }
    _ = try File.check("lseek", path) { lseek(descriptor, off_t(count), SEEK_SET) }
  }

  /// Makes the content durable. The corresponding C function is `fsync`.
  public func sync() throws(FileError) { _ = try File.check("fsync", path) { fsync(descriptor) } }

  /// Asks the system to begin writing a range to the device now, without waiting, so that ``sync()`` has less to
  /// do. Only a hint: whatever goes wrong, ``sync()`` tells.
  func startWriteback(_ range: Range<UInt64>) {
    _ = tamis_start_writeback(descriptor, Int(range.lowerBound), range.count)
  }

  /// Takes an exclusive advisory lock; false if another process holds it.
  public func tryLock() throws(FileError) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw FileError(call: "flock", path: path, errno: errno)
  }

  /// Runs a call that returns −1 on failure, retrying when it was interrupted.
  ///
  /// - Parameter descriptor: what is waited on where a call would have to wait and may not: some parents leave their
  ///   pipes non-blocking.
  static func check<Value: BinaryInteger>(
    _ call: String, _ path: String, waitingOn descriptor: Int32 = -1, for events: Int32 = 0,
    _ body: () -> Value
  ) throws(FileError) -> Value {
    while true {
      let value = body()
      if value != -1 { return value }
      let code = errno
      if code == EAGAIN, descriptor >= 0 {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
      } else if code != EINTR {
        throw FileError(call: call, path: path, errno: code)
      }
    }
  }
}

/// What `stat` tells of a file.
public struct FileStatus: Sendable, Equatable, Codable {
  public var size: UInt64
  /// Nanoseconds since 1970.
  public var modified: Int64
  public var inode: UInt64
  public var isRegular: Bool
  public var isDirectory: Bool

  /// Of nothing, for streams that have no status.
  public init() { (size, modified, inode, isRegular, isDirectory) = (0, 0, 0, false, false) }

  init(_ raw: stat) {
    size = UInt64(raw.st_size)
    modified = Int64(raw.st_mtim.tv_sec) * 1_000_000_000 + Int64(raw.st_mtim.tv_nsec)
    inode = UInt64(raw.st_ino)
    isRegular = raw.st_mode & S_IFMT == S_IFREG
    isDirectory = raw.st_mode & S_IFMT == S_IFDIR
  }

  /// The status of `path`, following links; nil if there is no such file.
  public init?(path: String) throws(FileError) {
    var raw = stat()
    guard unsafe stat(path, &raw) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FileError(call: "stat", path: path, errno: errno)
    }
    self.init(raw)
  }
}
