import Glibc

/// Which `Host` and `Origin` a request over TCP may carry.
///
/// A page of another site can make a browser connect to a port of this machine, and a name under that site's control can be
/// made to point to 127.0.0.1 (DNS rebinding), after which the browser takes our answers for the site's own. Such a request
/// always has the site's name as its `Host`, so only names that nobody else controls are answered.
struct HostRules: Sendable {
  /// Names beside `localhost` and addresses, lower case.
  private let names: Set<String>

  /// - Parameter listen: its host is a name for this machine. If other machines can reach it, so is our own host name.
  init(listen: ListenAddress) {
    var names: Set = ["localhost", listen.host.lowercased()]
    if !listen.isLoopback, let own = Self.hostName() { names.insert(own.lowercased()) }
    self.names = names
  }

  func allows(_ host: Authority) -> Bool { names.contains(host.host) || Self.isAddress(host.host) }

  /// True for our own pages: an origin is scheme, host and port, and ours is where the request goes.
  func isOwn(origin: String, host: Authority) -> Bool {
    let scheme = "http://"
    guard origin.lowercased().hasPrefix(scheme) else { return false }
    return Authority(origin.dropFirst(scheme.count)) == host
  }

  /// An IPv4 address as four decimal numbers, or an IPv6 address without brackets.
  static func isAddress(_ text: String) -> Bool {
    var four = in_addr()
    var six = in6_addr()
    return unsafe inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
  }

  private static func hostName() -> String? {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
