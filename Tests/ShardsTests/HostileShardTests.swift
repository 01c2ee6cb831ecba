import Foundation
import Shards
import TestSupport
import Testing

/// Crafted shards, one for each threat of `docs/hostile-input.md` that no other suite has.
@Suite struct HostileShardTests {
  @Test(
    "A PAX size is held to the same limits as the header's",
    arguments: [
      ("5", nil, nil), ("268435457", .memberTooLarge, .truncatedShard), ("1000000", nil, .truncatedShard),
      ("9223372036854775807", nil, .badHeader), ("18446744073709551616", nil, .badHeader),
      ("-5", nil, .badHeader),
      ("+5", nil, .badHeader), ("", nil, .badHeader), ("5 ", nil, .badHeader), ("0x5", nil, .badHeader),
    ] as [(String, ShardFault.Code?, ShardFault.Code?)])
  func paxSizes(size: String, sample: ShardFault.Code?, shard: ShardFault.Code?) throws {
    for type in ["x", "g"] as [Character] {
      var builder = TarBuilder()
      builder.pax([("size", size)], type: type)
      builder.raw(
        TarBuilder.header(Array("a.txt".utf8), size: TarBuilder.octal(1)), data: Array("hello".utf8))
      let result = try readShard(builder.ended())
      #expect(result.fault?.code == shard, "\(type)")
      if shard == nil { #expect(result.text(0, "txt") == "hello") }
    }
  }

  @Test("A member over the limit is passed over when the file does hold it")
  func paxSizeOverTheLimit() throws {
    var limits = ShardLimits()
    limits.memberBytes = 1000
    var builder = TarBuilder()
    builder.pax([("size", "1001")])
    builder.raw(
      TarBuilder.header(Array("a.txt".utf8), size: TarBuilder.octal(1)),
      data: [UInt8](repeating: 1, count: 1001))
    builder.add("b.txt")
    let result = try readShard(builder.ended(), limits: limits)
    #expect(result.keys == ["a", "b"])
    #expect(result.codes == [.memberTooLarge, nil])
  }

  @Test(
    "PAX records whose length lies are broken headers",
    arguments: ["+9 path=a\n", "011 path=a\n", "-9 path=a\n"])
  func paxLengths(record: String) throws {
    var builder = TarBuilder()
    builder.add("pax", record, type: "x")
    builder.add("a.txt")
    #expect(try readShard(builder.ended()).fault?.code == (record.hasPrefix("0") ? nil : .badHeader))
  }

  @Test("GNU long names: the last of a chain holds, chains and lengths are limited")
  func longNames() throws {
    for (count, code) in [(1, nil), (8, nil), (9, .badHeader)] as [(Int, ShardFault.Code?)] {
      var builder = TarBuilder()
      for index in 1...count { builder.add("././@LongLink", "dir/name\(index).txt\0", type: "L") }
      builder.add("short.txt", "text")
      let result = try readShard(builder.ended())
      #expect(result.fault?.code == code)
      if code == nil { #expect(result.keys == ["dir/name\(count)"]) }
    }
    for (length, code) in [(65_000, nil), (65_537, .badHeader)] as [(Int, ShardFault.Code?)] {
      var builder = TarBuilder()
      builder.add("././@LongLink", String(repeating: "n", count: length), type: "L")
      builder.add("short.txt", "text")
      let result = try readShard(builder.ended())
      #expect(result.fault?.code == code)
    }
    var lying = TarBuilder()
    lying.raw(TarBuilder.header(Array("././@LongLink".utf8), size: TarBuilder.octal(60_000), type: "L"))
    #expect(try readShard(lying.ended()).fault?.code == .truncatedShard)
  }

  @Test("A global sparse record makes every file after it sparse")
  func globalSparse() throws {
    var builder = TarBuilder()
    builder.add("a.txt")
    builder.pax([("GNU.sparse.size", "300000000")], type: "g")
    builder.add("b.txt")
    builder.add("c.txt")
    #expect(try readShard(builder.ended()).codes == [nil, .sparseMember, .sparseMember])
  }

  @Test("A sparse tar of GNU tar that expands to 300 MB is not expanded", arguments: ["gnu", "posix"])
  func sparseBomb(format: String) throws {
    let folder = try TemporaryDirectory()
    for name in ["a.jpg", "b.jpg", "c.jpg"] { _ = try folder.write([], as: name) }
    let handle = try #require(FileHandle(forUpdatingAtPath: folder.file("b.jpg")))
    try handle.truncate(atOffset: 300_000_000)
    try handle.close()
    let bytes = try output(
      of: "tar", ["-C", folder.path, "-cS", "--format=\(format)", "a.jpg", "b.jpg", "c.jpg"], on: [])
    #expect(bytes.count == 10_240)
    let result = try readShard(bytes)
    #expect(result.keys == ["a", "b", "c"])
    #expect(result.codes == [nil, .sparseMember, nil])
    #expect(result.samples[1].bytes.isEmpty)
  }

  @Test("Members that belong to no sample count against the limit too")
  func floodOfDirectories() throws {
    var limits = ShardLimits()
    limits.membersPerShard = 100
    for type in ["5", "2", "0"] as [Character] {
      var builder = TarBuilder()
      for index in 0..<101 { builder.add("d\(index)", "", type: type) }
      #expect(try readShard(builder.ended(), limits: limits).fault?.code == .memberTooLarge)
    }
  }

  @Test("A frame made with --long=31 is refused before its window is allocated, and told how to open it")
  func longWindow() throws {
    let bytes = try output(of: "zstd", ["-q", "--long=31", "-c"], on: smallShard)
    let result = try readShard(bytes)
    #expect(result.fault?.code == .memberTooLarge)
    #expect(result.fault?.message.contains("zstd -d --long=31") == true)
    var limits = ShardLimits()
    limits.zstdWindowLog = 31
    #expect(try readShard(bytes, limits: limits).samples.count == 3)
  }

  @Test("What inflates too much is stopped by its ratio", arguments: ["zstd", "gzip"])
  func ratioBombs(tool: String) throws {
    var builder = TarBuilder()
    builder.add("a.txt", String(repeating: "0", count: 4 << 20))
    let bytes = try output(of: tool, ["-q", "-c"], on: builder.ended())
    var limits = ShardLimits()
    #expect(try readShard(bytes, limits: limits).codes == [nil])
    (limits.expansion, limits.expansionGrace) = (100, 1 << 20)
    let fault = try readShard(bytes, limits: limits).fault
    #expect(fault?.code == .memberTooLarge)
    #expect(fault?.message == "the shard inflates more than 100 to 1")
    limits.expansionGrace = 8 << 20
    #expect(try readShard(bytes, limits: limits).codes == [nil])
  }

  @Test("Compressed streams: no checksum is fine, a cut or broken one is not")
  func streams() throws {
    let unchecked = try output(of: "zstd", ["-q", "--no-check", "-c"], on: smallShard)
    #expect(try readShard(unchecked).samples.count == 3)
    let checked = try zstd(smallShard)
    #expect(try readShard(Array(checked.dropLast(4))).fault?.code == .truncatedShard)
    #expect(try readShard(Array(unchecked.dropLast(1))).fault?.code == .truncatedShard)
    let skippable: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0x7f, 1]
    #expect(try readShard(skippable).fault?.code == .truncatedShard)
    #expect(try readShard(checked + skippable).fault?.code == .truncatedShard)
    #expect(try readShard(checked + checked).summary.trailingDataOffset == UInt64(smallShard.count))
    #expect(try readShard(checked + [1, 2, 3, 4]).fault?.code == .truncatedShard)
    let gzip = try golden(bytesOf: "small.tar.gz")
    for lost in 1...8 { #expect(try readShard(Array(gzip.dropLast(lost))).fault?.code == .truncatedShard) }
  }

  @Test("A compressed stream that holds another compressed stream is no tar")
  func nested() throws {
    #expect(try readShard(zstd(zstd(smallShard))).fault?.code == .truncatedShard)
    let deep = try output(of: "gzip", ["-c"], on: try golden(bytesOf: "small.tar.gz"))
    #expect([.badHeader, .truncatedShard].contains(try readShard(deep).fault?.code))
  }

  @Test("Names in the bytes of a tar never reach a path: keys are made of safe characters only")
  func safeKeys() throws {
    let names = [
      "a/../../x.jpg", "/etc/passwd.jpg", "~/x.jpg", "$(touch x).jpg", "a;b.jpg", "-rf.jpg", "a\u{202e}b.jpg",
    ]
    for name in names {
      let result = try readShard(tar(name))
      let key = try #require(result.samples.first?.key)
      #expect(
        key.allSatisfy { byte in
          Character(Unicode.Scalar(byte)).isASCII
            && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
              || "_-/".utf8.contains(byte))
        })
      #expect(key.first != UInt8(ascii: "/"))
    }
  }
}
