public import Pipeline

/// `HOST:PORT`, where HOST is a name, an IPv4 address or an IPv6 address in brackets.
public struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  public var host: String
  /// 0: any free port.
  public var port: Int

  /// - Throws: ``PipelineError`` (usage) that names what is wrong.
  public init(_ text: String) throws(PipelineError) {
    let fault = PipelineError(
      .usage, "daemon.listen: '\(text)' is not HOST:PORT, such as 127.0.0.1:8088 or [::1]:8088")
    guard let authority = Authority(text), let port = authority.port else { throw fault }
    (host, self.port) = (authority.host, port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Only this machine can reach it.
  public var isLoopback: Bool {
    host == "localhost" || host == "::1" || (host.hasPrefix("127.") && HostRules.isAddress(host))
  }
}

/// Host and port as they stand in a `Host` header or a URL.
struct Authority: Equatable {
  /// Lower case, without brackets and without a final dot.
  var host: String
  var port: Int?

  init?(_ text: some StringProtocol) {
    var rest = text[...]
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { return nil }
      host = rest[rest.index(after: rest.startIndex)..<end].lowercased()
      guard host.contains(":"), HostRules.isAddress(host) else { return nil }
      rest = rest[rest.index(after: end)...]
    } else {
      let end = rest.firstIndex(of: ":") ?? rest.endIndex
      host = rest[..<end].lowercased()
      if host.hasSuffix(".") { host.removeLast() }
      guard !host.isEmpty, host.utf8.allSatisfy({ Self.isNameByte($0) }) else { return nil }
      rest = rest[end...]
    }
    if rest.isEmpty { return }
    let digits = rest.dropFirst()
    guard rest.first == ":", !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = Int(digits), port <= 65535
    else { return nil }
    self.port = port
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
