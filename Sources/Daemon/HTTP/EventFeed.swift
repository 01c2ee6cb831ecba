import Synchronization

/// Gives the events of a board to those who listen to `/events`, as server-sent events.
///
/// Each event has an id; who comes back with the last one it saw (`Last-Event-ID`) gets what it missed, as far as that is
/// still kept. The status follows as an event of its own whenever it changed, at most once a second.
final class EventFeed: Sendable {
  private struct Kept {
    var number: UInt64
    var text: String
  }

  private struct State {
    var queues: [UInt64: EventQueue] = [:]
    var nextQueue: UInt64 = 0
    var lastNumber: UInt64 = 0
    var recent: [Kept] = []
    var recentBytes = 0
    var isClosed = false
    var statusShown = 0.0
  }

  private let board: StatusBoard
  private let limits: StatusServer.Limits
  /// Sets the ids of this process apart from those of the one before.
  private let tag: String
  private let state = Mutex(State())
  private let listener = Mutex<UInt64?>(nil)

  init(board: StatusBoard, limits: StatusServer.Limits) {
    self.board = board
    self.limits = limits
    tag = String(UInt64.random(in: 0..<(1 << 40)), radix: 36)
    let number = board.listen { [weak self] in self?.send($0) }
    listener.withLock { $0 = number }
  }

  deinit { close() }

  var clients: Int { state.withLock { $0.queues.count } }

  var hasRoom: Bool { state.withLock { $0.queues.count < limits.eventClients && !$0.isClosed } }

  /// - Returns: nil when there is no room.
  func join(after lastID: String?, dropped: @escaping @Sendable () -> Void) -> (
    number: UInt64, queue: EventQueue
  )? {
    let status = board.status
    return state.withLock { state in
      guard state.queues.count < limits.eventClients, !state.isClosed else { return nil }
      let queue = EventQueue(limit: limits.eventQueueBytes, dropped: dropped)
      var text = "retry: 2000\n\n"
      if let last = lastID.flatMap(number) {
        text += state.recent.filter { $0.number > last }.map(\.text).joined()
      }
      text += Self.text(StatusBoard.Event(name: "status", data: StatusJSON.line(status)), id: nil)
      queue.push(text)
      state.nextQueue += 1
      state.queues[state.nextQueue] = queue
      return (state.nextQueue, queue)
    }
  }

  func leave(_ number: UInt64) {
    state.withLock { $0.queues.removeValue(forKey: number) }?.end()
  }

  /// Ends all; no more can join.
  func close() {
    if let number = listener.withLock({ $0.take() }) { board.remove(listener: number) }
    let queues = state.withLock { state in
      state.isClosed = true
      return Array(state.queues.values)
    }
    for queue in queues { queue.end() }
  }

  /// A comment, so that both sides notice when the other is gone.
  func sendHeartbeat() {
    for queue in state.withLock({ Array($0.queues.values) }) { queue.push(": alive\n\n") }
  }

  /// The status, if it changed since it was sent last and somebody listens.
  func sendStatus() {
    guard clients > 0 else { return }
    let status = board.status
    let isNew = state.withLock { state in
      defer { state.statusShown = status.updatedAt }
      return state.statusShown != status.updatedAt
    }
    // Not kept for later: who comes back gets the status of that moment.
    guard isNew else { return }
    let text = Self.text(StatusBoard.Event(name: "status", data: StatusJSON.line(status)), id: nil)
    for queue in state.withLock({ Array($0.queues.values) }) { queue.push(text) }
  }

  private func send(_ event: StatusBoard.Event) {
    // Under the lock, so that all see the order of the ids.
    state.withLock { state in
      state.lastNumber += 1
      let text = Self.text(event, id: "\(tag)-\(state.lastNumber)")
      state.recent.append(Kept(number: state.lastNumber, text: text))
      state.recentBytes += text.utf8.count
      while state.recentBytes > limits.eventQueueBytes / 2 {
        state.recentBytes -= state.recent.removeFirst().text.utf8.count
      }
      for queue in state.queues.values { queue.push(text) }
    }
  }

  /// The number in one of our ids; nil if it is of another process.
  private func number(_ id: String) -> UInt64? {
    let parts = id.split(separator: "-")
    return parts.count == 2 && parts[0] == tag ? UInt64(parts[1]) : nil
  }

  /// An event as the format has it: no field may hold a line break.
  private static func text(_ event: StatusBoard.Event, id: String?) -> String {
    let isBreak: (Character) -> Bool = { $0.isNewline }
    var text = id.map { "id: \($0)\n" } ?? ""
    text += "event: \(event.name.filter { !isBreak($0) })\n"
    for line in event.data.split(omittingEmptySubsequences: false, whereSeparator: isBreak) {
      text += "data: \(line)\n"
    }
    return text + "\n"
  }
}
