import Daemon
import Testing

/// Clients that are slow, greedy or gone.
@Suite struct ConnectionTests {
  @Test func bodiesAreSmall() throws {
    try StatusServerUnderTest.with { (server) throws in
      let large = String(repeating: "x", count: 1025)
      let small = String(repeating: "x", count: 1024)
      let url = "http://localhost/fit"
      #expect(try curl("--unix-socket", server.socket, "-d", small, url).status == 202)
      #expect(server.requests.take() == [.fit])
      #expect(try curl("--unix-socket", server.socket, "-d", large, url).status == 413)
      #expect(
        try curl("--unix-socket", server.socket, "-H", "Transfer-Encoding: chunked", "-d", large, url).status
          == 413)
      #expect(try curl("-X", "GET", "-d", large, server.url + "/status").status == 413)
      // Not even begun to be sent.
      let announced = try python(
        server, "print(rest(connect(b'POST /fit' + HEAD + b'Content-Length: 99999999999\\r\\n\\r\\n'))[:12])")
      #expect(announced == "b'HTTP/1.1 413'")
      for length in ["-1", "1x", "99999999999999999999"] {
        let answer = try python(
          server, "print(rest(connect(b'POST /fit' + HEAD + b'Content-Length: \(length)\\r\\n\\r\\n'))[:12])")
        #expect(answer == "b'HTTP/1.1 400'" || answer == "b'HTTP/1.1 413'", "\(length)")
      }
      #expect(server.requests.take().isEmpty)
    }
  }

  @Test func headsAreSmall() throws {
    try StatusServerUnderTest.with { (server) throws in
      for head in [
        "b'X: ' + b'y' * 20000 + b'\\r\\n'", "b'X: y\\r\\n' * 5000", "b'X-%d: y\\r\\n' % 1 * 101",
      ] {
        let answer = try python(
          server, "print(rest(connect(b'GET /status' + HEAD + \(head) + b'\\r\\n'))[:12])")
        #expect(answer.hasPrefix("b'HTTP/1.1 4") || answer == "b''", "\(head): \(answer)")
      }
      let path = try python(server, "print(rest(connect(b'GET /' + b'a' * 50000 + HEAD + b'\\r\\n'))[:12])")
      #expect(path.hasPrefix("b'HTTP/1.1 4") || path == "b''")
      for nonsense in [
        "b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'", "bytes(range(256))", "b'GET\\r\\n\\r\\n'",
      ] {
        #expect(
          try python(server, "print(rest(connect(\(nonsense)))[:10])").hasPrefix("b'HTTP/1.1 "), "\(nonsense)"
        )
      }
      #expect(try curl(server.url + "/healthz").status == 200)
    }
  }

  /// A byte now and then, without end.
  private let dribble = """

    s.settimeout(0.1)
    for i in range(600):
        try:
            s.sendall(b"a")
            if s.recv(4096) == b"": break
        except TimeoutError: pass
        except ConnectionError: break
    else: sys.exit("still open")
    print("closed")
    """

  @Test func headsThatNeverEndAreCutOff() throws {
    try StatusServerUnderTest.with({ $0.idleSeconds = 1 }) { (server) throws in
      #expect(try python(server, "s = connect(b'GET /status HTTP/1.1\\r\\nX: ')" + dribble) == "closed")
      #expect(try python(server, "print(rest(connect()))") == "b''")
      // The second request of a connection.
      let second = "s = connect(b'GET /healthz' + HEAD + b'\\r\\n')\ns.recv(65536)\ns.sendall(b'GET /x')"
      #expect(try python(server, second + dribble) == "closed")
    }
  }

  @Test func bodiesThatNeverEndAreCutOff() throws {
    try StatusServerUnderTest.with({ ($0.requestSeconds, $0.idleSeconds) = (1, 60) }) { (server) throws in
      let head = "+ HEAD + b'Content-Length: 1000\\r\\n\\r\\n')"
      #expect(try python(server, "s = connect(b'POST /fit' \(head)" + dribble) == "closed")
      // Answered before the body has come.
      #expect(try python(server, "s = connect(b'GET /status' \(head)" + dribble) == "closed")
      #expect(server.requests.take().isEmpty)
    }
  }

  @Test func clientsThatDoNotReadAreCutOff() throws {
    try StatusServerUnderTest.with({ ($0.writeSeconds, $0.idleSeconds) = (1, 60) }) { (server) throws in
      let program = """
        s = connect()
        s.settimeout(1)
        request = b'GET /metrics' + HEAD + b'\\r\\n'
        for i in range(200000):
            try: s.sendall(request * 10)
            except TimeoutError: time.sleep(0.05); continue
            except ConnectionError: print("closed"); break
        else: print("still open")
        """
      #expect(try python(server, program) == "closed")
      #expect(try curl(server.url + "/healthz").status == 200)
    }
  }

  @Test func idleConnectionsDoNotShutOthersOut() throws {
    try StatusServerUnderTest.with { (server) throws in
      let program = """
        idle = [connect() for i in range(200)]
        answer = rest(connect(b'GET /healthz' + HEAD + b'Connection: close\\r\\n\\r\\n'))
        print(answer[:15])
        """
      #expect(try python(server, program) == "b'HTTP/1.1 200 OK'")
    }
  }

  @Test func connectionsBeyondTheLimitWait() throws {
    try StatusServerUnderTest.with({ ($0.connections, $0.idleSeconds) = (4, 1) }) { (server) throws in
      let program = """
        idle = [connect() for i in range(20)]
        answer = rest(connect(b'GET /healthz' + HEAD + b'Connection: close\\r\\n\\r\\n'))
        print(answer[:15])
        """
      #expect(try python(server, program) == "b'HTTP/1.1 200 OK'")
      // The socket counts for itself.
      #expect(try curl("--unix-socket", server.socket, "http://localhost/healthz").status == 200)
    }
  }

  @Test func connectionsAreUsedAgain() throws {
    try StatusServerUnderTest.with { (server) throws in
      let program = """
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", \(server.server.port!), timeout=20)
        ports = set()
        for path in ["/healthz", "/status", "/metrics", "/"] * 5:
            c.request("GET", path); r = c.getresponse(); r.read()
            ports.add((r.status, c.sock.getsockname()[1]))
        print([p[0] for p in ports])
        """
      #expect(try python(server, program) == "[200]")
    }
  }
}
