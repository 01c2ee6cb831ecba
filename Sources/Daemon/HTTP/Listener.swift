import Dispatch
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Shards
import Synchronization

/// One address with a Hummingbird server on it, which is opened again should it ever end by itself.
final class Listener: Sendable {
  enum Place: Sendable, CustomStringConvertible {
    case tcp(ListenAddress)
    case unix(String)

    var description: String {
      switch self {
      case .tcp(let address): address.description
      case .unix(let path): path
      }
    }
  }

  /// What all addresses share.
  struct Service: Sendable {
    let responder: RouterResponder<StatusContext>
    let limits: StatusServer.Limits
    let group: MultiThreadedEventLoopGroup
    let notice: @Sendable (String) -> Void
  }

  /// Why an address could not be opened.
  struct Fault: Error, Sendable {
    var text: String
    var isInUse = false
  }

  private struct State {
    var server: HummingbirdCore.Server<HTTP1Channel>?
    var task: Task<Void, Never>?
    var port: Int?
    /// nil until it is known whether the address could be opened.
    var opened: Result<Void, Fault>?
    var isClosing = false
  }

  /// Seconds for opening an address, the name look-up included.
  private static let openSeconds = 10.0

  let place: Place
  private let service: Service
  private let state = Mutex(State())
  private let isOpen = DispatchSemaphore(value: 0)
  private let hasEnded = DispatchGroup()

  init(_ place: Place, _ service: Service) {
    self.place = place
    self.service = service
  }

  var port: Int? { state.withLock { $0.port } }

  /// Returns when the address answers, or why it does not.
  func open() -> Fault? {
    if case .unix(let path) = place, let fault = SocketFile(path).problem { return fault }
    hasEnded.enter()
    let task = Task(executorPreference: ServerThread.shared) {
      await self.serve()
      self.hasEnded.leave()
    }
    state.withLock { $0.task = task }
    guard isOpen.wait(timeout: .now() + Self.openSeconds) == .success else {
      task.cancel()
      return Fault(text: "could not be opened within \(Int(Self.openSeconds)) seconds")
    }
    guard case .failure(let fault) = state.withLock({ $0.opened }) else { return nil }
    if case .unix(let path) = place { SocketFile(path).removeDraft() }
    return fault
  }

  func beginClosing() {
    let (server, opened) = state.withLock { state in
      state.isClosing = true
      return (state.server, state.opened)
    }
    // One that was never ours stays.
    if case .unix(let path) = place, case .success = opened { SocketFile(path).remove() }
    guard let server else { return }
    // The event loop must outlive this too.
    hasEnded.enter()
    Task(executorPreference: ServerThread.shared) {
      try? await server.shutdownGracefully()
      self.hasEnded.leave()
    }
  }

  func finishClosing(by end: DispatchTime) {
    guard hasEnded.wait(timeout: end) == .timedOut else { return }
    state.withLock { $0.task }?.cancel()
    _ = hasEnded.wait(timeout: .now() + 1)
  }

  private func serve() async {
    while !Task.isCancelled {
      let server = makeServer()
      guard state.withLock({ $0.isClosing ? nil : ($0.server = server) }) != nil else { return }
      var failure = "closed"
      do {
        try await server.run()
      } catch {
        failure = "\(error)"
        tell(.failure(fault(error)))
      }
      let (isClosing, opened) = state.withLock { ($0.isClosing, $0.opened) }
      guard !isClosing, case .success = opened else { return }
      // Such as an accept that failed for want of file descriptors.
      service.notice("\(place): HTTP ended by itself (\(failure)); opened again")
      try? await Task.sleep(for: .seconds(1))
    }
  }

  /// The first outcome counts.
  private func tell(_ outcome: Result<Void, Fault>) {
    let isFirst = state.withLock { state in
      defer { if state.opened == nil { state.opened = outcome } }
      return state.opened == nil
    }
    if isFirst { isOpen.signal() }
  }

  private func fault(_ error: any Error) -> Fault {
    if let fault = error as? Fault { return fault }
    guard let error = error as? IOError else { return Fault(text: "\(error)") }
    if error.errnoCode == EADDRINUSE { return Fault(text: "in use by another process", isInUse: true) }
    return Fault(text: unsafe String(cString: strerror(error.errnoCode)))
  }

  private func makeServer() -> HummingbirdCore.Server<HTTP1Channel> {
    let limits = service.limits
    let isLocal = if case .unix = place { true } else { false }
    let responder = service.responder
    let logger = Logger(label: "tamis.http") { _ in SwiftLogNoOpLogHandler() }
    let channel = HTTP1Channel(
      responder: { request, responseWriter, channel in
        var context = StatusContext(source: .init(channel: channel, logger: logger))
        context.isLocal = isLocal
        let response = try await responder.respond(to: request, context: context)
        try await responseWriter.write(response: response.head, body: response.body)
      },
      configuration: .init(
        additionalChannelHandlers: [
          ConnectionDeadlines(
            requestTime: .seconds(Int64(limits.requestSeconds)),
            writeTime: .seconds(Int64(limits.writeSeconds)))
        ],
        idleTimeout: .seconds(Int64(limits.idleSeconds)),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
          maxHeaderFieldCount: 100)))
    let address: BindAddress =
      switch place {
      case .tcp(let address): .hostname(address.host, port: address.port)
      case .unix(let path): .unixDomainSocket(path: SocketFile(path).draft)
      }
    return HummingbirdCore.Server(
      childChannelSetup: channel,
      configuration: ServerConfiguration(
        address: address,
        availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
      onServerRunning: { await self.didOpen($0) }, eventLoopGroup: service.group, logger: logger)
  }

  private func didOpen(_ channel: any Channel) async {
    if case .unix(let path) = place {
      if let fault = SocketFile(path).publish() {
        tell(.failure(fault))
        try? await channel.close()
        return
      }
    }
    state.withLock { $0.port = channel.localAddress?.port }
    tell(.success(()))
  }
}
