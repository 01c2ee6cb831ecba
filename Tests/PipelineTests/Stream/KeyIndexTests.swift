import Foundation
import Pipeline
import TestSupport
import Testing

@Suite struct KeyIndexTests {
  private struct Stream {
    let workspace: String
    var shards: [String] = []
    var keys: [[ArraySlice<UInt8>]] = []
    /// The oracle.
    var places: [ArraySlice<UInt8>: KeyIndex.Place] = [:]

    /// A shard as ingest leaves it.
    mutating func add(_ name: String, _ own: [ArraySlice<UInt8>]) throws {
      let columns = "\(workspace)/columns/\(name)"
      try FileManager.default.createDirectory(atPath: columns, withIntermediateDirectories: true)
      try Data(own.flatMap { $0 + [10] }).write(to: URL(filePath: columns + "/keys.txt"))
      for (row, key) in own.enumerated() where places[key] == nil {
        places[key] = KeyIndex.Place(shard: shards.count, row: row)
      }
      shards.append(name)
      keys.append(own)
    }

    func check(_ index: KeyIndex, _ random: inout SplitMix) throws {
      #expect(index.count == shards.count)
      var asked = (0..<40).map { _ in KeyIndexTests.key(&random) }
      for _ in 0..<min(40, keys.count) {
        if let key = keys.randomElement(using: &random)!.randomElement(using: &random) { asked.append(key) }
      }
      asked.shuffle(using: &random)
      #expect(try index.places(of: asked) == asked.map { places[$0] })
      let known = try index.firstKnown(asked)
      let first = asked.first { places[$0] != nil }
      #expect(known?.key == first)
      #expect(known?.shard == first.map { shards[places[$0]!.shard] })
    }
  }

  /// One of 30 000 keys, so that some come again.
  static func key(_ random: inout SplitMix) -> ArraySlice<UInt8> {
    Array("key-\(random.next() % 30_000)".utf8)[...]
  }

  @Test("The index is a dictionary of the first places, over restarts at any time", arguments: [1, 2, 3])
  func randomStreams(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let folder = try TemporaryDirectory()
    var stream = Stream(workspace: folder.path)
    var index = try KeyIndex.open(workspace: folder.path, shards: [])
    for step in 0..<90 {
      let count = step == 40 ? 3000 : Int(random.next() % 60)
      let own = (0..<count).map { _ in Self.key(&random) }
      try stream.add("shard-\(random.next())", own)
      // A kill before the keys were added: the next start reads them from the columns.
      if random.next() % 7 == 0 {
        index = try KeyIndex.open(workspace: folder.path, shards: stream.shards)
      } else {
        try index.add(own, shard: stream.shards.last!)
      }
      if random.next() % 9 == 0 {
        if random.next() % 2 == 0 { try index.sync() }
        index = try KeyIndex.open(workspace: folder.path, shards: stream.shards)
      }
      if step % 5 == 0 { try stream.check(index, &random) }
    }
    let runs = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/index/keys")
      .filter { $0.hasSuffix(".run") }
    #expect(runs.count < 24, "merged: \(runs.count) runs")
  }

  @Test("What is torn, gone, of another stream or of another start of the machine is made again")
  func damage() throws {
    var random = SplitMix(seed: 9)
    let folder = try TemporaryDirectory()
    var stream = Stream(workspace: folder.path)
    let directory = folder.path + "/index/keys"
    for shard in 0..<12 { try stream.add("s\(shard)", (0..<50).map { _ in Self.key(&random) }) }
    func record() throws -> String {
      String(decoding: try contents(of: directory + "/record.json"), as: UTF8.self)
    }
    let damages: [(String) throws -> Void] = [
      { run in try FileManager.default.removeItem(atPath: run) },
      { run in try Data(contents(of: run).dropLast(3)).write(to: URL(filePath: run)) },
      { run in try Data(contents(of: run) + [0]).write(to: URL(filePath: run)) },
      { _ in try Data("{".utf8).write(to: URL(filePath: directory + "/record.json")) },
      { _ in try FileManager.default.removeItem(atPath: directory + "/record.json") },
      { _ in
        let text = try record().replacing(/"boot":"[^"]*"/, with: "\"boot\":\"another\"")
        try Data(text.utf8).write(to: URL(filePath: directory + "/record.json"))
      },
    ]
    for damage in damages {
      try stream.check(KeyIndex.open(workspace: folder.path, shards: stream.shards), &random)
      let run = try #require(
        FileManager.default.contentsOfDirectory(atPath: directory).first { $0.hasSuffix(".run") })
      try damage(directory + "/" + run)
      try stream.check(KeyIndex.open(workspace: folder.path, shards: stream.shards), &random)
    }
    // Left by a kill between the run and the record.
    try Data([1, 2, 3]).write(to: URL(filePath: directory + "/99.run"))
    try stream.check(KeyIndex.open(workspace: folder.path, shards: stream.shards), &random)
    #expect(!FileManager.default.fileExists(atPath: directory + "/99.run"))
    // The journal is shorter, or another one.
    var shorter = Stream(workspace: folder.path)
    for shard in 0..<5 { try shorter.add("s\(shard)", stream.keys[shard]) }
    try shorter.check(KeyIndex.open(workspace: folder.path, shards: shorter.shards), &random)
    var other = Stream(workspace: folder.path)
    for shard in [3, 1, 0, 2, 4, 5] { try other.add("s\(shard)", stream.keys[shard]) }
    try other.check(KeyIndex.open(workspace: folder.path, shards: other.shards), &random)
  }

  @Test("A synced index counts after another start of the machine, without the columns")
  func synced() throws {
    let folder = try TemporaryDirectory()
    var stream = Stream(workspace: folder.path)
    try stream.add("a", [Array("x".utf8)[...]])
    try KeyIndex.open(workspace: folder.path, shards: ["a"]).sync()
    try Data().write(to: URL(filePath: folder.path + "/columns/a/keys.txt"))
    let index = try KeyIndex.open(workspace: folder.path, shards: ["a"])
    #expect(try index.firstKnown([Array("x".utf8)[...]])?.shard == "a")
  }
}
