import Shards
import TestSupport
import Testing

private func split(_ name: String) -> [String]? {
  let bytes = Array(name.utf8)
  return SampleKey.split(bytes[...]).map {
    [String(decoding: $0.key, as: UTF8.self), String(decoding: $0.field, as: UTF8.self)]
  }
}

private func safe(_ key: String) -> String {
  let bytes = Array(key.utf8)
  return String(decoding: SampleKey.safe(bytes[...]) { sha256($0) }, as: UTF8.self)
}

@Suite struct SampleKeyTests {
  @Test(
    "The key is the path up to the first dot of the last component (spec/ecosystem.md B1)",
    arguments: [
      ("a/b.c/d.jpg", ["a/b.c/d", "jpg"]), ("dir.v1/1.seg.png", ["dir.v1/1", "seg.png"]),
      ("./0001.jpg", ["./0001", "jpg"]), ("x.JPG", ["x", "JPG"]), ("noext", nil), (".hidden", nil),
      ("._1.jpg", nil), ("a/.foo", ["a/", "foo"]), ("x..jpg", ["x", ".jpg"]), ("x.", ["x", ""]),
      ("v1.0/a.b.jpg", ["v1.0/a", "b.jpg"]),
      ("2024-01-01T00:00:01.5.jpg", ["2024-01-01T00:00:01", "5.jpg"]),
    ] as [(String, [String]?)])
  func table(name: String, parts: [String]?) { #expect(split(name) == parts) }

  @Test func everyShortNameSplitsAsTheExpressionDoes() throws {
    let lines = String(decoding: try contents(of: golden("splits.tsv")), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 3 + 9 + 27 + 81 + 243 + 729)
    for line in lines {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      #expect(split(parts[0]) == (parts.count == 3 ? Array(parts[1...]) : nil), "\(parts[0])")
    }
  }

  @Test(
    "Keys that can be published stay as they are",
    arguments: ["0001", "a/b-c_D", "000010005", String(repeating: "k", count: 90)])
  func publishable(key: String) { #expect(safe(key) == key) }

  @Test(
    "Other keys are renamed to safe ones of at most 90 bytes",
    arguments: [
      ("a b", "a_b-"), ("2024-01-01T00:00:01", "2024-01-01T00_00_01-"), ("v1.0/a", "v1_0/a-"), ("a/", "a-"),
      ("/", "_-"), ("ü", "_-"), ("__x", "_x-"), ("日本/__a__b", "_/_a__b-"),
      (String(repeating: "k", count: 91), String(repeating: "k", count: 77) + "-"),
    ])
  func renamed(key: String, start: String) {
    #expect(safe(key) == start + sha256(key.utf8).prefix(12))
    #expect(safe(key).utf8.count <= 90)
  }

  @Test func aLeadingDotSlashIsDropped() {
    #expect(safe("./0001") == "0001")
    #expect(safe("././0001") == "0001")
  }

  @Test func distinctKeysStayDistinct() {
    let long = String(repeating: "k", count: 100)
    let keys = ["a b", "a_b", "a:b", "a.b", "a/", "a", long + "1", long + "2", "ä", "ö", "__"]
    #expect(Set(keys.map(safe)).count == keys.count)
  }

  @Test(
    "Hostile names are told",
    arguments: ["/etc/x.jpg", "../x.jpg", "a/../b.jpg", "a/..", "a\\b.jpg", "a\n.jpg", "a\u{7f}.jpg"])
  func hostile(name: String) {
    let bytes = Array(name.utf8)
    #expect(SampleKey.hostility(of: bytes[...]) != nil)
  }

  @Test(arguments: ["a..b/x.jpg", "..a/x.jpg", "ü/x.jpg", "a b.jpg"])
  func harmlessNamesAreNotHostile(name: String) {
    let bytes = Array(name.utf8)
    #expect(SampleKey.hostility(of: bytes[...]) == nil)
  }

  @Test(arguments: [
    ("__meta__/x.json", true), ("__x__", true), ("__info__.json", false), ("a/__x__", false), ("___", false),
  ])
  func metadataIsToldAsWebDatasetDoes(name: String, expected: Bool) {
    let bytes = Array(name.utf8)
    #expect(SampleKey.isMetadata(bytes[...]) == expected)
  }

  @Test func invalidUTF8IsHostile() { #expect(SampleKey.hostility(of: [0x61, 0xff, 0x2e, 0x6a]) != nil) }
}
