import Shards
import TestSupport
import Testing

private let ignoring = rules { $0.ignoresZeros = true }

@Suite struct IgnoreZerosTests {
  private let padding = [UInt8](repeating: 0, count: 9216)

  @Test("Concatenated tars are one shard; without the rule, data behind the end is told with its offset")
  func concatenated() throws {
    let bytes = tar("a.jpg", "a.txt") + padding + tar("b.jpg") + tar("c.jpg") + padding
    let all = try readShard(bytes, rules: ignoring)
    #expect(all.keys == ["a", "b", "c"])
    #expect(all.codes == [nil, nil, nil])
    #expect(all.summary.trailingDataOffset == nil)
    #expect(all.samples[1].offset == UInt64(2048 + 1024 + 9216))
    let first = try readShard(bytes, rules: ShardRules())
    #expect(first.keys == ["a"])
    #expect(first.summary.trailingDataOffset == UInt64(2048 + 1024 + 9216))
  }

  @Test("One zero block between tars is enough; the last tar needs its whole end marker")
  func endMarkers() throws {
    let first: [UInt8] = Array(tar("a.jpg").dropLast(512))
    #expect(try readShard(first + tar("b.jpg"), rules: ignoring).keys == ["a", "b"])
    for lost in [512, 1024] {
      let bytes = Array((tar("a.jpg") + tar("b.jpg")).dropLast(lost))
      #expect(try readShard(bytes, rules: ignoring).fault?.code == .truncatedShard)
      let saved = try readShard(bytes, rules: rules { ($0.ignoresZeros, $0.salvages) = (true, true) })
      #expect(saved.codes == (lost == 512 ? [nil, nil] : [nil, .truncatedShard]))
    }
  }

  @Test("A sample ends at an end marker: its key behind it is a key that comes again")
  func boundary() throws {
    let bytes = tar("a.jpg") + tar("__meta__/x", "a.txt")
    #expect(try readShard(bytes, rules: ignoring).codes == [.interleavedKey, .interleavedKey])
    let merged = try readShard(bytes, rules: rules { ($0.ignoresZeros, $0.duplicates) = (true, .merge) })
    #expect(merged.keys == ["a"])
    #expect(merged.samples[0].fields.map(\.name) == ["jpg", "txt"])
  }

  @Test("Garbage behind the end is a broken header; a global PAX header ends with its tar")
  func garbage() throws {
    let garbage = [UInt8](repeating: 7, count: 512)
    #expect(try readShard(tar("a.jpg") + garbage, rules: ignoring).fault?.code == .badHeader)
    #expect(try readShard(tar("a.jpg") + [1, 2, 3], rules: ignoring).fault?.code == .truncatedShard)
    var first = TarBuilder()
    first.pax([("path", "g.txt")], type: "g")
    first.add("a.txt")
    #expect(try readShard(first.ended() + tar("b.txt"), rules: ignoring).keys == ["g", "b"])
  }

  @Test("cat joins them: the members in order, one end marker, as tarfile reads with ignore_zeros")
  func copy() throws {
    let bytes = tar("a.jpg", "a.txt") + padding + tar("b.jpg") + tar("c.jpg") + padding
    let joined = try joined([bytes], ignoringZeros: true)
    #expect(joined.fault == nil)
    let members = 4 * 1024
    #expect(joined.bytes.count == 10_240)
    var expected: [UInt8] = []
    for part in [tar("a.jpg", "a.txt"), tar("b.jpg"), tar("c.jpg")] { expected += part.dropLast(1024) }
    #expect(Array(joined.bytes.prefix(members)) == expected)
    #expect(joined.bytes[members...].allSatisfy { $0 == 0 })
    #expect(try readShard(joined.bytes, rules: ShardRules()).keys == ["a", "b", "c"])
    let cut = try ShardsTests.joined([Array(bytes.dropLast(9216 + 1024))], ignoringZeros: true)
    #expect(cut.fault?.code == .truncatedShard)
    #expect(cut.bytes.count == members)
    for name in ["ustar.tar", "gnu.tar", "pax.tar"] {
      let golden = try golden(bytesOf: name)
      #expect(try ShardsTests.joined([golden], ignoringZeros: true).bytes == golden)
    }
  }
}
