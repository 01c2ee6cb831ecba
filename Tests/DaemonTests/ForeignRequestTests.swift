import Daemon
import Testing

/// Requests that pages of other sites make a browser send.
@Suite struct ForeignRequestTests {
  @Test func namesThatOthersControlAreNotServed() throws {
    try StatusServerUnderTest.with { (server) throws in
      let port = server.server.port!
      for host in [
        "localhost:\(port)", "127.0.0.1:\(port)", "LOCALHOST", "localhost.:80", "[::1]:\(port)", "10.1.2.3",
      ] {
        #expect(try curl("-H", "Host: \(host)", server.url + "/status").status == 200, "\(host)")
      }
      for host in [
        "evil.example", "evil.example:\(port)", "127.0.0.1.evil.example", "localhost.evil.example",
        "2130706433",
        "0x7f.1", "127.1", "evil",
      ] {
        #expect(try curl("-H", "Host: \(host)", server.url + "/status").status == 421, "\(host)")
      }
      for host in ["[evil]", "a@localhost", "localhost:port", "::1"] {
        #expect(try curl("-H", "Host: \(host)", server.url + "/status").status == 400, "\(host)")
      }
      #expect(try curl("-H", "Host:", server.url + "/status").status == 400)
      let two = try python(
        server,
        "print(rest(connect(b'GET /status' + HEAD + b'Host: evil.example\\r\\nConnection: close\\r\\n\\r\\n'))[:12])"
      )
      #expect(two == "b'HTTP/1.1 400'")
    }
  }

  @Test func otherOriginsAreRefused() throws {
    try StatusServerUnderTest.with { (server) throws in
      let port = server.server.port!
      for headers in [
        ["Origin: http://evil.example"], ["Origin: null"], ["Origin: http://localhost:\(port)"],
        ["Origin: https://127.0.0.1:\(port)"], ["Origin: http://127.0.0.1:1"], ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
      ] {
        for path in ["/status", "/events", "/metrics"] {
          #expect(try fetch(server.url + path, headers).status == 403, "\(headers) \(path)")
        }
      }
      for headers in [
        ["Origin: http://127.0.0.1:\(port)"], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
      ] {
        #expect(try fetch(server.url + "/status", headers).status == 200, "\(headers)")
      }
    }
  }

  private func fetch(_ url: String, _ headers: [String]) throws -> CurlReply {
    var lines = headers
    while lines.count < 3 { lines.append("Accept: */*") }
    return try curl("-H", lines[0], "-H", lines[1], "-H", lines[2], url)
  }

  @Test func addressesAreReadStrictly() throws {
    #expect(try ListenAddress("127.0.0.1:8088") == ListenAddress("127.0.0.1:08088"))
    #expect(try ListenAddress("[::1]:8088").host == "::1")
    #expect(try ListenAddress("[::1]:8088").isLoopback)
    #expect(try !ListenAddress("0.0.0.0:8088").isLoopback)
    #expect(try !ListenAddress("127.evil.example:8088").isLoopback)
    for text in [
      "", "8088", ":8088", "localhost", "localhost:", "localhost:65536", "::1:8088", "[::1]", "a b:1",
      "h:1:2",
    ] {
      #expect(throws: (any Error).self, "\(text)") { try ListenAddress(text) }
    }
  }
}
