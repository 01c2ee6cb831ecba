import Foundation
import Pipeline
import Synchronization
import Testing

private struct Failure: Error, Equatable { var item: Int }

/// Counts what is in flight.
private final class Gauge: Sendable {
  let state = Mutex((used: 0, most: 0, consumed: 0))
  func add(_ cost: Int) {
    state.withLock {
      $0.used += cost
      $0.most = max($0.most, $0.used)
    }
  }
}

private struct Numbers: PullSource, ~Copyable {
  var position = 0
  let count: Int
  let cost: Int
  mutating func next() -> (item: Int, cost: Int)? {
    guard position < count else { return nil }
    defer { position += 1 }
    return (position, cost)
  }
}

/// Squares numbers at uneven speed.
private struct Squarer: MapWorker, ~Copyable {
  let gauge: Gauge
  let cost: Int
  var failAt: Int?
  mutating func map(_ item: Int) throws -> Int {
    gauge.add(cost)
    if item % 7 == 0 { Thread.sleep(forTimeInterval: 0.002) }
    if item == failAt { throw Failure(item: item) }
    return item * item
  }
}

private struct Collector: OrderedSink, ~Copyable {
  let gauge: Gauge
  let cost: Int
  var results: [Int] = []
  var failAt: Int?
  mutating func consume(_ result: Int) throws {
    if results.count == failAt { throw Failure(item: results.count) }
    results.append(result)
    gauge.add(-cost)
  }
}

@Suite struct OrderedMapTests {
  private func run(
    workers: Int, window: Int, cost: Int = 1, count: Int = 300, workerFails: Int? = nil, sinkFails: Int? = nil
  ) throws -> (results: [Int], most: Int) {
    let gauge = Gauge()
    let results = try orderedMap(
      from: Numbers(count: count, cost: cost), into: Collector(gauge: gauge, cost: cost, failAt: sinkFails),
      workers: workers, window: window,
      makeWorker: { Squarer(gauge: gauge, cost: cost, failAt: workerFails) },
      finish: { $0.results })
    return (results, gauge.state.withLock { $0.most })
  }

  @Test("results come in input order and all of them", arguments: [1, 2, 8])
  func order(workers: Int) throws {
    #expect(try run(workers: workers, window: 16).results == (0..<300).map { $0 * $0 })
  }

  @Test("what is in flight stays within the window", arguments: [1, 5, 64])
  func window(window: Int) throws {
    #expect(try run(workers: 4, window: window).most <= window)
  }

  @Test("an item larger than the window passes alone")
  func oversize() throws {
    let (results, most) = try run(workers: 4, window: 10, cost: 25, count: 40)
    #expect(results.count == 40)
    #expect(most == 25)
  }

  @Test("the first error stops the run, wherever it happens", arguments: [1, 2, 8])
  func errors(workers: Int) throws {
    #expect(throws: Failure(item: 50)) { try run(workers: workers, window: 4, workerFails: 50) }
    #expect(throws: Failure(item: 20)) { try run(workers: workers, window: 4, sinkFails: 20) }
  }

  @Test("an empty source gives an empty result")
  func empty() throws { #expect(try run(workers: 3, window: 1, count: 0).results.isEmpty) }
}
