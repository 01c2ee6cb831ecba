import Shards
import Testing

@Suite struct TarReaderTests {
  @Test(
    "Tars of Python's tarfile in every format give the same samples, long names too",
    arguments: ["ustar.tar", "gnu.tar", "pax.tar"])
  func pythonTars(name: String) throws {
    let result = try readShard(try golden(bytesOf: name))
    #expect(result.fault == nil)
    #expect(result.codes == [nil, nil])
    #expect(result.text(0, "txt") == "first")
    #expect(result.text(1, "txt") == "second")
    #expect(result.samples[1].storedKey.count == 160)
    #expect(result.summary.skippedMembers == 3)  // links and a FIFO
  }

  @Test func oldV7TarsAreRead() throws {
    var builder = TarBuilder()
    builder.add("dir/", "", type: "\u{0}", magic: "")
    builder.add("dir/a.txt", "hello", type: "\u{0}", magic: "")
    let result = try readShard(builder.ended())
    #expect(result.text(0, "txt") == "hello")
    #expect(result.summary.skippedMembers == 0)
  }

  @Test func signedChecksumsAreAccepted() throws {
    var builder = TarBuilder()
    let name = Array("ü.txt".utf8)
    var block = TarBuilder.header(name, size: TarBuilder.octal(1))
    let signed = block.enumerated().reduce(256) { sum, item in
      (148..<156).contains(item.offset) ? sum : sum + Int(Int8(bitPattern: item.element))
    }
    block.replaceSubrange(148..<154, with: Array(("00" + String(signed, radix: 8)).utf8.suffix(6)))
    builder.raw(block, data: [65])
    #expect(try readShard(builder.ended()).codes == [nil])
  }

  @Test func paxSizeOverridesTheHeader() throws {
    var builder = TarBuilder()
    builder.pax([("size", "5"), ("path", "b.txt")])
    builder.raw(TarBuilder.header(Array("a.txt".utf8), size: TarBuilder.octal(0)), data: Array("hello".utf8))
    builder.add("c.txt")
    let result = try readShard(builder.ended())
    #expect(result.keys == ["b", "c"])
    #expect(result.text(0, "txt") == "hello")
  }

  @Test func globalPAXHoldsUntilOverridden() throws {
    var builder = TarBuilder()
    builder.pax([("path", "g.txt"), ("comment", "c")], type: "g")
    builder.pax([("path", "p.txt")])
    builder.add("a.txt", "1")
    builder.add("b.txt", "2")
    #expect(try readShard(builder.ended()).keys == ["p", "g"])
  }

  @Test(
    "Sizes in base 256 are read; negative and garbage ones are bad headers",
    arguments: [
      ([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], nil), (Array("5          ".utf8), nil),
      (Array("         5 ".utf8), nil), ([UInt8](repeating: 0xff, count: 12), .badHeader),
      (Array("-0000000005".utf8), .badHeader), (Array("0000000009x".utf8), .badHeader),
      (Array("00000000 05".utf8), .badHeader),
      ([0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .badHeader),
      ([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], .badHeader),
    ] as [([UInt8], ShardFault.Code?)])
  func sizes(size: [UInt8], code: ShardFault.Code?) throws {
    var builder = TarBuilder()
    builder.raw(TarBuilder.header(Array("a.txt".utf8), size: size), data: Array("hello".utf8))
    let result = try readShard(builder.ended())
    #expect(result.fault?.code == code)
    if code == nil { #expect(result.text(0, "txt") == "hello") }
  }

  @Test func aBadChecksumIsABadHeaderWithItsOffset() throws {
    var bytes = tar("a.txt", "b.txt", "c.txt")
    bytes[1024 + 3] ^= 1
    let result = try readShard(bytes)
    #expect(result.fault?.code == .badHeader)
    #expect(result.fault?.offset == 1024)
    #expect(result.samples.isEmpty)  // the fields of `a` might go on
  }

  @Test func extendedHeadersAreLimitedInSizeAndNumber() throws {
    var large = TarBuilder()
    large.pax([("comment", String(repeating: "c", count: 65_536))])
    large.add("a.txt")
    #expect(try readShard(large.ended()).fault?.code == .badHeader)

    for (count, code) in [(8, nil), (9, .badHeader)] as [(Int, ShardFault.Code?)] {
      var many = TarBuilder()
      for _ in 0..<count { many.pax([("comment", "c")]) }
      many.add("a.txt")
      #expect(try readShard(many.ended()).fault?.code == code)
    }
  }

  @Test(arguments: [
    "5", "5 ", "x path=a\n", "99 path=a\n", "8 path=a", "0 a=b\n", "3 \n", "6 abc\n", "9 size=x\n",
    "99999999999999999999 a=b\n",
  ])
  func brokenPAXRecordsAreBadHeaders(record: String) throws {
    var builder = TarBuilder()
    builder.add("pax", record, type: "x")
    builder.add("a.txt")
    #expect(try readShard(builder.ended()).fault?.code == .badHeader)
  }

  @Test func sparseMembersRejectTheirSampleOnly() throws {
    var builder = TarBuilder()
    builder.add("a.txt")
    // The map of `b` goes on in two blocks before its data.
    builder.raw(
      TarBuilder.header(Array("b.txt".utf8), size: TarBuilder.octal(512), type: "S") { $0[482] = 1 })
    builder.bytes += [UInt8](repeating: 7, count: 504) + [1] + [UInt8](repeating: 0, count: 7)
    builder.bytes += [UInt8](repeating: 7, count: 504) + [UInt8](repeating: 0, count: 8)
    builder.bytes += [UInt8](repeating: 9, count: 512)
    builder.pax([("GNU.sparse.major", "1"), ("GNU.sparse.name", "c.txt"), ("path", "GNUSparseFile.0/c.txt")])
    builder.add("GNUSparseFile.0/c.txt")
    builder.add("c.json")
    builder.add("d.txt")
    let result = try readShard(builder.ended())
    #expect(result.fault == nil)
    #expect(result.keys == ["a", "b", "c", "d"])
    #expect(result.codes == [nil, .sparseMember, .sparseMember, nil])
  }

  @Test func linksAndDevicesHaveNoDataWhateverTheirSize() throws {
    var builder = TarBuilder()
    for type in "123456" {
      builder.raw(TarBuilder.header(Array("l.jpg".utf8), size: TarBuilder.octal(4096), type: type))
    }
    builder.add("v.jpg", "label", type: "V")
    builder.add("a.txt")
    let result = try readShard(builder.ended())
    #expect(result.keys == ["a"])
    #expect(result.summary.skippedMembers == 6)  // directories are not counted
  }

  @Test func membersAreLimitedInNumber() throws {
    var limits = ShardLimits()
    limits.membersPerShard = 2
    #expect(try readShard(tar("a.txt", "b.txt"), limits: limits).fault == nil)
    #expect(try readShard(tar("a.txt", "b.txt", "c.txt"), limits: limits).fault?.code == .memberTooLarge)
  }

  @Test func theEndMarkerNeedsNoPadding() throws {
    #expect(smallShard.count % 10_240 != 0)
    let result = try readShard(smallShard)
    #expect(result.fault == nil)
    #expect(result.samples.count == 3)
    #expect(result.summary.trailingDataOffset == nil)
  }

  @Test func dataBehindTheEndIsReportedWithItsOffset() throws {
    let second = tar("z.txt")
    let result = try readShard(smallShard + [UInt8](repeating: 0, count: 512) + second)
    #expect(result.samples.count == 3)
    #expect(result.summary.trailingDataOffset == UInt64(smallShard.count + 512))
  }

  @Test func aSingleZeroBlockAmongHeadersIsABadHeader() throws {
    let bytes: [UInt8] = smallShard[..<(smallShard.count - 512)] + smallShard
    let fault = try readShard(bytes).fault
    #expect(fault?.code == .badHeader)
    #expect(fault?.offset == UInt64(smallShard.count - 1024))
  }

  @Test func anExtendedHeaderBeforeTheEndIsABadHeader() throws {
    var builder = TarBuilder()
    builder.add("a.txt")
    builder.pax([("path", "b.txt")])
    #expect(try readShard(builder.ended()).fault?.code == .badHeader)
  }
}
