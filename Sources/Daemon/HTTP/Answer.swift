import Foundation
import Glibc
import HTTPTypes
import Hummingbird

/// Responses of the status server.
enum Answer {
  static func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
    make(status, type: "application/json", text + "\n")
  }

  static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
    make(.ok, type: type, text)
  }

  /// `{"error": …}`, after which the connection is closed: what else the client sends is not read.
  static func refusal(_ status: HTTPResponse.Status, _ why: String) -> Response {
    var response = json(status, object(["error": why]))
    response.headers[.connection] = "close"
    return response
  }

  /// A JSON object on one line, keys sorted.
  static func object(_ values: [String: any Encodable & Sendable]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let fields = values.sorted { $0.key < $1.key }.compactMap { key, value -> String? in
      guard let name = try? encoder.encode(key), let data = try? encoder.encode(value) else { return nil }
      return String(decoding: name, as: UTF8.self) + ":" + String(decoding: data, as: UTF8.self)
    }
    return "{" + fields.joined(separator: ",") + "}"
  }

  private static func make(_ status: HTTPResponse.Status, type: String, _ text: String) -> Response {
    Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
  }

  /// The time as a `Date` header has it.
  static func date(_ seconds: Int = time(nil)) -> String {
    var seconds = seconds
    var parts = unsafe tm()
    var text = [CChar](repeating: 0, count: 40)
    _ = unsafe gmtime_r(&seconds, &parts)
    // The names of days and months are English as long as nobody calls setlocale.
    let room = text.count
    let count = unsafe strftime(&text, room, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
