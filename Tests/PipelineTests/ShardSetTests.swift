import Glibc
import Pipeline
import Shards
import TestSupport
import Testing

@Suite struct ShardSetTests {
  @Test(
    "braces expand as in a shell",
    arguments: [
      ("*.tar{,.gz,.zst}", ["*.tar", "*.tar.gz", "*.tar.zst"]),
      ("{08..11}.tar", ["08.tar", "09.tar", "10.tar", "11.tar"]),
      ("{9..11}", ["9", "10", "11"]), ("{3..1}", ["3", "2", "1"]), ("{0..9..4}", ["0", "4", "8"]),
      ("{a..c}", ["a", "b", "c"]), ("{099..101}", ["099", "100", "101"]),
      ("a{b,c{1,2}}d", ["abd", "ac1d", "ac2d"]), ("plain", ["plain"]), ("{open", ["{open"]),
      ("{x}", ["{x}"]), ("{x}{1,2}", ["{x}1", "{x}2"]), ("{..}", ["{..}"]), ("{1..2..0}", ["{1..2..0}"]),
    ])
  func braces(pattern: String, expected: [String]) throws {
    #expect(try ShardPatterns.braceExpansion(pattern) == expected)
  }

  @Test("a pattern of too many names is refused before it is expanded")
  func tooMany() {
    for pattern in ["{0..999999999}", "{0..999}{0..999}{0..999}", "{0..999999999999999}"] {
      #expect(throws: PipelineError.self) { try ShardPatterns.braceExpansion(pattern) }
    }
  }

  @Test(
    "a shard's name is its path with __ and without .tar*",
    arguments: [
      ("00000.tar", "00000"), ("a/b/00000.tar.gz", "a__b__00000"), ("x.tar.zst", "x"),
      ("v1.0/x.y.tar", "v1.0__x.y"),
    ])
  func names(path: String, name: String) { #expect(ShardSet.workspaceName(path) == name) }

  @Test(
    "the root of a pattern is its longest directory without pattern characters",
    arguments: [
      ("a/b/{0..3}.tar", "a/b"), ("a/*/c/?.tar", "a"), ("*.tar", "."), ("/x[1]/y", "/"),
      ("/data/{a,b}/x", "/data"),
    ])
  func roots(pattern: String, root: String) { #expect(ShardPatterns.root(pattern) == root) }

  @Test(
    "a run may not write where its patterns look",
    arguments: [
      ("/d/in", "/d/in", true), ("/d/in", "/d/in/out", true), ("/d/in", "/d/in/.tamis", false),
      ("/d/in", "/d", false), ("/d/in", "/d/inner", false), ("/d/*.tar", "/d", true),
      ("/d/*.tar", "/d/out", false),
      ("/d/*", "/d/out", true), ("/d/*", "/d/.tamis", false), ("/d/*/x.tar", "/d/out", false),
      ("/d/*/*.tar", "/d/out", true), ("/d/in/*.tar", "/d", false), ("/d/a.tar", "/d/out", false),
      ("/d/a.tar", "/d", false),
    ])
  func reach(pattern: String, place: String, expected: Bool) {
    let components = place.split(separator: "/").map(String.init)
    #expect(ShardPatterns.mayReach(pattern, components) == expected)
  }

  /// The names found below a directory with these files.
  private func find(_ text: String, _ files: [String], waits: Bool = false) throws -> [String] {
    let folder = try TemporaryDirectory()
    for file in files {
      try Directory.create(Directory.parent(of: folder.file(file)))
      _ = try folder.write([0], as: file)
    }
    let path = ShardPatterns.sets(text).map { $0.isEmpty ? folder.path : folder.file($0) }
    return try ShardSet.find(path.joined(separator: "::"), match: "*.tar{,.gz,.zst}", waits: waits).shards
      .map(\.name)
  }

  private let files = ["0.tar", "1.tar", "2.tar.gz", "x/a/part-1.tar.zst", "x/b/part-2.tar", "x/b/other.txt"]

  @Test("sets, braces, globs and directories, each with names below its own root")
  func patterns() throws {
    #expect(try find("", files) == ["0", "1", "2", "x__a__part-1", "x__b__part-2"])
    #expect(try find("{0..1}.tar", files) == ["0", "1"])
    #expect(try find("x/*/part-?.tar*", files) == ["a__part-1", "b__part-2"])
    #expect(try find("x/{a,b}", files) == ["a__part-1", "b__part-2"])
    #expect(try find("x/*", files) == ["a__part-1", "b__part-2"])
    #expect(try find("x/a::{0..1}.tar::2.tar.gz", files) == ["0", "1", "2", "part-1"])
    #expect(try find("[01].tar", files) == ["0", "1"])
    #expect(try find("x/b/other.txt", files) == ["other.txt"])
  }

  @Test("a name with pattern characters that is there is taken as it is")
  func literal() throws {
    #expect(try find("{a}[1].tar", ["{a}[1].tar", "a1.tar"]) == ["{a}[1]"])
    #expect(try find("d[1]", ["d[1]/0.tar", "d1/1.tar"]) == ["0"])
  }

  private func message(_ text: String, _ files: [String]) throws -> String {
    do {
      let names = try find(text, files)
      return "found \(names)"
    } catch let error as PipelineError { return error.description }
  }

  @Test("a missing item, a pattern without a match and a collision are errors that name the files")
  func errors() throws {
    #expect(try message("{0..2}.tar", files).hasSuffix("2.tar: no such file or directory"))
    #expect(try message("*.zip", files).contains("no shards match"))
    #expect(try message("0.tar::0.tar", files).hasSuffix("0.tar: given twice"))
    let collision = try message("x/a::y", ["x/a/0.tar", "y/0.tar.gz"])
    #expect(collision.contains("x/a/0.tar and ") && collision.contains("would both be shard 0"))
    #expect(try message("a::b", ["a/x__0.tar", "b/x/0.tar"]).contains("would both be shard x__0"))
    #expect(try find("{0..2}.tar", files, waits: true) == ["0", "1"])
    #expect(try find("nowhere", files, waits: true) == [])
  }

  @Test("links to directories are followed, loops are not; what is no regular file is left out")
  func links() throws {
    let folder = try TemporaryDirectory()
    try Directory.create(folder.file("in/sub"))
    try Directory.create(folder.file("far"))
    _ = try folder.write([0], as: "far/linked.tar")
    for (target, name) in [("../..", "in/sub/up"), ("../far", "in/far"), ("nowhere", "in/dangling.tar")] {
      #expect(unsafe symlink(target, folder.file(name)) == 0)
    }
    #expect(unsafe mkfifo(folder.file("in/fifo.tar"), 0o600) == 0)
    let found = try ShardSet.find(folder.file("in"), match: "*.tar", waits: true).shards.map(\.name)
    #expect(found.filter { !$0.contains("up") } == ["far__linked"])
    #expect(found.count <= 3)
    #expect(throws: PipelineError.self) { try ShardSet.find(folder.file("in/fifo.tar"), match: "*.tar") }
  }

  @Test("a regular file is opened and nothing else, without waiting", .timeLimit(.minutes(5)))
  func opening() throws {
    let folder = try TemporaryDirectory()
    _ = try folder.write([1], as: "file")
    #expect(unsafe mkfifo(folder.file("fifo"), 0o600) == 0)
    #expect(unsafe symlink("fifo", folder.file("link")) == 0)
    #expect(try File.regular(folder.file("file")).status().size == 1)
    for name in ["fifo", "link", "nowhere", "."] {
      #expect(throws: FileError.self) { _ = try File.regular(folder.file(name)) }
    }
    #expect(throws: FileError.self) { _ = try File.regular("/dev/zero") }
  }

  @Test("a folder of img2dataset: shards without their stats are not ready; _tmp is passed over")
  func img2dataset() throws {
    let folder = try TemporaryDirectory()
    for file in ["00000.tar", "00000_stats.json", "00001.tar", "_tmp/0.feather", "_tmp/x.tar", "sub/9.tar"] {
      try Directory.create(Directory.parent(of: folder.file(file)))
      _ = try folder.write([0], as: file)
    }
    let found = try ShardSet.find(folder.path, match: "*.tar")
    #expect(found.shards.map(\.name) == ["00000", "sub__9"])
    #expect(found.shards[0].stats?.path == folder.file("00000_stats.json"))
    #expect(found.shards[1].stats == nil)
    #expect(found.notReady == [folder.file("00001.tar")])
    #expect(found.notice?.contains("00001.tar: left out") == true)
    // Named itself, a shard is taken; its stats are read if they are there.
    let named = try ShardSet.find(folder.file("0000{0..1}.tar"), match: "*.tar")
    #expect(named.shards.map { $0.stats != nil } == [true, false])
    // Before the first stats file, _tmp tells.
    try Directory.remove(folder.file("00000_stats.json"))
    #expect(try ShardSet.find(folder.path, match: "*.tar").shards.map(\.name) == ["sub__9"])
    try Directory.remove(folder.file("sub"))
    let error = #expect(throws: PipelineError.self) { try ShardSet.find(folder.path, match: "*.tar") }
    #expect(error?.description.contains("2 wait for their _stats.json") == true)
  }
}
