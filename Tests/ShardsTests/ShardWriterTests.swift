import Shards
import TestSupport
import Testing

/// The samples of the goldens `written*.tar`, see `oracle/make_goldens.py`.
private func samples(_ sizes: [Int], captioned: Bool) -> [(key: [UInt8], fields: [OutputField])] {
  sizes.enumerated().map { index, size in
    let key = Array((String(repeating: "0", count: 8) + "\(index)").utf8)
    let image = OutputField(name: "jpg", bytes: (0..<size).map { UInt8($0 % 251) }[...])
    let rest = [
      OutputField(name: "txt", bytes: Array("caption \(index)".utf8)[...]),
      OutputField(name: "json", bytes: Array("{}".utf8)[...]),
    ]
    return (key, captioned ? rest + [image] : [image])
  }
}

private func write(
  _ samples: [(key: [UInt8], fields: [OutputField])], _ compression: ShardCompression = .none
) throws -> (bytes: [UInt8], shard: WrittenShard) {
  let directory = try TemporaryDirectory()
  var writer = try ShardWriter(File(path: directory.file("x"), .create), compression: compression)
  for sample in samples { try writer.write(key: sample.key, fields: sample.fields) }
  let shard = try writer.finish()
  return (try contents(of: directory.file("x")), shard)
}

@Suite struct ShardWriterTests {
  @Test(
    "The bytes are those of Python's tarfile, fields sorted by name",
    arguments: [
      ("written.tar", [0, 1, 511, 512, 513, 3000], true),
      ("written-9728.tar", [Int](repeating: 512, count: 8) + [1024], false),
    ])
  func bytes(name: String, sizes: [Int], captioned: Bool) throws {
    let written = try write(samples(sizes, captioned: captioned))
    #expect(written.bytes == (try golden(bytesOf: name)))
    #expect(written.shard.samples == sizes.count)
    #expect(written.shard.bytes == UInt64(written.bytes.count))
    #expect(written.shard.sha256 == sha256(written.bytes))
  }

  @Test func theSizeIsAlwaysAMultipleOfTheRecord() throws {
    for blocks in 0..<42 {
      let written = try write(samples([512 * blocks], captioned: false))
      #expect(written.bytes.count == (512 * (blocks + 3) + 10_239) / 10_240 * 10_240)
      #expect(try readShard(written.bytes).samples.count == 1)
    }
  }

  @Test func whatIsWrittenReadsBack() throws {
    let written = samples([0, 1, 700, 5000], captioned: true)
    for compression in [ShardCompression.none, .gzip(level: 6), .zstd(level: 3)] {
      let result = try readShard(try write(written, compression).bytes)
      #expect(result.fault == nil)
      #expect(result.samples.map(\.key) == written.map(\.key))
      for (sample, original) in zip(result.samples, written) {
        for field in original.fields {
          let read = try #require(sample.field([field.name]))
          #expect(sample.bytes[read.range] == field.bytes)
        }
      }
    }
  }

  @Test func zstdHoldsThePlainBytesAndIsTheSameEveryTime() throws {
    let large = samples([3_000_000, 5_000_000, 9_000_000], captioned: true)  // over several zstd jobs
    let plain = try write(large).bytes
    let first = try write(large, .zstd(level: 3)).bytes
    #expect(try plainCopy(first).bytes == plain)
    for _ in 0..<3 { #expect(try write(large, .zstd(level: 3)).bytes == first) }
  }

  @Test(
    "DALI's index is what tarfile says of the tar, and appears when the shard is finished",
    arguments: [
      ("written", [0, 1, 511, 512, 513, 3000], true),
      ("written-9728", [Int](repeating: 512, count: 8) + [1024], false),
    ])
  func index(name: String, sizes: [Int], captioned: Bool) throws {
    let directory = try TemporaryDirectory()
    var writer = try ShardWriter(
      File(path: directory.file("x"), .create), index: try DaliIndexWriter(path: directory.file("x.idx")))
    for sample in samples(sizes, captioned: captioned) {
      try writer.write(key: sample.key, fields: sample.fields)
    }
    #expect(try !directory.names().contains("x.idx"))
    _ = try writer.finish()
    #expect(try directory.names() == ["x", "x.idx"])
    #expect(try contents(of: directory.file("x.idx")) == golden(bytesOf: name + ".idx"))
    #expect(try contents(of: directory.file("x")) == golden(bytesOf: name + ".tar"))
  }

  @Test func aNameThatDoesNotFitIsRefusedBeforeAnythingIsWritten() throws {
    let directory = try TemporaryDirectory()
    var writer = try ShardWriter(File(path: directory.file("x"), .create))
    let key = [UInt8](repeating: 97, count: 90)
    let fields = ["a", "long-field"].map { OutputField(name: $0, bytes: [1, 2]) }
    #expect(throws: ShardFault.self) { try writer.write(key: key, fields: fields) }
    try writer.write(key: key, fields: [OutputField(name: "nine-byte", bytes: [1])])
    #expect(try writer.finish().samples == 1)
    #expect(try readShard(contents(of: directory.file("x"))).samples.map { $0.fields.count } == [1])
  }
}
