import Shards
import TestSupport
import Testing

@Suite struct AtomicWritesTests {
  @Test func aFileHasItsNameOnlyAfterTheCommit() throws {
    let directory = try TemporaryDirectory()
    let file = try AtomicFile(path: directory.file("x"))
    try file.file.write([1, 2])
    #expect(try directory.names() == [".x.tmp"])
    try file.commit()
    #expect(try directory.names() == ["x"])
    #expect(try contents(of: directory.file("x")) == [1, 2])
  }

  @Test func theOldFileStaysUntilTheCommit() throws {
    let directory = try TemporaryDirectory()
    try AtomicFile.write([1], to: directory.file("x"))
    let file = try AtomicFile(path: directory.file("x"))
    try file.file.write([2])
    #expect(try contents(of: directory.file("x")) == [1])
    try file.commit()
    #expect(try contents(of: directory.file("x")) == [2])
  }

  @Test func leftoversOfAnInterruptedWriteAreOverwritten() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.write([9, 9, 9, 9], as: ".x.tmp")
    try AtomicFile.write([1], to: directory.file("x"))
    #expect(try directory.names() == ["x"])
    #expect(try contents(of: directory.file("x")) == [1])
  }

  @Test func aDirectoryHasItsNameOnlyAfterTheCommit() throws {
    let directory = try TemporaryDirectory()
    let output = try AtomicDirectory(path: directory.file("d"))
    try output.write([1], as: "a")
    #expect(try directory.names() == [".d.tmp"])
    try output.commit()
    #expect(try directory.names() == ["d"])
    #expect(try contents(of: directory.file("d/a")) == [1])
  }

  @Test func aCommitReplacesTheOldDirectoryWhole() throws {
    let directory = try TemporaryDirectory()
    for name in ["a", "b"] {
      let output = try AtomicDirectory(path: directory.file("d"))
      try output.write([1], as: name)
      try output.commit()
    }
    #expect(try directory.names() == ["d"])
    #expect(try Directory.names(in: directory.file("d")) == ["b"])
  }

  @Test func anInterruptedDirectoryIsStartedAfresh() throws {
    let directory = try TemporaryDirectory()
    try Directory.create(directory.file(".d.tmp/nested"))
    _ = try directory.write([9], as: ".d.tmp/nested/old")
    let output = try AtomicDirectory(path: directory.file("d"))
    try output.write([1], as: "a")
    try output.commit()
    #expect(try Directory.names(in: directory.file("d")) == ["a"])
  }

  @Test func aDiscardedDirectoryLeavesNothing() throws {
    let directory = try TemporaryDirectory()
    let output = try AtomicDirectory(path: directory.file("d"))
    try output.write([1], as: "a")
    try output.discard()
    #expect(try directory.names() == [])
  }

  @Test func paths() throws {
    #expect(["a/b/c", "c", "/c", "a/b/"].map(Directory.parent) == ["a/b", ".", "/", "a"])
    #expect(["a/b/c", "c", "/c", "a/b/"].map(Directory.name) == ["c", "c", "c", "b"])
    #expect(try Directory.names(in: "/nonexistent/x") == nil)
  }
}
