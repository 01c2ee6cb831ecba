import Shards
import TestSupport
import Testing

private func rules(_ policy: DuplicatePolicy) -> ShardRules { rules { $0.duplicates = policy } }

/// A tar of (name, text) members, ended.
private func tar(_ members: [(String, String)]) -> [UInt8] {
  var builder = TarBuilder()
  for (name, text) in members { builder.add(name, text) }
  return builder.ended()
}

@Suite struct RepeatedKeyTests {
  @Test("reject: every part of a key whose members are not adjacent is rejected, the first too")
  func reject() throws {
    let bytes = tar("a.jpg", "b.jpg", "c.jpg", "a.txt", "c.jpg", "./b.json", "b.txt", "d.jpg")
    let result = try readShard(bytes, rules: rules(.reject))
    #expect(result.keys == ["a", "b", "c", "a", "c", "b", "b", "d"])
    #expect(
      result.codes == [
        .interleavedKey, .interleavedKey, .duplicateKey, .interleavedKey, .duplicateKey, .interleavedKey,
        .interleavedKey, nil,
      ])
    #expect(result.summary.samples == 8)
    #expect(result.summary.distinctKeys == 4)
    #expect(result.summary.repeatedKeys == 3)
  }

  @Test func aCleanShardIsReadInOnePass() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(smallShard)
    for policy in DuplicatePolicy.allCases {
      var reader = try ShardReader(try File.regular(path), rules(policy), repeats: .report)
      while try reader.next() != nil {}
      #expect(reader.summary.distinctKeys == 3)
      #expect(reader.summary.repeatedKeys == 0)
    }
  }

  @Test("In one pass, as from standard input, the first part has gone out and further ones are rejected")
  func onePass() throws {
    let result = try readShard(tar("a.jpg", "b.jpg", "a.txt", "b.jpg"))
    #expect(result.codes == [nil, nil, .interleavedKey, .duplicateKey])
  }

  @Test("merge: the parts become one sample where the last one is")
  func merge() throws {
    let bytes = tar([
      ("a.jpg", "A"), ("b.jpg", "BB"), ("a.json", "{}"), ("b.txt", "bb"), ("c.jpg", "C"), ("a.txt", "aaa"),
    ])
    let result = try readShard(bytes, rules: rules(.merge))
    #expect(result.keys == ["b", "c", "a"])
    #expect(result.codes == [nil, nil, nil])
    #expect(result.samples[2].fields.map(\.name) == ["jpg", "json", "txt"])
    #expect(result.text(2, "jpg") == "A")
    #expect(result.text(2, "json") == "{}")
    #expect(result.text(2, "txt") == "aaa")
    #expect(result.text(0, "txt") == "bb")
    #expect(result.samples[2].offset == 5 * 1024)
    #expect(result.samples[2].fields[0].dataOffset == 512)
    #expect(result.summary.samples == 3)
    #expect(result.summary.distinctKeys == 3)
    #expect(result.summary.repeatedKeys == 2)
  }

  @Test("merge: a field that occurs twice must have the same bytes")
  func mergeTwice() throws {
    let bytes = tar([
      ("same.jpg", "S"), ("differ.jpg", "1"), ("size.jpg", "1"), ("next.jpg", "n"), ("next.JPG", "n"),
      ("next.txt", "t"), ("bad.jpg", "1"), ("bad.jpg", "2"), ("same.jpg", "S"), ("same.txt", "s"),
      ("differ.jpg", "2"), ("size.jpg", "11"), ("good.jpg", "g"),
    ])
    let result = try readShard(bytes, rules: rules(.merge))
    #expect(result.keys == ["next", "bad", "same", "differ", "size", "good"])
    #expect(result.codes == [nil, .duplicateKey, nil, .duplicateKey, .duplicateKey, nil])
    #expect(result.samples[0].fields.map(\.name) == ["jpg", "txt"])
    #expect(result.text(0, "txt") == "t")
    #expect(result.samples[2].bytes == Array("Ss".utf8))
  }

  @Test(
    "merge: what waits is bounded; of a compressed shard, what does not fit is rejected, a plain one is read again"
  )
  func mergeBound() throws {
    var bounded = rules(.merge)
    bounded.limits.heldBytes = 3000
    let big = String(repeating: "x", count: 2000)
    let bytes = tar([
      ("a.jpg", "A"), ("b.jpg", big), ("c.jpg", "C"), ("b.txt", "b"), ("a.txt", "a"), ("b.json", "{}"),
      ("c.txt", "c"),
    ])
    let result = try readShard(zstd(bytes), rules: bounded)
    #expect(result.keys == ["a", "b", "c"])
    #expect(result.codes == [nil, .memberTooLarge, nil])
    let plain = try readShard(bytes, rules: bounded)
    #expect(plain.keys == ["a", "b", "c"])
    #expect(plain.codes == [nil, nil, nil])
    #expect(plain.samples[1].bytes == Array((big + "b" + "{}").utf8))
    #expect(plain.samples[1].fields.map { $0.range.count } == [2000, 1, 2])
    bounded.limits.sampleBytes = 2000
    bounded.limits.heldBytes = 1 << 20
    #expect(try readShard(bytes, rules: bounded).codes == [nil, .memberTooLarge, nil])
    bounded.limits.sampleBytes = 1 << 20
    bounded.limits.fieldsPerSample = 2
    #expect(try readShard(bytes, rules: bounded).codes == [nil, .memberTooLarge, nil])
  }

  @Test("merge: a part that is rejected rejects the whole sample")
  func mergeFault() throws {
    let result = try readShard(
      tar([("a.jpg", "A"), ("b.jpg", "B"), ("a.t\\xt", "t")]), rules: rules(.merge))
    #expect(result.keys == ["b", "a"])
    #expect(result.codes == [nil, .badName])
  }

  @Test("rename: further parts get keys of their own, in one pass")
  func rename() throws {
    // Python: hashlib.sha256(b"a\0" + b"2").hexdigest()[:12]
    let result = try readShard(
      tar("a.jpg", "b.jpg", "a.jpg", "a.JPG", "a.txt", "b.txt"), rules: rules(.rename))
    #expect(
      result.keys == ["a", "b", "a-\(renamed("a", 2))", "a-\(renamed("a", 3))", "b-\(renamed("b", 2))"])
    #expect(result.codes == [nil, nil, nil, nil, nil])
    #expect(result.samples[3].fields.map(\.name) == ["jpg", "txt"])
    #expect(
      result.samples.map { String(decoding: $0.storedKey, as: UTF8.self) } == ["a", "b", "a", "a", "b"])
    #expect(result.summary.distinctKeys == 2)
    #expect(result.summary.repeatedKeys == 2)
    #expect(renamed("a", 2) == "ab111f21ecf8")
    #expect(renamed("b", 2) == "68960076a8d4")
  }

  private func renamed(_ key: String, _ occurrence: Int) -> String {
    String(sha256(Array(key.utf8) + [0] + Array("\(occurrence)".utf8)).prefix(12))
  }

  @Test func renamedKeysFitAndDifferFromStoredOnes() throws {
    let long = String(repeating: "k", count: 90)
    let made = "a-" + renamed("a", 2)
    var builder = TarBuilder()
    for name in [long, "x", long, "a", made, "a", "b", "b"] { builder.add(name + ".jpg", name) }
    let result = try readShard(builder.ended(), rules: rules(.rename))
    #expect(result.codes == [nil, nil, nil, nil, nil, .duplicateKey, nil, nil])
    #expect(result.keys[2] == String(repeating: "k", count: 77) + "-" + renamed(long, 2))
    // The other way round the stored key is the later one.
    let other = try readShard(
      tar([("a.jpg", "1"), ("a.jpg", "2"), (made + ".jpg", "3")]), rules: rules(.rename))
    #expect(other.codes == [nil, nil, .duplicateKey])
  }

  @Test("Any order of any parts, in any form, merges to what a model says", arguments: [21, 22, 23])
  func mergeModel(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let filling = String(repeating: "-", count: 1000)
    for round in 0..<60 {
      var members: [(String, String)] = []
      for key in 0..<Int.random(in: 1...6, using: &random) {
        for field in ["jpg", "txt", "json"] where Int.random(in: 0..<4, using: &random) > 0 {
          members.append(("k\(key).\(field)", "\(key)\(field)\(round)\(filling)"))
        }
      }
      members.shuffle(using: &random)
      var fields: [String: Set<String>] = [:]
      var last: [String: Int] = [:]
      for (index, member) in members.enumerated() {
        let key = String(member.0.prefix { $0 != "." })
        fields[key, default: []].insert(String(member.0.dropFirst(key.count + 1)))
        last[key] = index
      }
      let plain = tar(members)
      var tight = rules(.merge)
      tight.limits.heldBytes = 12_000  // enough for the entries, not for their bytes
      for (bytes, rules) in [(plain, rules(.merge)), (try zstd(plain), rules(.merge)), (plain, tight)] {
        let result = try readShard(bytes, rules: rules)
        #expect(result.keys == last.sorted { $0.value < $1.value }.map(\.key))
        for (index, key) in result.keys.enumerated() {
          #expect(Set(result.samples[index].fields.map(\.name)) == fields[key])
          for field in result.samples[index].fields {
            #expect(result.text(index, field.name) == "\(key.dropFirst())\(field.name)\(round)\(filling)")
          }
        }
      }
    }
  }

  @Test("The scan seeks over data and still finds what is cut off")
  func scanOfLargeMembers() throws {
    let large = String(repeating: "x", count: 100_000)
    let bytes = tar([("a.jpg", large), ("b.jpg", large), ("a.txt", large), ("c.jpg", large)])
    #expect(try readShard(bytes, rules: rules(.merge)).keys == ["b", "a", "c"])
    for cut in stride(from: 1024, to: bytes.count, by: 10_240) {
      #expect(
        try readShard(Array(bytes[..<cut]), rules: rules(.merge)).fault?.code == .truncatedShard, "\(cut)")
    }
  }

  @Test func aMillionPartsCostLittle() throws {
    // Member flood: 30 000 keys that all come twice; the entries are small and no sample is lost.
    var builder = TarBuilder()
    for pass in 0..<2 {
      for key in 0..<30_000 { builder.add("\(key).\(pass == 0 ? "jpg" : "txt")", "") }
    }
    let result = try readShard(builder.ended(), rules: rules(.merge))
    #expect(result.samples.count == 30_000)
    #expect(result.codes.allSatisfy { $0 == nil })
    var tight = rules(.merge)
    tight.limits.heldBytes = 1 << 20
    let bounded = try readShard(builder.ended(), rules: tight)
    #expect(bounded.samples.count == 30_000)
    #expect(bounded.codes.filter { $0 == .memberTooLarge }.count > 25_000)
  }
}
