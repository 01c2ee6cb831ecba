import Shards
import Testing

@Suite struct DecompressorTests {
  @Test func gzipMembersInARowAreOneStream() throws {
    let bytes = try golden(bytesOf: "members.tar.gz")
    let result = try readShard(bytes)
    #expect(result.fault == nil)
    #expect(result.summary.compression == "gzip")
    #expect(result.samples.count == 6)
    #expect(try plainCopy(bytes).bytes == golden(bytesOf: "written.tar"))
  }

  @Test func zstdFramesAndSkippableFramesInARowAreOneStream() throws {
    let skippable: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
    let frames =
      try skippable + zstd(Array(smallShard[..<700])) + skippable + zstd(Array(smallShard[700...]))
      + skippable
    let result = try readShard(frames)
    #expect(result.fault == nil)
    #expect(result.summary.compression == "zstd")
    #expect(result.keys == ["00000", "00001", "00002"])
    #expect(try plainCopy(frames).bytes == smallShard)
  }

  @Test(
    "zstd windows above the limit are refused",
    arguments: [(27, true), (28, false), (31, false), (41, false)])
  func windows(log: Int, accepted: Bool) throws {
    let window = UInt8((log - 10) << 3)
    let emptyLastBlock: [UInt8] = [1, 0, 0]
    let fault = try readShard([0x28, 0xb5, 0x2f, 0xfd, 0, window] + emptyLastBlock).fault
    #expect(fault?.code == (accepted ? .truncatedShard : .memberTooLarge))
    #expect(
      fault?.message.contains(accepted ? "the end marker is missing" : "a zstd window above 2^27") == true)
  }

  @Test func whatComesOutIsLimited() throws {
    var limits = ShardLimits()
    limits.decompressedBytes = UInt64(smallShard.count - 1)
    #expect(try readShard(zstd(smallShard), limits: limits).fault?.code == .memberTooLarge)
    limits.decompressedBytes += 1
    #expect(try readShard(zstd(smallShard), limits: limits).fault == nil)
  }

  @Test func corruptedStreamsAreTruncatedShards() throws {
    var bytes = try zstd(smallShard)
    bytes[bytes.count - 1] ^= 1  // the frame's checksum
    #expect(try readShard(bytes).fault?.code == .truncatedShard)
    bytes = try golden(bytesOf: "small.tar.gz")
    bytes[bytes.count - 5] ^= 1  // the member's CRC
    #expect(try readShard(bytes).fault?.code == .truncatedShard)
    #expect(try readShard(golden(bytesOf: "small.tar.gz") + [1, 2, 3]).fault?.code == .truncatedShard)
  }

  /// Found by the fuzz target `tar`: a pipe gives other pieces than a file, and a broken shard gave other samples.
  @Test("what comes before a break does not depend on how the bytes arrive", arguments: ["gzip", "zstd"])
  func breaksAreSeenTheSame(form: String) throws {
    var builder = TarBuilder()
    for index in 0..<300 { builder.add("\(index).txt", String(repeating: "\(index * 7919) ", count: 60)) }
    let good = try form == "gzip" ? golden(bytesOf: "members.tar.gz") : zstd(builder.ended())
    for position in stride(from: 6, to: good.count, by: good.count / 60) {
      var bytes = good
      bytes[position] ^= 0x41
      var limits = ShardLimits()
      let whole = try readShard(bytes, limits: limits)
      for size in [512, 1999] {
        limits.bufferBytes = size
        let pieces = try readShard(bytes, limits: limits)
        #expect(pieces.fault == whole.fault && pieces.keys == whole.keys)
      }
    }
  }
}
