import Foundation
import Pipeline
import Shards
import TestSupport
import Testing

@Suite struct SidecarTests {
  /// 32 hex digits.
  private func uid(_ text: String?) throws -> SampleUid {
    try SampleUid(text.map { Array($0.utf8)[...] }, of: "x.jpg")
  }

  @Test func uidsAreReadFromJSON() throws {
    let text = "{\"a\": NaN, \"uid\": \"00000000000000010123456789abcdef\"}"
    #expect(try uid(text) == SampleUid(high: 1, low: 0x0123_4567_89ab_cdef))
    #expect(try uid("{\"uid\":\"FFFFFFFFFFFFFFFFffffffffffffffff\"}") == SampleUid(high: .max, low: .max))
  }

  @Test(
    "A sample without a uid is named",
    arguments: [
      (nil, "x.jpg has no json field"), ("{}", "x.jpg has no uid in its json"),
      ("{\"uid\":1}", "x.jpg has no uid in its json"), ("not json", "x.jpg has no uid in its json"),
      ("{\"uid\":\"abc\"}", "x.jpg has a uid that is not 32 hex digits: abc"),
      ("{\"uid\":\"+0000000000000000000000000000000\"}", "is not 32 hex digits"),
      ("{\"uid\":\"0000000000000000-000000000000000\"}", "is not 32 hex digits"),
      ("{\"uid\":\"0000000000000000000000000000000g\"}", "is not 32 hex digits"),
    ] as [(String?, String)])
  func badUids(text: String?, words: String) {
    let error = #expect(throws: PipelineError.self) { _ = try uid(text) }
    #expect(error?.kind == .badData && error?.description.contains(words) == true)
  }

  @Test("Runs on disk give the array that sorting in memory gives, with as many equal uids as came")
  func subsets() throws {
    let directory = try TemporaryDirectory()
    var random = SplitMix(seed: 3)
    let uids = (0..<10_000).map { _ in SampleUid(high: random.next() % 50, low: random.next() % 100) }
    func array(runRows: Int) throws -> [UInt8] {
      var writer = SubsetWriter(path: directory.file("subset.npy"), runRows: runRows)
      for uid in uids { try writer.add(uid) }
      try writer.finish()
      #expect(try directory.names() == ["subset.npy"])
      return try contents(of: directory.file("subset.npy"))
    }
    let whole = try array(runRows: 1 << 20)
    #expect(whole.count == 128 + 16 * uids.count)
    let words = UInt64.decode(Array(whole.dropFirst(128)))
    #expect(
      (0..<uids.count).map { SampleUid(high: words[2 * $0], low: words[2 * $0 + 1]) } == uids.sorted())
    for rows in [2, 3333, 5000, 9999, 10_000] { #expect(try array(runRows: rows) == whole) }
  }

  @Test func checksumsOfAnyNameAreReadBack() throws {
    let hash = String(repeating: "0a", count: 32)
    let files = ["00000.tar": hash, "a b": hash, "new\nline": hash, "back\\slash": hash, "../in/é": hash]
    let bytes = ChecksumFile.bytes(files)
    #expect(ChecksumFile.files(bytes) == files)
    #expect(String(decoding: bytes, as: UTF8.self).contains("\\\(hash)  back\\\\slash\n"))
    #expect(ChecksumFile.files(Array("\(hash) *00000.tar\n".utf8)) == ["00000.tar": hash])
    for text in ["x", "\(hash)", "\(hash)  ", "\(hash.dropLast())g  name"] {
      #expect(ChecksumFile.files(Array(text.utf8)) == nil)
    }
  }
}
