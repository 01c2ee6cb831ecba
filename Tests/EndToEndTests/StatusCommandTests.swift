import Foundation
import Testing

/// `tamis status` and `tamis fit` beside a daemon played by Python's http.server, and beside a catalog written by its
/// sqlite3.
@Suite struct StatusCommandTests {
  /// A status as a daemon gives it; times are set by whoever uses it.
  private static let status = """
    {"bytes_read":1,"bytes_written":1,"drift":{"is_alarmed":true,"ks":0.25,"ks_limit":0.1,"psi":0.5,"psi_limit":0.2,\
    "samples":5000},"fit_after_samples":10000,"fitted_claims":4,"generation":2,"inflight_bytes":0,\
    "memory_budget_bytes":0,"open_files":9,"output":"/data/out","output_free_bytes":1048576,"paused":["disk"],\
    "phase":"streaming","pid":4242,"quarantine_bytes":0,"recipe":"/etc/tamis.yaml","reload_succeeded":true,\
    "resident_bytes":1048576,"samples_accepted":90,"samples_dropped":{"duplicate":20,"quota":10},"samples_kept":60,\
    "samples_lost":0,"samples_pending":10,"samples_published":50,"samples_read":100,\
    "samples_rejected":{"corrupt_image":10},"shards":{"done":7,"rejected":1},"shards_in_work":1,\
    "shards_published":5,"shards_waiting":3,"stages":{},"started_at":1,"updated_at":1,"version":"9.9.9",\
    "workspace":"/data/ws","workspace_free_bytes":1048576}
    """

  private static let daemon = """
    import http.server, os, socketserver, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def address_string(self): return "socket"
        def log_message(self, *a): pass
        def answer(self, code, text):
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers(); self.wfile.write(text)
        def do_GET(self): self.answer(200, open(sys.argv[2], "rb").read())
        def do_POST(self):
            open(sys.argv[1] + ".asked", "a").write(self.path + "\\n")
            self.answer(int(sys.argv[3]), b'{"accepted":"fit"}')
    socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()
    """

  /// Plays a daemon in `ws` of the folder.
  private func withDaemon(
    _ folder: TemporaryFolder, code: Int = 202, status: String = status, _ body: (String) throws -> Void
  )
    throws
  {
    let socket = folder.path + "/ws/serve.sock"
    let file = try folder.write("status.json", status)
    try FileManager.default.createDirectory(atPath: folder.path + "/ws", withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Repository.python)
    process.arguments = ["-c", Self.daemon, socket, file, "\(code)"]
    try process.run()
    defer {
      // Foundation starts children with SIGTERM blocked.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try waitUntil { FileManager.default.fileExists(atPath: socket) }
    // Bound; a moment later it listens.
    Thread.sleep(forTimeInterval: 0.2)
    try body(folder.path + "/ws")
  }

  @Test func showsWhatTheDaemonSays() throws {
    let folder = try TemporaryFolder()
    try withDaemon(folder) { workspace in
      let text = try tamis("status", "-w", workspace)
      #expect(text.status == 0)
      for part in [
        "Running:    streaming (pid 4242, tamis 9.9.9", "too little free space", "generation 2",
        "3 shards, 1 in work",
        "7 done, 1 rejected", "100 read: 60 kept, 30 dropped, 10 rejected", "corrupt_image", "duplicate",
        "50 samples in 5 shards, 10 more are kept", "the stream has left the plan", "/etc/tamis.yaml",
      ] { #expect(text.output.contains(part), "\(part)\n\(text.output)") }
      let json = try tamis("status", "-w", workspace, "--json")
      let given = try JSONSerialization.jsonObject(with: Data(Self.status.utf8)) as? NSDictionary
      let shown = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? NSDictionary
      #expect(json.status == 0 && given == shown)
    }
  }

  @Test func showsTheCatalogWhenNoDaemonRuns() throws {
    let folder = try TemporaryFolder()
    let workspace = folder.path + "/ws"
    let nothing = try tamis("status", "-w", workspace)
    #expect(nothing.status == 75 && nothing.output.isEmpty && nothing.errors.contains("no daemon runs here"))
    try folder.write("ws/status.json", Self.status)
    let program = """
      import sqlite3, sys
      c = sqlite3.connect(sys.argv[1] + "/catalog.sqlite")
      c.execute("PRAGMA journal_mode=WAL")
      c.execute("CREATE TABLE status (id INTEGER PRIMARY KEY, json TEXT NOT NULL)")
      c.execute("INSERT INTO status VALUES (1, ?)", [open(sys.argv[1] + "/status.json").read()])
      c.commit(); c.close()
      """
    #expect(try run(Repository.python, ["-c", program, workspace]).status == 0)
    let last = try tamis("status", "-w", workspace)
    #expect(last.status == 0)
    #expect(last.output.hasPrefix("Not running. What follows was written"))
    #expect(last.output.contains("100 read: 60 kept") && !last.output.contains("Running:"))
    let json = try tamis("status", "-w", workspace, "--json")
    #expect(json.status == 0 && json.output.contains("\"phase\":\"stopped\""))
  }

  @Test func fitAsksTheDaemonOfTheWorkspace() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    try withDaemon(folder) { workspace in
      let asked = try tamis("fit", recipe, "-w", workspace)
      #expect(asked.status == 0 && asked.output.contains("was asked for a new plan"))
      #expect(folder.data("ws/serve.sock.asked") == Data("/fit\n".utf8))
      #expect(!FileManager.default.fileExists(atPath: workspace + "/models"))
    }
    let refusing = try TemporaryFolder()
    try withDaemon(refusing, code: 503) { workspace in
      let refused = try tamis("fit", recipe, "-w", workspace)
      #expect(refused.status == 75 && refused.errors.contains("refused"))
    }
  }

  @Test func anotherVersionIsSaidToBeOne() throws {
    let folder = try TemporaryFolder()
    try withDaemon(folder, status: "{}") { workspace in
      let other = try tamis("status", "-w", workspace)
      #expect(other.status != 0 && other.errors.contains("another version"))
    }
  }

  @Test func aRunWritesItsMetrics() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/tamis.prom"
    let done = try tamis("run", try folder.addSamples(), "--metrics-textfile", file)
    #expect(done.status == 0)
    let program = """
      import re, sys
      from prometheus_client.parser import text_string_to_metric_families as families
      v = {(s.name, s.labels.get("result")): s.value for f in families(open(sys.argv[1]).read()) for s in f.samples}
      print([int(v["tamis_samples_total", r]) for r in ("accepted", "kept", "published")], int(v["tamis_shards_total", "done"]))
      """
    let read = try run(Repository.python, ["-c", program, file])
    let accepted = try #require(done.output.split(separator: ":")[1].split(separator: " ").first)
    #expect(read.output == "[\(accepted), \(accepted), \(accepted)] 4\n", "\(done.output)")
  }
}
