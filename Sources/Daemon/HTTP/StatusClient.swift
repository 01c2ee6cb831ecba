import Dispatch
import Foundation
import Glibc
public import Shards

/// Asks a running daemon over its unix socket.
public enum StatusClient {
  public struct Reply: Sendable, Equatable {
    /// Of HTTP, such as 200.
    public var status: Int
    public var body: [UInt8]
  }

  /// The largest answer that is read, bytes.
  private static let limit = 8 << 20

  /// Where the daemon of a workspace listens.
  public static func socket(workspace: String) -> String { workspace + "/serve.sock" }

  /// - Parameters:
  ///   - method: `GET` or `POST`.
  ///   - seconds: for the whole exchange.
  /// - Returns: nil if no daemon listens there.
  /// - Throws: ``FileError``: the socket may not be opened, no answer in time (ETIMEDOUT), or one that is not HTTP (EPROTO).
  public static func ask(
    _ method: String = "GET", path: String, socket: String, within seconds: Double = 5
  ) throws(FileError) -> Reply? {
    let connection: UnixConnection
    do {
      connection = try UnixConnection(path: socket, deadline: .now() + seconds)
    } catch  where [ENOENT, ECONNREFUSED, ENAMETOOLONG, ENOTDIR].contains(error.errno) {
      return nil
    }
    let request =
      "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    try connection.send(Array(request.utf8))
    var answer: [UInt8] = []
    while true {
      let part = try connection.receive(64 << 10)
      if part.isEmpty { break }
      answer += part
      guard answer.count <= limit else { throw FileError(call: "recv", path: socket, errno: EMSGSIZE) }
    }
    guard let reply = parse(answer) else { throw FileError(call: "recv", path: socket, errno: EPROTO) }
    return reply
  }

  /// A whole response with a `Content-Length`, as ours all have.
  static func parse(_ bytes: [UInt8]) -> Reply? {
    let text = String(decoding: bytes.prefix(32 << 10), as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let head = text[..<end.lowerBound].split(separator: "\r\n")
    let first = head.first?.split(separator: " ") ?? []
    guard first.count >= 2, first[0].hasPrefix("HTTP/1."), let status = Int(first[1]) else { return nil }
    var length: Int?
    for line in head.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
      length = Int(parts[1].trimmingCharacters(in: .whitespaces))
    }
    let start = text[..<end.upperBound].utf8.count
    guard let length, length >= 0, bytes.count == start + length else { return nil }
    return Reply(status: status, body: Array(bytes[start...]))
  }
}
