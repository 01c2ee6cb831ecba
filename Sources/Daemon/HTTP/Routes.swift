import HTTPTypes
import Hummingbird
import NIOCore

/// The pages of the status server.
struct Routes {
  let board: StatusBoard
  let requests: OperatorRequests
  let feed: EventFeed
  let beatLimit: Double

  /// What each path takes; anything else is 404 or 405.
  static let methods: [String: [HTTPRequest.Method]] = {
    var methods: [String: [HTTPRequest.Method]] = [:]
    for path in ["/", "/healthz", "/readyz", "/metrics", "/status", "/events"] {
      methods[path] = [.get, .head]
    }
    for path in ["/fit", "/pause", "/resume"] { methods[path] = [.post] }
    return methods
  }()

  private static let index = """
    Tamis: a shard sieve at work.

    GET  /healthz   200 while the process and its loop are alive, else 503
    GET  /readyz    200 while shards that arrive are taken, else 503 and why
    GET  /metrics   for Prometheus
    GET  /status    JSON
    GET  /events    server-sent events
    POST /fit       a new plan         } over the unix socket serve.sock of the workspace,
    POST /pause     take no new shard  } or with the token of daemon.token_file
    POST /resume    go on              }

    """

  func responder(_ gate: RequestGate) -> RouterResponder<StatusContext> {
    let router = Router(context: StatusContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: gate)
    router.get("/") { _, _ in Answer.text(Self.index) }
    router.get("healthz") { _, _ in Self.answer(Health.alive(board, limit: beatLimit)) }
    router.get("readyz") { _, _ in Self.answer(Health.ready(board, limit: beatLimit)) }
    router.get("metrics") { _, _ in Answer.text(MetricsPage.text(board.status), type: MetricsPage.contentType)
    }
    router.get("status") { _, _ in Answer.json(.ok, StatusJSON.line(board.status)) }
    router.get("events") { request, context in events(request, context) }
    // Made by hand: a head must not join the feed.
    router.head("events") { _, _ in Response(status: .ok, headers: Self.eventHeaders) }
    router.post("fit") { _, _ in ask(.fit, "fit") }
    router.post("pause") { _, _ in ask(.pause, "pause") }
    router.post("resume") { _, _ in ask(.resume, "resume") }
    return router.buildResponder()
  }

  private static func answer(_ health: Health) -> Response {
    Answer.json(
      health.isGood ? .ok : .serviceUnavailable,
      Answer.object(["ok": health.isGood, "reasons": health.reasons]))
  }

  /// The loop takes requests between two shards, so the answer is only that it was told.
  private func ask(_ request: OperatorRequests.Request, _ name: String) -> Response {
    let phase = board.status.phase
    guard phase != .draining, phase != .stopped else {
      return Answer.refusal(.serviceUnavailable, "the daemon is ending")
    }
    requests.ask(request)
    return Answer.json(.accepted, Answer.object(["accepted": name]))
  }

  private static let eventHeaders: HTTPFields = [.contentType: "text/event-stream", .connection: "close"]

  private func events(_ request: Request, _ context: StatusContext) -> Response {
    guard feed.hasRoom else {
      var refusal = Answer.refusal(.serviceUnavailable, "too many listen already")
      refusal.headers[.retryAfter] = "10"
      return refusal
    }
    let lastID = request.headers[HTTPField.Name("Last-Event-ID")!]
    let channel = context.channel
    let body = ResponseBody(contentLength: nil) { writer in
      if let (number, queue) = feed.join(after: lastID, dropped: { channel.close(promise: nil) }) {
        defer { feed.leave(number) }
        try await request.body.consumeWithInboundCloseHandler { _ in
          while let text = await queue.next() { try await writer.write(ByteBuffer(string: text)) }
        } onInboundClosed: {
          queue.end()
        }
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: Self.eventHeaders, body: body)
  }
}
