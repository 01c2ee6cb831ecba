import Daemon
import Foundation
import Glibc
import Shards
import Testing

@Suite struct StatusClientTests {
  @Test func asksTheDaemon() throws {
    try StatusServerUnderTest.with { (server) throws in
      server.board.update { $0.samplesRejected = ["truncated_image": 3] }
      let reply = try #require(try StatusClient.ask(path: "/status", socket: server.socket))
      #expect(reply.status == 200)
      #expect(try StatusJSON.status(reply.body) == server.board.status)
      #expect(try StatusClient.ask("POST", path: "/pause", socket: server.socket)?.status == 202)
      #expect(server.requests.take() == [.pause])
      #expect(try StatusClient.ask(path: "/nothing", socket: server.socket)?.status == 404)
    }
  }

  @Test func nobodyThere() throws {
    #expect(try StatusClient.ask(path: "/status", socket: "/tmp/none/serve.sock") == nil)
    #expect(try StatusClient.ask(path: "/status", socket: "/etc/passwd") == nil)
    #expect(try StatusClient.ask(path: "/status", socket: "/" + String(repeating: "d", count: 200)) == nil)
  }

  /// Servers that accept and then say nothing, nonsense, half an answer.
  @Test(arguments: [
    ("time.sleep(30)", ETIMEDOUT), ("s.sendall(b'nonsense'); s.close()", EPROTO),
    ("s.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf'); s.close()", EPROTO),
    ("s.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\nwhole?'); s.close()", EPROTO), ("s.close()", EPROTO),
    ("\n while True: s.sendall(b'x' * 65536)", EMSGSIZE),
  ])
  func brokenServersAreErrors(does: String, number: Int32) throws {
    let socket = "/tmp/tamis-\(UInt32.random(in: 0 ... .max)).sock"
    defer { try? FileManager.default.removeItem(atPath: socket) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Tools.python)
    process.arguments = [
      "-c",
      """
      import socket, time
      l = socket.socket(socket.AF_UNIX); l.bind("\(socket)"); l.listen()
      s, _ = l.accept(); s.recv(1000)
      if True: \(does)
      """,
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    #expect(eventually { FileManager.default.fileExists(atPath: socket) })
    usleep(200_000)
    let error = #expect(throws: FileError.self) {
      try StatusClient.ask(path: "/status", socket: socket, within: 2)
    }
    #expect(error?.errno == number || (number == EPROTO && error?.errno == ECONNRESET))
  }

  @Test func statusesSurviveJSON() throws {
    var status = DaemonStatus()
    status.phase = .fitting
    status.paused = [.disk, .inputOutput]
    status.drift = DaemonStatus.Drift()
    status.drift?.psi = .infinity
    status.stages["ingest"] = DaemonStatus.Stage()
    status.stages["ingest"]?.add(seconds: 4)
    status.bytesRead = .max
    status.reloaded(at: 5, problem: nil)
    status.reloaded(at: 6, problem: "no such key\n\u{1}")
    #expect(try StatusJSON.status(Array(StatusJSON.line(status).utf8)) == status)
    #expect(!StatusJSON.line(status).contains("\n"))
    #expect(status.reloadSucceededAt == 5 && status.reloadedAt == 6 && !status.reloadSucceeded)
  }
}
