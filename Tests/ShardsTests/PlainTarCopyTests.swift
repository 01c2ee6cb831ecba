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
}
