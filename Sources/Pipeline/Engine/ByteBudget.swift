import Dispatch
import Synchronization

/// Bounds the bytes in flight. One caller at a time may wait (the one that holds the reader), so there is no
/// queue; an item larger than the whole budget passes alone instead of waiting for ever.
final class ByteBudget: Sendable {
  private struct State {
    var used = 0
    var isWaiting = false
    var isOpen = false
  }

  private let capacity: Int
  private let state = Mutex(State())
  private let freed = DispatchSemaphore(value: 0)

  init(capacity: Int) {
    precondition(capacity > 0, "a budget needs at least one byte")
    self.capacity = capacity
  }

  /// Takes `bytes`, waiting until they fit.
  func take(_ bytes: Int) {
    while true {
      let granted = state.withLock { state in
        if state.isOpen || state.used == 0 || state.used + bytes <= capacity {
          state.used += bytes
          return true
        }
        state.isWaiting = true
        return false
      }
      if granted { return }
      freed.wait()
    }
  }

  /// Gives `bytes` back.
  func give(_ bytes: Int) {
    let wake = state.withLock { state in
      state.used -= bytes
      defer { state.isWaiting = false }
      return state.isWaiting
    }
    if wake { freed.signal() }
  }

  /// Lets everything through from now on: after a failure nothing more will be given back.
  func open() {
    let wake = state.withLock { state in
      state.isOpen = true
      defer { state.isWaiting = false }
      return state.isWaiting
    }
    if wake { freed.signal() }
  }
}
