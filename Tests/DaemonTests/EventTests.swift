import Daemon
import Foundation
import Testing

@Suite struct EventTests {
  @Test func eventsComeInOrderAndAreNotMissed() throws {
    try StatusServerUnderTest.with({ $0.eventHeartbeat = 1 }) { (server) throws in
      let url = server.url + "/events"
      let told = Thread {
        _ = eventually { server.server.listeners == 1 }
        for number in 1...3 { server.board.tell(.init(name: "shard", data: "{\"n\":\(number)}")) }
        server.board.tell(.init(name: "a\nb", data: "one\ntwo\r\nthree"))
        server.board.update { $0.generation = 7 }
      }
      told.start()
      let text = try output(of: "/usr/bin/curl", ["-s", "-N", "--max-time", "4", url])
      #expect(text.hasPrefix("retry: 2000\n\nevent: status\ndata: {"))
      let events = text.components(separatedBy: "\n\n").filter { $0.hasPrefix("id: ") }
      try #require(events.count == 4)
      for number in 1...3 { #expect(events[number - 1].hasSuffix("\nevent: shard\ndata: {\"n\":\(number)}")) }
      #expect(events[3].hasSuffix("\nevent: ab\ndata: one\ndata: two\ndata: three"))
      #expect(text.contains(": alive\n\n"))
      #expect(text.contains("\"generation\":7"))
      #expect(eventually { server.server.listeners == 0 })

      // Who comes back gets what it missed.
      let id = events[1].components(separatedBy: "\n")[0].dropFirst(4)
      let again = try output(
        of: "/usr/bin/curl", ["-s", "-N", "--max-time", "1", "-H", "Last-Event-ID: \(id)", url])
      let missed = again.components(separatedBy: "\n\n").filter { $0.hasPrefix("id: ") }
      #expect(missed == Array(events[2...]))
      for other in ["x-1", "", "\(id)9", "-"] {
        let none = try output(
          of: "/usr/bin/curl", ["-s", "-N", "--max-time", "1", "-H", "Last-Event-ID: \(other)", url])
        #expect(!none.contains("id: ") && none.contains("event: status"), "\(other)")
      }
    }
  }

  @Test func listenersAreBounded() throws {
    try StatusServerUnderTest.with({ $0.eventClients = 2 }) { (server) throws in
      let program = """
        first = [connect(b"GET /events" + HEAD + b"\\r\\n") for i in range(2)]
        for s in first: s.recv(100)
        print(rest(connect(b"GET /events" + HEAD + b"\\r\\n"))[:12])
        first[0].close()
        for i in range(200):
            s = connect(b"GET /events" + HEAD + b"\\r\\n")
            if s.recv(12) == b"HTTP/1.1 200": print("room again"); break
            time.sleep(0.05)
        """
      #expect(try python(server, program) == "b'HTTP/1.1 503'\nroom again")
      #expect(eventually { server.server.listeners == 0 })
    }
  }

  @Test func slowListenersAreDropped() throws {
    try StatusServerUnderTest.with { (server) throws in
      let told = Thread {
        _ = eventually { server.server.listeners == 1 }
        let data = "\"" + String(repeating: "x", count: 10_000) + "\""
        // More than the socket's buffers and the queue together.
        for _ in 0..<5_000 where server.server.listeners > 0 {
          server.board.tell(.init(name: "notice", data: data))
        }
      }
      told.start()
      let program = """
        s = connect(b"GET /events" + HEAD + b"\\r\\n")
        time.sleep(2)
        print(len(rest(s)) < 30000000)
        """
      #expect(try python(server, program) == "True")
      #expect(server.server.listeners == 0)
      #expect(try curl(server.url + "/healthz").status == 200)
    }
  }

  @Test func theEndOfTheServerEndsListeners() throws {
    let server = try StatusServerUnderTest()
    let stopper = Thread {
      _ = eventually { server.server.listeners == 2 }
      server.server.stop(deadline: 10)
    }
    stopper.start()
    let program = """
      two = [connect(b"GET /events" + HEAD + b"\\r\\n") for i in range(2)]
      idle = connect()
      print([rest(s)[-5:] for s in two], rest(idle))
      """
    #expect(try python(server, program) == "[b'0\\r\\n\\r\\n', b'0\\r\\n\\r\\n'] b''")
    #expect(eventually { !FileManager.default.fileExists(atPath: server.socket) })
    #expect(try curl(server.url + "/healthz").status == 0)
  }
}
