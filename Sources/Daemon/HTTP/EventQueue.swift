import Synchronization

/// What waits for one listener of `/events`: bounded, written by any thread, read by one task.
final class EventQueue: Sendable {
  private struct State {
    var waiting: [String] = []
    var bytes = 0
    var isEnded = false
    var reader: CheckedContinuation<String?, Never>?
  }

  private let limit: Int
  private let dropped: @Sendable () -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: bytes that may wait.
  ///   - dropped: called when they would be more: the listener is too slow, and the queue has ended.
  init(limit: Int, dropped: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.dropped = dropped
  }

  /// Adds text; does not block.
  func push(_ text: String) {
    let isFull = state.withLock { state -> Bool in
      guard !state.isEnded else { return false }
      if let reader = state.reader {
        state.reader = nil
        reader.resume(returning: text)
        return false
      }
      guard state.bytes + text.utf8.count <= limit else {
        (state.isEnded, state.waiting, state.bytes) = (true, [], 0)
        return true
      }
      state.waiting.append(text)
      state.bytes += text.utf8.count
      return false
    }
    if isFull { dropped() }
  }

  /// All that waits, or what comes next; nil at the end.
  func next() async -> String? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { reader in
        state.withLock { state in
          if !state.waiting.isEmpty {
            let text = state.waiting.joined()
            (state.waiting, state.bytes) = ([], 0)
            reader.resume(returning: text)
          } else if state.isEnded {
            reader.resume(returning: nil)
          } else {
            state.reader = reader
          }
        }
      }
    } onCancel: {
      end()
    }
  }

  /// What waits is still read, then the reader gets nil.
  func end() {
    state.withLock { state in
      state.isEnded = true
      state.reader?.resume(returning: nil)
      state.reader = nil
    }
  }
}
