import Dispatch
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
public import Pipeline
import Synchronization

/// Answers HTTP on a TCP address and on a unix socket: health, metrics, status, events, and what operators ask for.
///
/// The daemon's loop is a plain thread; the server runs beside it on two threads of its own (NIO's event loop, and
/// ``ServerThread`` for the handlers), so it answers however busy the workers are.
public final class StatusServer: Sendable {
  /// What one client, or all together, may use.
  public struct Limits: Sendable {
    /// Open connections, for TCP and the socket each; further ones wait until one is closed.
    public var connections = 256
    /// Listeners of `/events`.
    public var eventClients = 16
    /// Bytes of events that may wait for one listener; with more it is dropped.
    public var eventQueueBytes = 256 << 10
    /// Seconds between comments to listeners.
    public var eventHeartbeat = 15
    /// Bytes of all header fields of a request.
    public var headerBytes = 16 << 10
    /// Bytes of the body of a request.
    public var bodyBytes = 1 << 10
    /// Seconds for a request to arrive whole after its head.
    public var requestSeconds = 10
    /// Seconds for a head to arrive, and between two requests.
    public var idleSeconds = 15
    /// Seconds without a byte of a response being taken.
    public var writeSeconds = 20
    /// See ``Health/beatLimit``.
    public var beatSeconds = Health.beatLimit

    public init() {}
  }

  private let requests: OperatorRequests
  private let board: StatusBoard
  private let token: OperatorToken?
  private let limits: Limits
  private let allowsPortInUse: Bool
  private let notice: @Sendable (String) -> Void
  private let feed: EventFeed
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  private let tcp: Listener?
  private let local: Listener?
  private let timers = Mutex<[RepeatedTask]>([])

  /// - Parameters:
  ///   - listen: `host:port`; nil: no TCP. Port 0 takes any free one, see ``port``.
  ///   - socket: path of the unix socket; nil: none. A name longer than 107 bytes cannot be one: none, with a notice.
  ///   - token: lets operators in over TCP; nil: only the socket does.
  ///   - allowsPortInUse: the address is only the default, so that another process has it is no error but a notice.
  ///   - notice: what the user should know; called from any thread.
  /// - Throws: ``PipelineError`` (usage) if `listen` is no address.
  public init(
    board: StatusBoard, requests: OperatorRequests, listen: String?, socket: String?,
    token: OperatorToken? = nil,
    allowsPortInUse: Bool = false, limits: Limits = Limits(),
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(PipelineError) {
    let address: ListenAddress? = if let listen { try ListenAddress(listen) } else { nil }
    self.board = board
    self.requests = requests
    self.token = token
    self.limits = limits
    self.allowsPortInUse = allowsPortInUse
    self.notice = notice
    let feed = EventFeed(board: board, limits: limits)
    self.feed = feed
    let routes = Routes(board: board, requests: requests, feed: feed, beatLimit: limits.beatSeconds)
    let gate = RequestGate(
      hosts: address.map { HostRules(listen: $0) }, token: token, methods: Routes.methods,
      bodyLimit: limits.bodyBytes)
    let service = Listener.Service(
      responder: routes.responder(gate), limits: limits, group: group, notice: notice)
    tcp = address.map { Listener(.tcp($0), service) }
    local = socket.map { Listener(.unix($0), service) }
  }

  /// Opens both; returns when they answer.
  ///
  /// - Throws: ``PipelineError``: temporary when the port is in use, usage when the address is not one of this machine.
  ///   A socket that cannot be made is only a notice.
  public func start() throws(PipelineError) {
    if let local, let fault = local.open() {
      notice("\(local.place): no socket: \(fault.text); `tamis status` reads the catalog instead")
    }
    if let tcp, let fault = tcp.open() {
      if fault.isInUse && allowsPortInUse {
        notice("\(tcp.place) is in use: no HTTP there; set daemon.listen for another port")
      } else {
        stop(deadline: 1)
        throw PipelineError(fault.isInUse ? .temporary : .usage, "daemon.listen: \(tcp.place): \(fault.text)")
      }
    }
    let feed = feed
    let loop = group.next()
    let heartbeat = TimeAmount.seconds(Int64(limits.eventHeartbeat))
    timers.withLock {
      $0 = [
        loop.scheduleRepeatedTask(initialDelay: heartbeat, delay: heartbeat) { _ in feed.sendHeartbeat() },
        loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in feed.sendStatus() },
      ]
    }
  }

  /// The TCP port that is open; nil if none is.
  public var port: Int? { tcp?.port }

  /// Those who listen to `/events` now.
  public var listeners: Int { feed.clients }

  /// Takes no new connection, ends listeners of `/events` at once, lets answers on their way be taken, and closes what is
  /// left after the deadline (seconds). Removes the socket. Once.
  public func stop(deadline seconds: Double) {
    for timer in timers.withLock({ timers in
      defer { timers = [] }
      return timers
    }) { timer.cancel() }
    feed.close()
    let end = DispatchTime.now() + max(0, seconds)
    for listener in [tcp, local] { listener?.beginClosing() }
    for listener in [tcp, local] { listener?.finishClosing(by: end) }
    group.shutdownGracefully(queue: .global()) { _ in }
  }
}
