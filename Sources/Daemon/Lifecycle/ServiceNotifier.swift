public import Foundation
import Glibc

/// Tells the service manager how the daemon is, by systemd's protocol: one datagram to the socket that
/// `NOTIFY_SOCKET` names (a leading `@` is Linux's abstract namespace). Without that variable nothing is sent.
///
/// Sending is best effort and never takes longer than a second.
public struct ServiceNotifier: Sendable {
  private let address: String?

  public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    let path = environment["NOTIFY_SOCKET"] ?? ""
    address = (path.hasPrefix("/") || path.hasPrefix("@")) && path.utf8.count > 1 ? path : nil
  }

  /// True if there is someone to tell.
  public var isActive: Bool { address != nil }

  /// The start, or a reload, is over.
  @discardableResult public func ready(status: String? = nil) -> Bool {
    send(["READY=1"] + line(status))
  }

  /// One line for `systemctl status`.
  @discardableResult public func status(_ text: String) -> Bool { send(line(text)) }

  /// The recipe is being read again; ``ready(status:)`` ends it.
  @discardableResult public func reloading(status: String? = nil) -> Bool {
    send(["RELOADING=1", "MONOTONIC_USEC=\(Int(monotonicSeconds() * 1e6))"] + line(status))
  }

  /// The drain has begun.
  @discardableResult public func stopping(status: String? = nil) -> Bool {
    send(["STOPPING=1"] + line(status))
  }

  /// Starting, reloading or stopping takes longer: the manager waits `seconds` from now on.
  @discardableResult public func extendTimeout(seconds: Double) -> Bool {
    send(["EXTEND_TIMEOUT_USEC=\(Int(max(0, seconds) * 1e6))"])
  }

  /// A sign of life; see ``Watchdog``, which sends it only where there is life.
  @discardableResult public func watchdog() -> Bool { send(["WATCHDOG=1"]) }

  private func line(_ status: String?) -> [String] {
    status.map { ["STATUS=" + $0.split(whereSeparator: \.isNewline).joined(separator: " ")] } ?? []
  }

  /// Sends the lines as one datagram; false if there is no socket or it did not take them.
  private func send(_ lines: [String]) -> Bool {
    guard let address else { return false }
    var name = Array(address.utf8)
    var socketAddress = sockaddr_un()
    socketAddress.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: socketAddress.sun_path)
    guard name.count < room else { return false }
    if name[0] == UInt8(ascii: "@") { name[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &socketAddress.sun_path) { unsafe $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let message = Array(lines.joined(separator: "\n").utf8)
    let sent = unsafe withUnsafePointer(to: &socketAddress) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == message.count
  }
}
