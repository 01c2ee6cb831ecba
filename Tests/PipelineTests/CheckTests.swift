import Foundation
import Pipeline
import Shards
import Synchronization
import TestSupport
import Testing

/// What a check told.
private final class Told: Sendable {
  let rejects = Mutex<[Reject]>([])
  let shards = Mutex<[ShardCheck]>([])

  func run(_ shards: [ShardFile], _ change: (inout Recipe) -> Void = { _ in }) throws -> Bool {
    var recipe = Recipe()
    change(&recipe)
    return try Check.run(
      shards, recipe: recipe,
      events: { event in
        if case .rejected(let reject) = event { self.rejects.withLock { $0.append(reject) } }
      },
      onShard: { check in self.shards.withLock { $0.append(check) } })
  }
}

@Suite struct CheckTests {
  /// A shard of captions only, some of them twice.
  private func shard(_ keys: [String], in folder: borrowing TemporaryDirectory) throws -> [ShardFile] {
    var writer = try ShardWriter(try File(path: folder.file("s.tar"), .create))
    for key in keys {
      try writer.write(key: Array(key.utf8), fields: [OutputField(name: "txt", bytes: [65])])
    }
    _ = try writer.finish()
    return try ShardSet.list([folder.file("s.tar")]).shards
  }

  @Test("each of many rejects is told once, in order, though the shard is begun anew at its end")
  func manyRejects() throws {
    let folder = try TemporaryDirectory()
    let keys = (0..<9000).map { "k\($0)" } + ["k17", "k4711"]
    let told = Told()
    #expect(try told.run(try shard(keys, in: folder)) == false)
    let rejects = told.rejects.withLock { $0 }
    #expect(rejects.map(\.key) == keys)
    #expect(rejects.filter { $0.code == .duplicateKey }.count == 4)
    #expect(rejects.filter { $0.code == .noImage }.count == 8998)
    let check = told.shards.withLock { $0[0] }
    #expect(check.samples == 9002 && check.rejected.total == 9002)
    #expect(check.summary.repeatedKeys == 2 && check.summary.distinctKeys == 9000)
  }

  @Test("a shard that changes while it is read stops the run as temporary")
  func changesWhileRead() throws {
    let folder = try TemporaryDirectory()
    let large = [UInt8](repeating: 1, count: 8 << 20)
    for (name, count) in [("a", 1), ("b", 10)] {
      var writer = try ShardWriter(try File(path: folder.file(name + ".tar"), .create))
      for index in 0..<count {
        try writer.write(key: Array("\(name)\(index)".utf8), fields: [.init(name: "bin", bytes: large[...])])
      }
      _ = try writer.finish(syncing: false)
    }
    // More of `b` than fits the window cannot be read before `a` is done with.
    let path = folder.file("b.tar")
    var recipe = Recipe()
    recipe.limits.memory = 64 << 20
    let shards = try ShardSet.list([folder.path]).shards
    let error = #expect(throws: PipelineError.self) {
      try Check.run(
        shards, recipe: recipe, events: { _ in },
        onShard: { check in
          let handle = check.shard == "a" ? FileHandle(forWritingAtPath: path) : nil
          _ = try? handle?.seekToEnd()
          handle?.write(Data([0]))
        })
    }
    #expect(
      error?.kind == .temporary && error?.description.hasSuffix("b.tar: changed while it was read") == true)
  }

  @Test(
    "a shard that changed since it was listed, or is gone, or no file any more, stops the run as temporary")
  func changed() throws {
    let folder = try TemporaryDirectory()
    let shards = try shard(["a", "b"], in: folder)
    _ = try folder.write([0], as: "s.tar")
    let error = #expect(throws: PipelineError.self) { try Told().run(shards) }
    #expect(error?.kind == .temporary && error?.description.contains("changed while it was read") == true)
    try Directory.remove(folder.file("s.tar"))
    let gone = #expect(throws: PipelineError.self) { try Told().run(shards) }
    #expect(gone?.kind == .temporary && gone?.description.contains("is gone") == true)
    try Directory.create(folder.file("s.tar"))
    #expect(throws: FileError.self) { try Told().run(shards) }
  }
}
