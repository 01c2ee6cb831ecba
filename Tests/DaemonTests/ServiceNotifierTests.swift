import Daemon
import Foundation
import Glibc
import TestSupport
import Testing

/// The manager's end: a datagram socket.
private final class Manager {
  let descriptor: Int32

  init(_ name: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length)
      }
    }
    try #require(result == 0)
  }

  deinit { close(descriptor) }

  /// The next datagram; nil if there is none.
  func next() -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}

@Suite struct ServiceNotifierTests {
  @Test("Each message is one datagram, to a path or an abstract name", arguments: [false, true])
  func messages(isAbstract: Bool) throws {
    let folder = try TemporaryDirectory()
    let name = isAbstract ? "@tamis-\(UUID().uuidString)" : folder.file("notify")
    let manager = try Manager(name)
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": name])
    #expect(notifier.isActive)
    #expect(notifier.ready(status: "two\nlines"))
    #expect(manager.next() == "READY=1\nSTATUS=two lines")
    #expect(notifier.status("00001: 1 of 2"))
    #expect(manager.next() == "STATUS=00001: 1 of 2")
    let before = Int(monotonicSeconds() * 1e6)
    #expect(notifier.reloading())
    let lines = try #require(manager.next()).split(separator: "\n")
    #expect(lines[0] == "RELOADING=1" && lines[1].hasPrefix("MONOTONIC_USEC="))
    let stamp = try #require(Int(lines[1].split(separator: "=")[1]))
    #expect(stamp >= before && stamp <= Int(monotonicSeconds() * 1e6))
    #expect(notifier.stopping())
    #expect(manager.next() == "STOPPING=1")
    #expect(notifier.extendTimeout(seconds: 1.5))
    #expect(manager.next() == "EXTEND_TIMEOUT_USEC=1500000")
  }

  @Test("Without a socket, or with nobody at it, nothing is sent and nothing breaks")
  func nobody() throws {
    #expect(!ServiceNotifier(environment: [:]).ready())
    #expect(!ServiceNotifier(environment: ["NOTIFY_SOCKET": "relative"]).isActive)
    #expect(!ServiceNotifier(environment: ["NOTIFY_SOCKET": "/nowhere/notify"]).ready())
    let long = "/" + String(repeating: "a", count: 200)
    #expect(!ServiceNotifier(environment: ["NOTIFY_SOCKET": long]).ready())
  }

  @Test("The watchdog pings only after a beat, in idleness, or in a step that may take long")
  func watchdog() throws {
    let folder = try TemporaryDirectory()
    let manager = try Manager(folder.file("notify"))
    var environment = ["NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "30000000"]
    let heartbeat = Heartbeat()
    let notifier = ServiceNotifier(environment: environment)
    let watchdog = try #require(Watchdog(heartbeat, notifier, environment: environment))
    #expect(watchdog.interval == 15)
    #expect(watchdog.check() && manager.next() == "WATCHDOG=1")
    #expect(!watchdog.check() && manager.next() == nil)
    heartbeat.beat()
    #expect(watchdog.check() && manager.next() == "WATCHDOG=1")
    #expect(!watchdog.check())
    heartbeat.setIdle(true)
    #expect(watchdog.check() && watchdog.check())
    heartbeat.setIdle(false)
    #expect(!watchdog.check())
    heartbeat.allow(seconds: 600)
    #expect(watchdog.check())
    heartbeat.allow(seconds: 0)
    #expect(!watchdog.check())
    environment["WATCHDOG_PID"] = "1"
    #expect(Watchdog(heartbeat, notifier, environment: environment) == nil)
    environment["WATCHDOG_PID"] = "\(getpid())"
    #expect(Watchdog(heartbeat, notifier, environment: environment) != nil)
    environment["WATCHDOG_USEC"] = nil
    #expect(Watchdog(heartbeat, notifier, environment: environment) == nil)
  }

  @Test("Started, the watchdog pings by itself")
  func timer() throws {
    let folder = try TemporaryDirectory()
    let manager = try Manager(folder.file("notify"))
    let environment = ["NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "20000"]
    let heartbeat = Heartbeat()
    heartbeat.setIdle(true)
    let watchdog = try #require(
      Watchdog(heartbeat, ServiceNotifier(environment: environment), environment: environment))
    watchdog.start()
    var pings = 0
    for _ in 0..<6000 where pings < 3 {
      if manager.next() == "WATCHDOG=1" { pings += 1 } else { usleep(10_000) }
    }
    watchdog.stop()
    #expect(pings == 3)
  }
}
