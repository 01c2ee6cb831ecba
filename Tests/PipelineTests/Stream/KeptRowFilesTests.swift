import Algebra
import Foundation
import Pipeline
import Prune
import TestSupport
import Testing

@Suite struct KeptRowFilesTests {
  private let dimension = 12
  private let clusters = 5

  /// `n` half-precision rows, some of them near others.
  private func rows(_ n: Int, _ random: inout SplitMix) -> [Float] {
    var values: [Float] = []
    for row in 0..<n {
      let near = row > 0 && random.next() % 3 == 0 ? Int(random.next() % UInt64(row)) : nil
      for i in 0..<dimension {
        let noise = Float(random.next() % 2001) / 1000 - 1
        values.append(near.map { values[$0 * dimension + i] + noise * 0.05 } ?? noise)
      }
    }
    return (0..<n).flatMap { row -> [Float] in
      let own = values[row * dimension..<(row + 1) * dimension]
      let length = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return own.map { Float(Float16($0 / length)) }
    }
  }

  private func plan(_ centroids: EmbeddingMatrix, _ store: (any KeptRowStore)?) -> StreamingPlan {
    StreamingPlan(
      concepts: nil, rule: .hard, seed: 0, dedupCentroids: centroids, duplicateAbove: 0.97, kept: store)
  }

  @Test(
    "Rows on disk decide as rows in memory do, over restarts at any time, whatever the cache",
    arguments: [(1, 0), (2, 4 << 10), (3, 100 << 10), (4, 64 << 20)])
  func randomStreams(seed: UInt64, memory: Int) throws {
    var random = SplitMix(seed: seed)
    let folder = try TemporaryDirectory()
    let centroids = EmbeddingMatrix(rows(clusters, &random), dimension: dimension)
    var oracle = plan(centroids, nil)
    var names: [String] = []
    func open() throws -> KeptRowFiles {
      try KeptRowFiles.open(
        folder.path + "/rows", identity: "plan", clusters: clusters, dimension: dimension, shards: names,
        workspace: folder.path, memory: memory)
    }
    var store = try open()
    var stream = plan(centroids, store)
    for ordinal in 0..<14 {
      let n = ordinal == 5 ? 9000 : Int(random.next() % 900)
      let matrix = EmbeddingMatrix(rows(n, &random), dimension: dimension)
      let hashes = (0..<n).map { _ in random.next() }
      let origins = (0..<n).map { KeptOrigin(shard: Int32(ordinal), row: Int32($0)) }
      let expected = try oracle.decide(matrix, keyHashes: hashes, origins: origins)
      while true {
        let found = try stream.decide(matrix, keyHashes: hashes, origins: origins, threads: 2)
        #expect(found == expected)
        #expect(store.heldBytes <= memory + 32)
        // Killed, or given up, before the verdicts were in place: it is decided again.
        let event = random.next() % 4
        if event == 0 {
          store = try open()
          stream = plan(centroids, store)
        } else if event == 1 {
          store.discard()
        } else {
          break
        }
      }
      names.append("shard\(ordinal)")
      try store.commit(shard: names[ordinal], digest: "")
      if random.next() % 3 == 0 {
        if random.next() % 2 == 0 { try store.sync() }
        store = try open()
        #expect(store.shards == names.count)
        stream = plan(centroids, store)
      }
    }
    let kept = (0..<clusters).reduce(0) { $0 + store.count(of: $1) }
    #expect(kept > 4000 && kept < 14_000)
  }

  @Test("What is torn, gone or of another plan is not used")
  func damage() throws {
    let folder = try TemporaryDirectory()
    var random = SplitMix(seed: 5)
    let directory = folder.path + "/rows"
    func open(_ identity: String = "plan", _ shards: [String] = ["a"]) throws -> KeptRowFiles {
      try KeptRowFiles.open(
        directory, identity: identity, clusters: 1, dimension: dimension, shards: shards,
        workspace: folder.path, memory: 1 << 20)
    }
    func fill() throws {
      try FileManager.default.removeItem(atPath: directory)
      let store = try open()
      let values = rows(10, &random)
      for row in 0..<10 {
        try store.append(
          values[row * dimension..<(row + 1) * dimension], KeptOrigin(shard: 0, row: Int32(row)), to: 0)
      }
      try store.commit(shard: "a", digest: "")
    }
    _ = try open()
    try fill()
    #expect(try open().count(of: 0) == 10)
    // More than the record says was not committed.
    let file = directory + "/0.rows"
    try Data(contents(of: file) + [1, 2, 3]).write(to: URL(filePath: file))
    #expect(try open().count(of: 0) == 10)
    try Data(contents(of: file).prefix(300)).write(to: URL(filePath: file))
    #expect(try open().shards == 0)
    for change in [0, 1, 2, 3] {
      try fill()
      switch change {
      case 0: try FileManager.default.removeItem(atPath: file)
      case 1: try Data("[]".utf8).write(to: URL(filePath: directory + "/record.json"))
      default: break
      }
      let store = try change == 2 ? open("another") : change == 3 ? open("plan", ["b"]) : open()
      #expect(store.shards == 0 && store.count(of: 0) == 0)
    }
    try fill()
    #expect(throws: PipelineError.self) {
      try open().append([0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][...], KeptOrigin(shard: 0, row: 0), to: 0)
    }
  }
}
