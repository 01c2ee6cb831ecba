import Daemon
import Foundation
import Testing

@Suite struct RouteTests {
  @Test func pagesAnswerOverBothAddresses() throws {
    try StatusServerUnderTest.with { (server) throws in
      let pages = [
        "/": "text/plain; charset=utf-8", "/healthz": "application/json", "/readyz": "application/json",
        "/metrics": "text/plain; version=0.0.4; charset=utf-8", "/status": "application/json",
      ]
      for (path, type) in pages {
        for way in [[server.url + path], ["--unix-socket", server.socket, "http://localhost" + path]] {
          let reply = try curl(way[0], way.count > 1 ? way[1] : "-g", way.count > 2 ? way[2] : "-g")
          #expect(reply.status == 200, "\(way)")
          #expect(reply.headers["content-type"] == type)
          #expect(reply.headers["x-content-type-options"] == "nosniff")
          #expect(reply.headers["date"]?.hasSuffix(" GMT") == true)
          #expect(!reply.body.isEmpty)
        }
        let get = try curl(server.url + path)
        let head = try curl("-I", server.url + path)
        #expect(head.status == 200 && head.body.isEmpty)
        #expect(head.headers["content-type"] == get.headers["content-type"])
        #expect(path == "/metrics" || head.headers["content-length"] == get.headers["content-length"])
      }
      let status = try StatusJSON.status(Array(try curl(server.url + "/status").body.utf8))
      #expect(status == server.board.status)
    }
  }

  @Test func unknownPagesAndMethods() throws {
    try StatusServerUnderTest.with { (server) throws in
      for path in ["/nothing", "/metrics/", "/status/x", "//status", "/%2e%2e/etc/passwd"] {
        #expect(try curl("--path-as-is", server.url + path).status == 404, "\(path)")
      }
      for (method, path, allow) in [
        ("POST", "/status", "GET, HEAD"), ("DELETE", "/healthz", "GET, HEAD"), ("GET", "/fit", "POST"),
        ("OPTIONS", "/fit", "POST"), ("PUT", "/pause", "POST"),
      ] {
        let reply = try curl("-X", method, server.url + path)
        #expect(reply.status == 405, "\(method) \(path)")
        #expect(reply.headers["allow"] == allow)
      }
      #expect(server.requests.take().isEmpty)
    }
  }

  @Test func healthFollowsTheHeartbeatOfTheLoop() throws {
    try StatusServerUnderTest.with { (server) throws in
      let reply = try curl(server.url + "/healthz")
      #expect(reply.status == 200)
    }
    // No beat is younger than this.
    try StatusServerUnderTest.with({ $0.beatSeconds = 0 }) { (server) throws in
      let reply = try curl(server.url + "/healthz")
      #expect(reply.status == 503)
      #expect(reply.body.contains("no sign of life"))
      #expect(try curl(server.url + "/readyz").status == 503)
    }
  }

  @Test(
    arguments: [
      (DaemonStatus.Phase.starting, [], 503), (.bootstrap, [], 200), (.fitting, [], 200),
      (.streaming, [], 200),
      (.draining, [], 503), (.stopped, [], 503), (.streaming, [.asked], 200), (.streaming, [.disk], 503),
      (.bootstrap, [.asked, .inputOutput], 503),
    ] as [(DaemonStatus.Phase, [DaemonStatus.Pause], Int)])
  func readinessFollowsPhaseAndPauses(phase: DaemonStatus.Phase, paused: [DaemonStatus.Pause], code: Int)
    throws
  {
    try StatusServerUnderTest.with { (server) throws in
      server.board.update { status in
        (status.phase, status.paused) = (phase, paused)
        if paused.contains(.inputOutput) { status.failure = "/out: write: No space left on device" }
      }
      let reply = try curl(server.url + "/readyz")
      #expect(reply.status == code)
      #expect(reply.body.contains("\"reasons\":[]") == (code == 200))
      if paused.contains(.inputOutput) { #expect(reply.body.contains("No space left")) }
    }
  }

  @Test func operatorsAskOverTheSocketOrWithTheToken() throws {
    let file = FileManager.default.temporaryDirectory.path + "/token-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("correct-horse-battery\n".utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    try StatusServerUnderTest.with(token: try OperatorToken(file: file)) { (server) throws in
      for (path, request) in [
        ("/fit", OperatorRequests.Request.fit), ("/pause", .pause), ("/resume", .resume),
      ] {
        #expect(
          try curl("--unix-socket", server.socket, "-X", "POST", "http://localhost" + path).status == 202)
        #expect(server.requests.take() == [request])
        let good = try curl(
          "-X", "POST", "-H", "Authorization: Bearer correct-horse-battery", server.url + path)
        #expect(good.status == 202)
        #expect(server.requests.take() == [request])
        for header in [
          "Authorization: Bearer correct-horse-batterx", "Authorization: Bearer correct-horse-batter",
          "Authorization: Bearer correct-horse-battery1", "Authorization: Bearer ",
          "Authorization: Basic Y29ycmVjdA==",
          "X: y",
        ] {
          #expect(try curl("-X", "POST", "-H", header, server.url + path).status == 403, "\(header)")
        }
        #expect(server.requests.take().isEmpty)
      }
      server.board.update { $0.phase = .draining }
      #expect(try curl("--unix-socket", server.socket, "-X", "POST", "http://localhost/fit").status == 503)
      #expect(server.requests.take().isEmpty)
    }
    try StatusServerUnderTest.with { (server) throws in
      let reply = try curl("-X", "POST", "-H", "Authorization: Bearer ", server.url + "/fit")
      #expect(reply.status == 403 && server.requests.take().isEmpty)
    }
  }

  @Test func tokenFilesThatOthersReadAreRefused() throws {
    let file = FileManager.default.temporaryDirectory.path + "/token-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    for (text, mode, part) in [
      ("correct-horse-battery", 0o644, "everybody"), ("short", 0o600, "shorter"),
      ("correct horse battery staple", 0o600, "without spaces"), ("", 0o600, "shorter"),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
      let error = #expect(throws: (any Error).self) { _ = try OperatorToken(file: file) }
      #expect("\(error!)".contains(part))
    }
    #expect(throws: (any Error).self) { _ = try OperatorToken(file: file + ".none") }
  }
}
