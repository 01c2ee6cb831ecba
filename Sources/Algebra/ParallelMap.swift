internal import Dispatch
internal import Synchronization

/// Maps `0 ..< count` through `body` on up to `threads` threads; every result has one owner, so the output
/// does not depend on the number of threads.
///
/// Each thread makes one `scratch` and pulls the next index when it is free.
package func parallelMap<Scratch, Result: Sendable>(
  _ count: Int, threads: Int, scratch: @Sendable () -> Scratch,
  _ body: @Sendable (Int, inout Scratch) -> Result
) -> [Result] {
  let workers = max(1, min(threads, count))
  if workers == 1 {
    var state = scratch()
    return (0..<count).map { body($0, &state) }
  }
  let next = Atomic<Int>(0)
  let results = Mutex([Result?](repeating: nil, count: count))
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    var state = scratch()
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if index >= count { return }
      let result = body(index, &state)
      results.withLock { $0[index] = result }
    }
  }
  return results.withLock { $0.map { $0! } }
}
