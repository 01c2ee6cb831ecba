import Algebra
import Foundation
import Pipeline
import Prune
import Shards
import TestSupport
import Testing

/// A workspace of the samples, fitted on all four shards; its plan decides further shards that the tests make of rows.
@Suite struct FrozenPlanTests {
  private func fitted(_ folder: borrowing TemporaryDirectory) throws -> Recipe {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    var recipe = try RecipeFile.parse(
      """
      input: { path: "\(root.path)/samples/shards" }
      features: { pca: { size: 8 }, image: { encoder: pixels } }
      prune: { dedup: { epsilon: 0.05, clusters: 2 }, concepts: { clusters: 6, keep: 0.6 } }
      publish: { path: "\(folder.path)/out" }
      """, path: "recipe.yaml")
    recipe.limits.jobs = 2
    let workspace = try Workspace(path: folder.path)
    _ = try Ingest.run(recipe, in: workspace) { _ in }
    _ = try Fit.run(recipe, in: workspace) { _ in }
    _ = try PruneStage.run(recipe, in: workspace) { _ in }
    return recipe
  }

  private let fittedShards = ["00002", "00000", "00003", "00001"]

  private func verdicts(_ folder: borrowing TemporaryDirectory, _ shard: String) throws -> [[UInt8]] {
    let reader = try NpyReader(path: folder.path + "/verdicts/\(shard).npy")
    return try (0..<reader.rowCount).map { try reader.rows($0..<$0 + 1) }
  }

  private func rows(_ folder: borrowing TemporaryDirectory, _ shard: String) throws -> EmbeddingMatrix {
    let reader = try NpyReader(path: folder.path + "/columns/\(shard)/image.npy")
    return EmbeddingMatrix(
      try reader.rows(0..<reader.rowCount, as: Float16.self), dimension: reader.shape[1])
  }

  private func keys(_ folder: borrowing TemporaryDirectory, _ shard: String) throws -> [ArraySlice<UInt8>] {
    try contents(of: folder.path + "/columns/\(shard)/keys.txt").split(separator: 10)
  }

  @Test("A stream goes on over restarts as without them; known samples keep their verdicts")
  func stream() throws {
    let folder = try TemporaryDirectory()
    _ = try fitted(folder)
    func open(_ shards: [String], memory: Int = 1 << 20) throws -> FrozenPlan {
      try FrozenPlan(
        workspace: folder.path, shards: shards,
        keys: KeyIndex.open(workspace: folder.path, shards: shards), memory: memory, threads: 2)
    }
    // New rows between those of the samples, under new keys.
    let known = try rows(folder, "00001")
    let d = known.dimension
    var random = SplitMix(seed: 8)
    func block(_ n: Int) -> EmbeddingMatrix {
      var values: [Float16] = []
      for _ in 0..<n {
        let (a, b) = (Int(random.next() % UInt64(known.rows)), Int(random.next() % UInt64(known.rows)))
        let noise = Float(random.next() % 100) / 150
        let row = zip(known.row(a), known.row(b)).map { $0 + noise * $1 + Float(random.next() % 99) / 9000 }
        let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        values += row.map { Float16($0 / length) }
      }
      return EmbeddingMatrix(values, dimension: d)
    }
    let blocks = (0..<6).map { _ in block(150) }
    let names = (0..<6).map { "new\((5 * $0 + 2) % 6)" }
    func keys(_ shard: Int) -> [ArraySlice<UInt8>] { (0..<150).map { Array("n\(shard)-\($0)".utf8)[...] } }

    /// As the session publishes: columns, verdicts with lines of `shards.txt`, then the index.
    func publish(_ shard: Int, _ decided: [Verdict], _ plan: FrozenPlan) throws {
      let columns = folder.path + "/columns/" + names[shard]
      try FileManager.default.createDirectory(atPath: columns, withIntermediateDirectories: true)
      try NpyFile.write(
        (0..<150).flatMap { blocks[shard].row($0).map { Float16($0) } }, shape: [150, d],
        to: columns + "/image.npy")
      try Data(keys(shard).flatMap { $0 + [10] }).write(to: URL(filePath: columns + "/keys.txt"))
      let isSorted = try VerdictDirectory.add(names[shard], to: folder.path)
      let lines = ShardOrdinals(
        shards: plan.shards + [names[shard]], names: try FrozenPlan.shardNames(folder.path))
      try VerdictDirectory.write(lines.asLines(decided), of: names[shard], to: folder.path)
      // Sorting may be put off.
      if !isSorted, shard % 2 == 0 { try VerdictDirectory.sort(folder.path) }
    }

    var expected: [[Verdict]] = []
    var plan = try open(fittedShards)
    for shard in 0..<6 {
      expected.append(
        try plan.decide(rows: blocks[shard], keys: keys(shard), shard: plan.shards.count))
      try plan.published("not there \(shard)")
    }
    #expect(expected.joined().contains { $0.kept } && expected.joined().contains { $0.reason == .quota })
    #expect(expected.joined().contains { $0.reason == .duplicate && $0.duplicateShard < 4 })
    #expect(expected.joined().contains { $0.reason == .duplicate && $0.duplicateShard >= 4 })

    // The index of the other stream is not of these shards; memory for no block at all.
    plan = try open(fittedShards, memory: 1000)
    for shard in 0..<6 {
      var found = try plan.decide(rows: blocks[shard], keys: keys(shard), shard: plan.shards.count)
      #expect(found == expected[shard])
      if shard == 1 {
        plan.discard()
        found = try plan.decide(rows: blocks[shard], keys: keys(shard), shard: plan.shards.count)
        #expect(found == expected[shard])
      }
      if shard == 2 {
        // Killed before the verdicts were in place.
        plan = try open(fittedShards + names[..<shard])
        found = try plan.decide(rows: blocks[shard], keys: keys(shard), shard: plan.shards.count)
        #expect(found == expected[shard])
      }
      try publish(shard, found, plan)
      // Killed between verdicts and index, or not, or with an index of nothing.
      if shard == 4 { try FileManager.default.removeItem(atPath: folder.path + "/index") }
      if shard == 3 || shard == 4 {
        plan = try open(fittedShards + names[...shard])
      } else {
        try plan.published(names[shard])
      }
    }
    plan = try open(fittedShards + names)
    let again = try plan.decide(rows: blocks[3], keys: keys(3), shard: 10)
    #expect(again == expected[3], "the same samples again")
    let before = try plan.decide(
      rows: rows(folder, "00003"), keys: self.keys(folder, "00003"), shard: 10)
    let lines = ShardOrdinals(shards: plan.shards, names: try FrozenPlan.shardNames(folder.path))
    #expect(try lines.asLines(before).map(VerdictFile.bytes) == verdicts(folder, "00003"))
    #expect(plan.drift?.counts.reduce(0, +) ?? 0 > 300)
  }

  @Test("A pipe gives known samples their verdicts and a sample that comes again its own")
  func pipe() throws {
    let folder = try TemporaryDirectory()
    _ = try fitted(folder)
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    var plan = try FrozenPlan(pipe: folder.path, memory: 1000, threads: 1)
    let (rows, keys) = (try rows(folder, "00002"), try keys(folder, "00002"))
    var found: [[UInt8]] = []
    for row in 0..<rows.rows {
      let verdict = try plan.decide(
        rows.row(row), score: .nan, passes: true, key: keys[row], row: Int32(row))
      found.append(VerdictFile.bytes(verdict))
    }
    #expect(try found == verdicts(folder, "00002"))
    // The row of one sample under other keys: a duplicate of what was kept, and again so.
    let kept = try #require(found.firstIndex { $0[0] == 1 })
    let other = try plan.decide(
      rows.row(kept), score: .nan, passes: true, key: Array("other".utf8)[...], row: 500)
    #expect(other.reason == .duplicate)
    let opposite = rows.row(kept).map { -$0 }
    let first = try plan.decide(
      opposite, score: .nan, passes: true, key: Array("far".utf8)[...], row: 501)
    let second = try plan.decide(
      opposite, score: .nan, passes: true, key: Array("far".utf8)[...], row: 502)
    #expect(first == second && first.reason != .duplicate)
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == before)
  }
}
