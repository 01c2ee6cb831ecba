import Dispatch
import Glibc
import Shards

/// A client's end of a unix socket, every wait with a deadline.
struct UnixConnection: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private let deadline: DispatchTime

  /// Connects.
  ///
  /// - Throws: ``FileError``; ENOENT and ECONNREFUSED mean that nobody listens.
  init(path: String, deadline: DispatchTime) throws(FileError) {
    guard path.utf8.count <= SocketFile.longestPath else {
      throw FileError(call: "connect", path: path, errno: ENAMETOOLONG)
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    guard descriptor >= 0 else { throw FileError(call: "socket", path: path, errno: errno) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    // A unix socket connects at once, or says EAGAIN when too many wait to be accepted.
    var status: Int32
    repeat {
      status = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if status != 0, errno == EAGAIN, DispatchTime.now() < deadline { usleep(20_000) } else { break }
    } while true
    if status != 0 {
      let number = errno
      _ = close(descriptor)
      throw FileError(call: "connect", path: path, errno: number)
    }
    (self.descriptor, self.path, self.deadline) = (descriptor, path, deadline)
  }

  deinit { _ = close(descriptor) }

  func send(_ bytes: [UInt8]) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 { rest = rest.dropFirst(count) } else { try wait("send", Int16(POLLOUT)) }
    }
  }

  /// Up to `limit` bytes; empty at the end.
  func receive(_ limit: Int) throws(FileError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
      if count >= 0 { return Array(buffer.prefix(count)) }
      try wait("recv", Int16(POLLIN))
    }
  }

  /// After a call that failed: waits until it may be tried again.
  private func wait(_ call: String, _ events: Int16) throws(FileError) {
    guard errno == EAGAIN || errno == EINTR else { throw FileError(call: call, path: path, errno: errno) }
    var request = pollfd(fd: descriptor, events: events, revents: 0)
    let now = DispatchTime.now()
    let left = deadline > now ? (deadline.uptimeNanoseconds - now.uptimeNanoseconds) / 1_000_000 : 0
    guard left > 0 else { throw FileError(call: call, path: path, errno: ETIMEDOUT) }
    _ = unsafe poll(&request, 1, Int32(clamping: left))
  }
}
