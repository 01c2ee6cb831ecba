import Dispatch
import Shards
import Synchronization

/// Writes a board's metrics to a file every 15 seconds, for node_exporter's textfile collector.
public final class MetricsTextfile: Sendable {
  private static let seconds = 15

  private let path: String
  private let board: StatusBoard
  private let notice: @Sendable (String) -> Void
  private let queue = DispatchQueue(label: "tamis.metrics")
  private let state = Mutex<(timer: (any DispatchSourceTimer)?, hasFailed: Bool)>((nil, false))

  /// - Parameters:
  ///   - path: replaced in one step each time; its directory must exist.
  ///   - notice: is told when the file cannot be written, once until it can be again.
  public init(_ path: String, board: StatusBoard, notice: @escaping @Sendable (String) -> Void = { _ in }) {
    (self.path, self.board, self.notice) = (path, board, notice)
  }

  /// Writes the file now and from then on.
  public func start() {
    let timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now(), repeating: .seconds(Self.seconds))
    timer.setEventHandler { [weak self] in self?.write() }
    state.withLock { $0.timer = timer }
    timer.resume()
  }

  /// Writes the file for the last time.
  public func stop() {
    state.withLock { state in
      state.timer?.cancel()
      state.timer = nil
    }
    queue.sync { write() }
  }

  private func write() {
    var problem: String?
    do throws(FileError) { try MetricsPage.write(board.status, to: path) } catch {
      problem = error.description
    }
    let isNew = state.withLock { state in
      defer { state.hasFailed = problem != nil }
      return problem != nil && !state.hasFailed
    }
    if isNew, let problem { notice("metrics: \(problem)") }
  }
}
