import Dispatch
import Synchronization

/// Where the items of an ordered map come from; pulled by one worker at a time.
package protocol PullSource: ~Copyable, SendableMetatype {
  associatedtype Item: Sendable
  /// The next item with the bytes it will take until its result has been consumed; nil at the end.
  mutating func next() throws -> (item: Item, cost: Int)?
}

/// The work on one item; each thread has its own, so it may keep buffers.
package protocol MapWorker: ~Copyable, SendableMetatype {
  associatedtype Input: Sendable
  associatedtype Output: Sendable
  mutating func map(_ input: Input) throws -> Output
}

/// Where results go, in the order of the items; called by one worker at a time.
package protocol OrderedSink: ~Copyable, SendableMetatype {
  associatedtype Input: Sendable
  mutating func consume(_ result: Input) throws
}

/// Maps a stream of items on `workers` threads and hands the results on in input order.
///
/// Workers pull: each takes the next item under a lock, works outside it and files the result; whoever completes
/// the oldest missing one passes all that are ready to the sink. The items read and not yet consumed never cost
/// more than `window` bytes, save that one larger than the window passes alone. The first error stops the reading
/// and is thrown once all workers have ended.
///
/// - Returns: what `finish` makes of the sink after the last result.
package func orderedMap<
  Source: PullSource & ~Copyable, Worker: MapWorker & ~Copyable, Sink: OrderedSink & ~Copyable,
  Value: Sendable
>(
  from source: consuming sending Source, into sink: consuming sending Sink, workers: Int, window: Int,
  makeWorker: @Sendable () throws -> Worker, finish: (inout Sink) throws -> Value
) throws -> Value
where Worker.Input == Source.Item, Sink.Input == Worker.Output {
  let reading = Mutex(Reading(source: source))
  let consuming = Mutex(sink)
  let filed = Mutex(Filed<Worker.Output>())
  let budget = ByteBudget(capacity: window)

  DispatchQueue.concurrentPerform(iterations: max(1, workers)) { _ in
    do {
      var worker = try makeWorker()
      while filed.withLock({ $0.failure == nil }),
        let (index, item, cost) = try reading.withLock({ try $0.next(budget) })
      {
        let output = try worker.map(item)
        guard filed.withLock({ $0.file(output, cost, at: index) }) else { continue }
        while let ready = filed.withLock({ $0.takeNext() }) {
          try consuming.withLock { try $0.consume(ready.output) }
          budget.give(ready.cost)
        }
      }
    } catch {
      filed.withLock { $0.failure = $0.failure ?? error }
      budget.open()
    }
  }
  if let failure = filed.withLock({ $0.failure }) { throw failure }
  return try consuming.withLock { try finish(&$0) }
}

/// The source and the index of its next item.
private struct Reading<Source: PullSource & ~Copyable>: ~Copyable {
  var source: Source
  var index = 0
  var isAtEnd = false

  mutating func next(_ budget: ByteBudget) throws -> (index: Int, item: Source.Item, cost: Int)? {
    guard !isAtEnd, let (item, cost) = try source.next() else {
      isAtEnd = true
      return nil
    }
    budget.take(cost)
    defer { index += 1 }
    return (index, item, cost)
  }
}

/// Results that wait for their turn.
private struct Filed<Output: Sendable> {
  private var waiting: [Int: (output: Output, cost: Int)] = [:]
  private var nextIndex = 0
  private var isDraining = false
  var failure: (any Error)?

  /// Files a result; true if the caller is to drain.
  mutating func file(_ output: Output, _ cost: Int, at index: Int) -> Bool {
    waiting[index] = (output, cost)
    if isDraining || waiting[nextIndex] == nil { return false }
    isDraining = true
    return true
  }

  /// The next result in order; nil ends the draining.
  mutating func takeNext() -> (output: Output, cost: Int)? {
    guard failure == nil, let next = waiting.removeValue(forKey: nextIndex) else {
      isDraining = false
      return nil
    }
    nextIndex += 1
    return next
  }
}
