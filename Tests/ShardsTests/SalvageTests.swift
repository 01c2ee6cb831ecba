import Shards
import TestSupport
import Testing

private let salvaging = rules { $0.salvages = true }

/// A shard with real entropy, so that its compressed forms give their content out bit by bit.
struct CutShard: Sendable {
  var bytes: [UInt8] = []
  /// Keys with the offset at which each sample is known to be whole: the end of the next key's first header, or of
  /// the first zero block.
  var wholeFrom: [(key: String, offset: Int)] = []

  static let shared: CutShard = {
    var random = SplitMix(seed: 31)
    var builder = TarBuilder()
    var shard = CutShard()
    var keys: [String] = []
    for index in 0..<40 {
      if let key = keys.last { shard.wholeFrom.append((key, builder.bytes.count + 512)) }
      keys.append("0000\(index)")
      for field in ["jpg", "json", "txt"] {
        let count = Int.random(in: field == "jpg" ? 1000...9000 : 0...700, using: &random)
        builder.raw(
          TarBuilder.header(Array("0000\(index).\(field)".utf8), size: TarBuilder.octal(count)),
          data: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
      }
    }
    shard.wholeFrom.append((keys.last!, builder.bytes.count + 512))
    shard.bytes = builder.ended()
    return shard
  }()

  /// Keys of the samples that are whole when the tar is cut to `count` bytes.
  func whole(in count: Int) -> [String] { wholeFrom.filter { $0.offset <= count }.map(\.key) }
}

@Suite struct SalvageTests {
  @Test(
    "A cut shard is detected at every cut; salvage gives exactly the whole samples",
    arguments: [
      "plain", "gzip", "zstd",
    ])
  func cuts(form: String) throws {
    let shard = CutShard.shared
    let bytes =
      switch form {
      case "gzip": try output(of: "gzip", ["-c"], on: shard.bytes)
      case "zstd": try zstd(shard.bytes)
      default: shard.bytes
      }
    var random = SplitMix(seed: 32)
    var cuts = Set(stride(from: 0, to: bytes.count, by: 512)).union([bytes.count - 1])
    for _ in 0..<200 { cuts.insert(Int.random(in: 0..<bytes.count, using: &random)) }
    for cut in cuts.sorted() {
      let part = Array(bytes[..<cut])
      let strict = try readShard(part, rules: ShardRules())
      #expect(strict.fault?.code == .truncatedShard, "cut at \(cut)")
      // What comes out of the cut file says which samples are there; for a plain tar that is the cut itself.
      let plain = try plainCopy(part)
      #expect(plain.fault?.code == .truncatedShard, "cut at \(cut)")
      #expect(plain.bytes.elementsEqual(shard.bytes.prefix(plain.bytes.count)))
      if form == "plain" { #expect(plain.bytes.count == cut) }
      let whole = shard.whole(in: plain.bytes.count)
      let saved = try readShard(part, rules: salvaging)
      let sound = saved.samples.filter { $0.fault == nil }
      #expect(sound.map { String(decoding: $0.key, as: UTF8.self) } == whole, "cut at \(cut)")
      if whole.isEmpty {
        #expect(saved.fault?.code == .truncatedShard, "cut at \(cut)")
        continue
      }
      #expect(saved.fault == nil)
      #expect(saved.summary.fault?.code == .truncatedShard, "cut at \(cut)")
      #expect(saved.summary.digest == sha256(part))
      #expect(saved.samples.count - sound.count <= 1)
      #expect(saved.samples.allSatisfy { $0.fault == nil || $0.fault?.code == .truncatedShard })
      #expect(saved.samples.dropLast().allSatisfy { $0.fault == nil })
    }
    let complete = try readShard(bytes, rules: salvaging)
    #expect(complete.samples.count == 40 && complete.summary.fault == nil)
  }

  @Test("The samples before a broken header are kept, the last one under the fault's code")
  func brokenHeader() throws {
    var bytes = tar("a.jpg", "b.jpg", "b.txt", "c.jpg")
    bytes[3 * 1024 + 5] ^= 1
    #expect(try readShard(bytes, rules: ShardRules()).fault?.code == .badHeader)
    let result = try readShard(bytes, rules: salvaging)
    #expect(result.keys == ["a", "b"])
    #expect(result.codes == [nil, .badHeader])
    #expect(result.summary.fault?.code == .badHeader)
    #expect(result.summary.fault?.offset == 3 * 1024)
    #expect(result.summary.digest == sha256(bytes))
    #expect(result.summary.storedBytes == UInt64(bytes.count))
  }

  @Test("A zero block makes the sample before it whole")
  func zeroBlock() throws {
    let half = Array(tar("a.jpg", "b.jpg").dropLast(512))
    let result = try readShard(half, rules: salvaging)
    #expect(result.codes == [nil, nil])
    #expect(result.summary.fault?.code == .truncatedShard)
    let one = try readShard(Array(tar("a.jpg").dropLast(512)), rules: salvaging)
    #expect(one.codes == [nil])
  }

  /// Found by the fuzz target `tar`.
  @Test("What a break leaves of a member is not among the bytes of its sample")
  func cutMembersLeaveNoBytes() throws {
    // Off go the end marker, the last caption with its header, and 724 of the 1024 bytes of the image before it.
    let last = try readShard(Array(smallShard.dropLast(1024 + 1024 + 724)), rules: salvaging).samples.last
    let cut = try #require(last)
    #expect(cut.fault?.code == .truncatedShard)
    #expect(cut.fields.isEmpty && cut.bytes.isEmpty)
  }

  @Test("Without a whole sample the shard is rejected as ever; another format is never salvaged")
  func nothingToKeep() throws {
    #expect(
      try readShard(Array(tar("a.jpg").dropLast(1024)), rules: salvaging).fault?.code == .truncatedShard)
    let parquet = try readShard(Array("PAR1".utf8) + [UInt8](repeating: 1, count: 600), rules: salvaging)
    #expect(parquet.fault?.code == .badHeader)
  }

  @Test("Salvage works with each policy for repeated keys", arguments: DuplicatePolicy.allCases)
  func repeatedKeys(policy: DuplicatePolicy) throws {
    let both = rules { ($0.salvages, $0.duplicates) = (true, policy) }
    let bytes = Array(tar("a.jpg", "b.jpg", "a.txt", "c.jpg", "d.jpg").dropLast(1024))
    let result = try readShard(bytes, rules: both)
    #expect(result.summary.fault?.code == .truncatedShard)
    let sound = result.samples.filter { $0.fault == nil }.map { String(decoding: $0.key, as: UTF8.self) }
    switch policy {
    case .reject: #expect(sound == ["b", "c"])
    case .merge: #expect(sound == ["b", "a", "c"])
    case .rename: #expect(sound.count == 4 && sound[0] == "a" && sound[3] == "c")
    }
    #expect(result.samples.last?.fault?.code == .truncatedShard)
  }
}
