import Shards
import Testing

@Suite struct PlainTarCopyTests {
  @Test func everyFormComesOutAsTheSameTar() throws {
    for form in try ShardForm.all() { #expect(try plainCopy(form.bytes).bytes == smallShard) }
  }

  @Test func whatFollowsTheEndIsCopiedToo() throws {
    let bytes = smallShard + [UInt8](repeating: 0, count: 9216) + tar("z.txt")
    let copy = try plainCopy(bytes)
    #expect(copy.bytes == bytes)
    #expect(copy.fault == nil)
  }

  @Test func aTruncatedShardIsCopiedAndThenReported() throws {
    let bytes = Array(smallShard.dropLast(600))
    let copy = try plainCopy(bytes)
    #expect(copy.bytes == bytes)
    #expect(copy.fault?.code == .truncatedShard)
  }

  @Test func copyingAgreesWithReading() throws {
    for name in ["ustar.tar", "gnu.tar", "pax.tar"] {
      let bytes = try golden(bytesOf: name)
      let copy = try plainCopy(bytes)
      #expect(copy.bytes == bytes)
      #expect(copy.fault == nil)
    }
  }

  @Test("several shards of any form become one tar, with the members of all and one end marker")
  func joining() throws {
    let parts = [tar("a.jpg", "a.txt"), try zstd(tar("b.jpg")), try golden(bytesOf: "small.tar.gz")]
    let join = try joined(parts)
    #expect(join.fault == nil)
    #expect(join.bytes.count.isMultiple(of: 10_240))
    #expect(try readShard(join.bytes).keys == ["a", "b", "00000", "00001", "00002"])
  }

  @Test func aBrokenShardEndsTheJoinAfterItsWholeMembers() throws {
    let join = try joined([tar("a.txt"), Array(tar("b.txt").dropLast(1024)), tar("c.txt")])
    #expect(join.fault?.code == .truncatedShard)
    #expect(join.bytes == Array(tar("a.txt").dropLast(1024) + tar("b.txt").dropLast(1024)))
  }
}
