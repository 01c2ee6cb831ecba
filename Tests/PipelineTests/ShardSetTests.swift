import Pipeline
import Testing

@Suite struct ShardSetTests {
  @Test(
    "braces expand as in a shell",
    arguments: [
      ("*.tar{,.gz,.zst}", ["*.tar", "*.tar.gz", "*.tar.zst"]),
      ("{08..11}.tar", ["08.tar", "09.tar", "10.tar", "11.tar"]),
      ("a{b,c{1,2}}d", ["abd", "ac1d", "ac2d"]), ("plain", ["plain"]), ("{open", ["{open"]),
    ])
  func braces(pattern: String, expected: [String]) { #expect(ShardSet.braceExpansion(pattern) == expected) }

  @Test(
    "a shard's name is its path with __ and without .tar*",
    arguments: [
      ("00000.tar", "00000"), ("a/b/00000.tar.gz", "a__b__00000"), ("x.tar.zst", "x"),
      ("v1.0/x.y.tar", "v1.0__x.y"),
    ])
  func names(path: String, name: String) { #expect(ShardSet.workspaceName(path) == name) }
}
