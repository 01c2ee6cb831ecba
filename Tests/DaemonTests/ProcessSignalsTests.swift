import Daemon
import Foundation
import Glibc
import Testing

/// `daemon-probe`, with its lines.
private final class Probe {
  let process = Process()
  private let pipe = Pipe()
  private var text = ""

  init(_ arguments: String...) throws {
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("daemon-probe")
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    expect("ready")
  }

  deinit { kill(process.processIdentifier, SIGKILL) }

  /// Waits for a line to come next.
  func expect(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) {
    while !text.contains("\n") {
      let data = pipe.fileHandleForReading.availableData
      if data.isEmpty { break }
      text += String(decoding: data, as: UTF8.self)
    }
    let next = text.prefix { $0 != "\n" }
    #expect(next == line, sourceLocation: sourceLocation)
    text = String(text.dropFirst(next.count + 1))
  }

  func send(_ number: Int32) { kill(process.processIdentifier, number) }

  var status: Int32 {
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }
}

@Suite struct ProcessSignalsTests {
  @Test("SIGHUP and SIGUSR1 wake the loop, SIGPIPE does nothing, SIGTERM and SIGINT end it")
  func signals() throws {
    for end in [SIGTERM, SIGINT] {
      let probe = try Probe("60")
      probe.send(SIGHUP)
      probe.expect("reload")
      probe.send(SIGPIPE)
      probe.send(SIGUSR1)
      probe.expect("dump")
      probe.send(end)
      probe.expect("end \(end)")
      #expect(probe.status == 0)
    }
  }

  @Test("A second signal ends a drain at once with 75")
  func secondSignal() throws {
    let probe = try Probe("60", "hang")
    probe.send(SIGTERM)
    probe.expect("end \(SIGTERM)")
    probe.send(SIGINT)
    #expect(probe.status == 75)
  }

  @Test("The deadline ends a drain with 75; a reload after SIGTERM does no harm")
  func deadline() throws {
    let probe = try Probe("1", "hang")
    probe.send(SIGTERM)
    probe.expect("end \(SIGTERM)")
    probe.send(SIGHUP)
    #expect(probe.status == 75)
  }
}
