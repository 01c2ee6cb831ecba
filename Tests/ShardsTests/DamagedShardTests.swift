import Shards
import TestSupport
import Testing

/// A good shard in one of the forms it may have.
struct ShardForm: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var bytes: [UInt8]

  static func all() throws -> [ShardForm] {
    [
      ShardForm(testDescription: "plain", bytes: smallShard),
      ShardForm(testDescription: "zstd", bytes: try zstd(smallShard)),
      ShardForm(testDescription: "gzip", bytes: try golden(bytesOf: "small.tar.gz")),
    ]
  }
}

@Suite struct DamagedShardTests {
  @Test func theGzipGoldenIsTheSmallShard() throws {
    #expect(try plainCopy(golden(bytesOf: "small.tar.gz")).bytes == smallShard)
  }

  @Test("A cut shard is truncated, never short", arguments: try ShardForm.all())
  func cuts(form: ShardForm) throws {
    var random = SplitMix(seed: 11)
    var cuts = Set(stride(from: 0, to: form.bytes.count, by: 512)).union([form.bytes.count - 1])
    for _ in 0..<200 { cuts.insert(Int.random(in: 0..<form.bytes.count, using: &random)) }
    for cut in cuts {
      let bytes = Array(form.bytes[..<cut])
      let result = try readShard(bytes)
      #expect(result.fault?.code == .truncatedShard, "cut at \(cut)")
      #expect(try plainCopy(bytes).fault?.code == .truncatedShard, "cut at \(cut)")
      #expect(result.samples.count <= 3)
    }
  }

  @Test("Flipped bytes give samples or a fault, never a crash", arguments: try ShardForm.all())
  func flips(form: ShardForm) throws {
    var random = SplitMix(seed: 12)
    for _ in 0..<2000 {
      var bytes = form.bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      }
      let result = try readShard(bytes)
      #expect(result.fault != nil || result.summary.samples == result.samples.count)
      if form.testDescription != "plain", result.fault == nil {
        // The checksums of the compressed forms let only damage through that changes no content.
        #expect(result.samples.map(\.bytes) == (try readShard(smallShard)).samples.map(\.bytes))
      }
    }
  }

  @Test func flippedHeadersWithGoodChecksumsNeverCrash() throws {
    var random = SplitMix(seed: 13)
    let types = Array("01235679xgLKSXVA\u{0}")
    for _ in 0..<2000 {
      var builder = TarBuilder()
      for index in 0..<4 {
        let type = Bool.random(using: &random) ? "0" : types.randomElement(using: &random)!
        builder.add("0000\(index).txt", "12 path=a.b\n", type: type) { block in
          guard Bool.random(using: &random) else { return }
          block[Int.random(in: 0..<512, using: &random)] = UInt8.random(in: 0...255, using: &random)
          if Bool.random(using: &random) {
            block[124 + Int.random(in: 0..<12, using: &random)] = UInt8.random(
              in: 0x30...0x37, using: &random)
          }
        }
      }
      let result = try readShard(builder.ended())
      #expect(result.fault != nil || result.summary.samples == result.samples.count)
    }
  }
}
