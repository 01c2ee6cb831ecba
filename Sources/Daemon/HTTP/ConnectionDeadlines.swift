import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Sees to it that no client holds a connection for ever: a request must have arrived whole in a given time after its head,
/// a response must be taken in a given time, and after `Connection: close` the connection is closed even if the client
/// goes on sending. (Heads that never end, and idle connections, are Hummingbird's to close.)
final class ConnectionDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let requestTime: TimeAmount
  private let writeTime: TimeAmount
  /// After the last response: time for the client to read it, before the connection is cut.
  private let lingerTime = TimeAmount.seconds(1)

  private var requestDeadline: Scheduled<Void>?
  private var writeCheck: Scheduled<Void>?
  private var lingerDeadline: Scheduled<Void>?
  private var unwritten = 0
  private var lastWritten = NIODeadline.now()
  private var isLastResponse = false

  init(requestTime: TimeAmount, writeTime: TimeAmount) {
    self.requestTime = requestTime
    self.writeTime = writeTime
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      requestDeadline?.cancel()
      requestDeadline = schedule(in: requestTime, context) { $0.close(promise: nil) }
    case .body: break
    case .end:
      requestDeadline?.cancel()
      requestDeadline = nil
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let part = unwrapOutboundIn(data)
    if case .head(let head) = part, head.headerFields[.connection]?.lowercased() == "close" {
      isLastResponse = true
    }
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    let bound = context.loopBound
    let isLast = if case .end = part { isLastResponse } else { false }
    written.futureResult.assumeIsolated().whenComplete { _ in
      self.unwritten -= 1
      self.lastWritten = .now()
      if isLast { self.endOutput(bound.value) }
    }
    if unwritten == 0 { lastWritten = .now() }
    unwritten += 1
    if writeCheck == nil { checkWrites(context) }
    if isLast { context.writeAndFlush(data, promise: written) } else { context.write(data, promise: written) }
  }

  private func checkWrites(_ context: ChannelHandlerContext) {
    let due = lastWritten + writeTime - .now()
    writeCheck = schedule(in: max(due, .milliseconds(1)), context) { context in
      self.writeCheck = nil
      guard self.unwritten > 0 else { return }
      if NIODeadline.now() >= self.lastWritten + self.writeTime {
        context.close(promise: nil)
      } else {
        self.checkWrites(context)
      }
    }
  }

  /// Our side is done. A full close now could destroy the response on its way if the client is still sending.
  private func endOutput(_ context: ChannelHandlerContext) {
    guard context.channel.isActive, lingerDeadline == nil else { return }
    context.close(mode: .output, promise: nil)
    lingerDeadline = schedule(in: lingerTime, context) { $0.close(promise: nil) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if lingerDeadline != nil, let event = event as? ChannelEvent, event == .inputClosed {
      context.close(promise: nil)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    cancel()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { cancel() }

  private func cancel() {
    for task in [requestDeadline, writeCheck, lingerDeadline] { task?.cancel() }
    (requestDeadline, writeCheck) = (nil, nil)
  }

  private func schedule(
    in time: TimeAmount, _ context: ChannelHandlerContext, _ body: @escaping (ChannelHandlerContext) -> Void
  ) -> Scheduled<Void> {
    let bound = context.loopBound
    return context.eventLoop.assumeIsolated().scheduleTask(in: time) { body(bound.value) }
  }
}

@available(*, unavailable)
extension ConnectionDeadlines: Sendable {}
