import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A request and the way it came.
struct StatusContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel
  /// Over the unix socket, which only our own user and root can open.
  var isLocal = false

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }
}

/// Stands before all routes: what it refuses, no route sees.
struct RequestGate: RouterMiddleware {
  typealias Context = StatusContext

  /// For requests over TCP.
  var hosts: HostRules?
  var token: OperatorToken?
  /// By path.
  var methods: [String: [HTTPRequest.Method]]
  /// Bytes.
  var bodyLimit: Int

  @concurrent
  func handle(
    _ request: Request, context: StatusContext,
    next: @concurrent (Request, StatusContext) async throws -> Response
  ) async throws -> Response {
    var response =
      if let refusal = try await refusal(request, context) { refusal } else {
        try await next(request, context)
      }
    response.headers[.date] = Answer.date()
    response.headers[.cacheControl] = "no-store"
    response.headers[.xContentTypeOptions] = "nosniff"
    response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
    response.headers[Self.resourcePolicy] = "same-origin"
    return response
  }

  private static let resourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
  private static let host = HTTPField.Name("Host")!
  private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
  private static let fetchMode = HTTPField.Name("Sec-Fetch-Mode")!
  private static let fetchDest = HTTPField.Name("Sec-Fetch-Dest")!

  private func refusal(_ request: Request, _ context: StatusContext) async throws -> Response? {
    if !context.isLocal, let refusal = refusalForOrigin(request) { return refusal }
    guard let allowed = methods[request.uri.path] else { return Answer.refusal(.notFound, "no such page") }
    guard allowed.contains(request.method) else {
      var refusal = Answer.refusal(.methodNotAllowed, "not this method")
      refusal.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
      return refusal
    }
    if let length = request.headers[.contentLength], Int(length).map({ $0 > bodyLimit }) ?? true {
      return tooLarge
    }
    guard request.method == .post else { return nil }
    do {
      _ = try await request.body.collect(upTo: bodyLimit)
    } catch is NIOTooManyBytesError {
      return tooLarge
    }
    if !context.isLocal, !(token?.allows(authorization: request.headers[.authorization]) ?? false) {
      return Answer.refusal(
        .forbidden, "over TCP this needs the token of daemon.token_file; the socket serve.sock does not")
    }
    return nil
  }

  private var tooLarge: Response {
    Answer.refusal(.contentTooLarge, "the body is larger than \(bodyLimit) bytes")
  }

  /// What pages of other sites may not do: see ``HostRules``.
  private func refusalForOrigin(_ request: Request) -> Response? {
    guard request.headers[Self.host] == nil else { return Answer.refusal(.badRequest, "more than one Host") }
    guard let host = request.head.authority.flatMap({ Authority($0) }) else {
      return Answer.refusal(.badRequest, "no Host that could be read")
    }
    guard let hosts, hosts.allows(host) else {
      return Answer.refusal(.misdirectedRequest, "this Host is not served here")
    }
    let origins = request.headers[values: .origin]
    guard origins.allSatisfy({ hosts.isOwn(origin: $0, host: host) }) else {
      return Answer.refusal(.forbidden, "from another origin")
    }
    let site = request.headers[Self.fetchSite]
    if let site, site != "same-origin", site != "none", !isNavigation(request) {
      return Answer.refusal(.forbidden, "from another site")
    }
    return nil
  }

  /// Somebody follows a link to us: the other site cannot see the answer.
  private func isNavigation(_ request: Request) -> Bool {
    (request.method == .get || request.method == .head) && request.headers[Self.fetchMode] == "navigate"
      && request.headers[Self.fetchDest] == "document"
  }
}
