import Daemon
import Foundation
import Synchronization
import TestSupport
import Testing

/// A status server on a free port and on a socket, with what it is told and says.
final class StatusServerUnderTest: Sendable {
  let board: StatusBoard
  let requests = OperatorRequests {}
  let server: StatusServer
  let socket: String
  let notices = Mutex<[String]>([])
  private let folder: String

  init(token: OperatorToken? = nil, _ change: (inout StatusServer.Limits) -> Void = { _ in }) throws {
    // Short: a socket's path may have 107 bytes.
    folder = "/tmp/tamis-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    socket = folder + "/serve.sock"
    var status = DaemonStatus()
    (status.phase, status.version, status.workspace) = (.streaming, "1.2.3", "/data/\"ws\"\n")
    board = StatusBoard(status)
    board.beat()
    var limits = StatusServer.Limits()
    change(&limits)
    let box = Box()
    server = try StatusServer(
      board: board, requests: requests, listen: "127.0.0.1:0", socket: socket, token: token, limits: limits
    ) { text in box.owner.withLock { $0?.notices.withLock { $0.append(text) } } }
    box.owner.withLock { $0 = self }
    try server.start()
  }

  private final class Box: Sendable { let owner = Mutex<StatusServerUnderTest?>(nil) }

  var url: String { "http://127.0.0.1:\(server.port!)" }

  /// Runs `body`, then stops the server.
  static func with(
    token: OperatorToken? = nil, _ change: (inout StatusServer.Limits) -> Void = { _ in },
    _ body: (StatusServerUnderTest) throws -> Void
  ) throws {
    let server = try StatusServerUnderTest(token: token, change)
    defer {
      server.server.stop(deadline: 2)
      try? FileManager.default.removeItem(atPath: server.folder)
    }
    try body(server)
  }
}

/// What a program wrote to standard output.
func output(of program: String, _ arguments: [String], input: String? = nil) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let out = Pipe()
  process.standardOutput = out
  let given = Pipe()
  process.standardInput = given
  try process.run()
  if let input { given.fileHandleForWriting.write(Data(input.utf8)) }
  try given.fileHandleForWriting.close()
  let data = out.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self)
}

/// A response as curl has it.
struct CurlReply {
  var status = 0
  /// By lower-case name.
  var headers: [String: String] = [:]
  var body = ""
}

func curl(_ arguments: String...) throws -> CurlReply {
  let text = try output(of: "/usr/bin/curl", ["-s", "-i", "--max-time", "30"] + arguments)
  var reply = CurlReply()
  guard let end = text.range(of: "\r\n\r\n") else { return reply }
  let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
  reply.status = Int(lines[0].split(separator: " ")[1]) ?? 0
  for line in lines.dropFirst() {
    let parts = line.split(separator: ":", maxSplits: 1)
    if parts.count == 2 {
      reply.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
  }
  reply.body = String(text[end.upperBound...])
  return reply
}

/// Runs Python with a preamble that has `connect()` to our port and `closed(s)`: true once the server closed the
/// connection, read to its end within 20 seconds.
func python(_ server: StatusServerUnderTest, _ program: String) throws -> String {
  let preamble = """
    import socket, sys, time
    def connect(request=b""):
        s = socket.create_connection(("127.0.0.1", \(server.server.port!)), timeout=20)
        if request: s.sendall(request)
        return s
    def rest(s):
        data = b""
        while True:
            try: part = s.recv(65536)
            except ConnectionError: return data
            if not part: return data
            data += part
    HEAD = b" HTTP/1.1\\r\\nHost: localhost\\r\\n"

    """
  return try output(of: Tools.python, ["-c", preamble + program]).trimmingCharacters(
    in: .whitespacesAndNewlines)
}

enum Tools {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let python = root + "/.venv/bin/python"
}

/// Polls a condition for at most half a minute.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<600 {
    if condition() { return true }
    Thread.sleep(forTimeInterval: 0.05)
  }
  return false
}
