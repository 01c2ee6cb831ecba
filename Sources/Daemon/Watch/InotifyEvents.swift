import CLinux
import Glibc
import Shards

/// One change in a watched directory.
struct DirectoryEvent {
  enum Kind {
    /// A file was renamed into it.
    case renamed
    /// A file that was open for writing was closed.
    case written
    /// A link or a file was made; a file is not complete yet.
    case created
    /// A directory came, or the watched one went.
    case tree
    /// Events were lost.
    case overflow
  }
  var kind: Kind
  /// Of the directory, as ``InotifyDescriptor/watch(_:)`` gave it.
  var watch: Int32
  /// Of the entry; empty for the directory itself.
  var name: String
}

/// An inotify instance, closed with the object.
final class InotifyDescriptor {
  let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  private static let mask = UInt32(
    IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

  /// - Throws: ``FileError`` with `EMFILE` when the user has too many instances.
  init() throws(FileError) {
    descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    guard descriptor >= 0 else { throw FileError(call: "inotify_init1", path: "inotify", errno: errno) }
  }

  deinit { Glibc.close(descriptor) }

  /// Watches a directory; the same number again if it is watched already.
  ///
  /// - Throws: ``FileError`` with `ENOSPC` when the user has too many watches, `ENOENT` when it is gone.
  func watch(_ path: String) throws(FileError) -> Int32 {
    let watch = unsafe inotify_add_watch(descriptor, path, Self.mask)
    guard watch >= 0 else { throw FileError(call: "inotify_add_watch", path: path, errno: errno) }
    return watch
  }

  func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor, watch) }

  /// All that happened since the last call, never waiting.
  func read() throws(FileError) -> [DirectoryEvent] {
    var events: [DirectoryEvent] = []
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress!, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN { return events }
        throw FileError(call: "read", path: "inotify", errno: errno)
      }
      parse(buffer[..<count], into: &events)
    }
  }

  /// `struct inotify_event`: watch, mask, cookie, length of the name, name with zero bytes behind.
  private func parse(_ bytes: ArraySlice<UInt8>, into events: inout [DirectoryEvent]) {
    var rest = bytes
    while rest.count >= 16 {
      let head = rest.prefix(16)
      func word(_ index: Int) -> UInt32 {
        unsafe head.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self) }
      }
      let (mask, length) = (Int(word(1)), Int(word(3)))
      let name = String(decoding: rest.dropFirst(16).prefix(length).prefix { $0 != 0 }, as: UTF8.self)
      rest = rest.dropFirst(16 + length)
      if let kind = Self.kind(mask) {
        events.append(DirectoryEvent(kind: kind, watch: Int32(bitPattern: word(0)), name: name))
      }
    }
  }

  private static func kind(_ mask: Int) -> DirectoryEvent.Kind? {
    func has(_ bits: Int) -> Bool { mask & bits != 0 }
    if has(Int(IN_Q_OVERFLOW)) { return .overflow }
    if has(Int(IN_DELETE_SELF) | Int(IN_MOVE_SELF) | Int(IN_IGNORED) | Int(IN_UNMOUNT) | Int(IN_ISDIR)) {
      return .tree
    }
    if has(Int(IN_MOVED_TO)) { return .renamed }
    if has(Int(IN_CLOSE_WRITE)) { return .written }
    return has(Int(IN_CREATE)) ? .created : nil
  }
}
