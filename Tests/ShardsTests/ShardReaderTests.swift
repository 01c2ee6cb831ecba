import Shards
import TestSupport
import Testing

@Suite struct ShardReaderTests {
  @Test func adjacentMembersOfOneKeyAreOneSample() throws {
    let result = try readShard(smallShard)
    #expect(result.keys == ["00000", "00001", "00002"])
    #expect(
      result.samples.map { $0.fields.map(\.name) } == [["jpg", "txt"], ["jpg", "txt"], ["jpg", "txt"]])
    #expect(result.text(1, "txt") == "caption 1")
    #expect(result.samples.map(\.offset) == [0, 2560, 5120])
    #expect(result.samples[1].fields[1].offset == 4096)
    #expect(result.samples[1].fields[1].dataOffset == 4608)
    #expect(result.summary.samples == 3)
    #expect(result.summary.storedBytes == UInt64(smallShard.count))
    #expect(result.summary.digest == sha256(smallShard))
  }

  @Test func fieldsOfUpperCaseAreRead() throws {
    let result = try readShard(tar("x.JPG"))
    #expect(result.samples[0].field(["png", "jpg"])?.member == "x.JPG")
  }

  @Test func aFieldThatOccursTwiceIsADuplicateKey() throws {
    let result = try readShard(tar("x.jpg", "x.JPG", "x.txt", "y.jpg"))
    #expect(result.codes == [.duplicateKey, nil])
    #expect(result.samples[0].fault?.member == "x.JPG")
    #expect(result.samples[0].fields.map(\.name) == ["jpg", "txt"])
  }

  @Test func aKeyThatComesBackIsADuplicateOrInterleaved() throws {
    let result = try readShard(tar("a.jpg", "b.jpg", "a.jpg", "b.txt", "a.txt", "./b.json"))
    #expect(result.codes == [nil, nil, .duplicateKey, .interleavedKey, .interleavedKey, .interleavedKey])
  }

  @Test(
    "Hostile names are rejected alone, as bad_name",
    arguments: [
      "../b.jpg", "/b.jpg", "b/../c.jpg", "b\\c.jpg", "b\nc.jpg", "b.jp\u{7f}g",
      String(repeating: "k", count: 87) + ".original.json", String(repeating: "k", count: 1025) + ".jpg",
    ])
  func badNames(name: String) throws {
    var builder = TarBuilder()
    builder.add("a.jpg")
    builder.pax([("path", name)])
    builder.add("placeholder.jpg")
    builder.add("c.jpg")
    let result = try readShard(builder.ended())
    #expect(result.codes == [nil, .badName, nil])
    #expect(result.samples[1].key.count <= 90)
  }

  @Test func namesThatAreNoUTF8AreBadNames() throws {
    var builder = TarBuilder()
    builder.raw(TarBuilder.header([0x61, 0xff, 0x2e, 0x6a], size: TarBuilder.octal(0)))
    #expect(try readShard(builder.ended()).codes == [.badName])
  }

  @Test func membersWithoutAFieldAreSkippedAndCounted() throws {
    let result = try readShard(tar("noext", ".hidden", "._1.jpg", "__meta__/x.json", "__x__", "a.jpg"))
    #expect(result.keys == ["a"])
    #expect(result.summary.skippedMembers == 5)
  }

  @Test func theKeyPrefixIsPartOfTheKey() throws {
    let result = try readShard(tar("a.jpg", "b c.jpg"), prefix: "shard/")
    #expect(result.keys == ["shard/a", "shard/b_c-" + sha256("shard/b c".utf8).prefix(12)])
    #expect(result.samples[0].storedKey == Array("a".utf8))
  }

  @Test func aMemberOverTheLimitRejectsItsSampleWithoutBeingRead() throws {
    var limits = ShardLimits()
    limits.memberBytes = 1000
    var builder = TarBuilder()
    builder.add("a.jpg", String(repeating: "x", count: 1001))
    builder.add("a.txt")
    builder.add("b.jpg", String(repeating: "x", count: 1000))
    let result = try readShard(builder.ended(), limits: limits)
    #expect(result.codes == [.memberTooLarge, nil])
    #expect(result.samples[0].bytes.count == 1)
  }

  @Test func aSampleIsLimitedInBytesAndFields() throws {
    var limits = ShardLimits()
    limits.sampleBytes = 9
    limits.fieldsPerSample = 2
    var builder = TarBuilder()
    builder.add("a.jpg", "12345")
    builder.add("a.txt", "12345")
    for field in ["x", "y", "z"] { builder.add("b." + field, "1") }
    builder.add("c.jpg")
    #expect(try readShard(builder.ended(), limits: limits).codes == [.memberTooLarge, .memberTooLarge, nil])
  }

  @Test(
    "A claimed size beyond the file is truncation, and is not allocated",
    arguments: [1 << 20, 255 << 20, 1 << 33 - 1])
  func lyingSizes(size: Int) throws {
    var builder = TarBuilder()
    builder.raw(TarBuilder.header(Array("a.jpg".utf8), size: TarBuilder.octal(size)), data: [1])
    #expect(try readShard(builder.ended()).fault?.code == .truncatedShard)
  }

  @Test(
    "Other formats are named",
    arguments: [("PAR1", "Parquet"), ("PK\u{3}\u{4}", "zip"), ("BZh91", "bzip2"), ("<html>", "HTML")])
  func foreign(start: String, name: String) throws {
    let fault = try readShard(Array(start.utf8) + [UInt8](repeating: 1, count: 2000)).fault
    #expect(fault?.code == .badHeader)
    #expect(fault?.message.contains(name) == true)
  }

  @Test func aTarWhoseFirstNameLooksLikeASignatureIsATar() throws {
    #expect(try readShard(tar("PAR1.txt", "BZh.txt")).keys == ["PAR1", "BZh"])
    #expect(try readShard(tar("BZh.txt")).keys == ["BZh"])
  }

  @Test(arguments: [
    [], [0], [UInt8](repeating: 0, count: 512), [0x1f], [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd],
  ])
  func nearlyEmptyFilesAreTruncated(bytes: [UInt8]) throws {
    #expect(try readShard(bytes).fault?.code == .truncatedShard)
  }

  @Test func anEmptyTarHasNoSamples() throws {
    let result = try readShard([UInt8](repeating: 0, count: 1024))
    #expect(result.fault == nil)
    #expect(result.samples.isEmpty)
  }

  @Test func textForMessagesIsPrintable() {
    #expect(printable(Array("a\u{1b}[31m\u{9b}é\n".utf8)) == "a\u{FFFD}[31m\u{FFFD}é\u{FFFD}")
    #expect(printable([0xff, 0x41]) == "\u{FFFD}A")
    #expect(printable([UInt8](repeating: 65, count: 300)).count == 200)
  }
}
