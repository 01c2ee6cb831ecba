import Daemon
import Foundation
import Glibc
import Pipeline
import TestSupport
import Testing

/// A watcher, what it waits with, and the loop of a daemon around both.
private final class Watch {
  var watcher: DirectoryWatcher
  let wakeup: Wakeup
  let input: String

  init(_ input: String, quiet: Double = 3600, _ change: (inout DirectoryWatcher.Options) -> Void = { _ in })
    throws
  {
    var options = DirectoryWatcher.Options()
    (options.quietSeconds, options.rescanSeconds) = (quiet, 3600)
    change(&options)
    self.input = input
    watcher = DirectoryWatcher(input, options)
    wakeup = try Wakeup()
  }

  /// What is complete now, by name; nil if there is nothing to look at.
  func look() throws -> [String]? {
    guard watcher.look() else { return nil }
    let found = try ShardSet.find(input, match: "*.tar", waits: true).shards
    return watcher.complete(of: found).map(\.name)
  }

  // `#expect` takes no watcher, which cannot be copied.
  func looks(at now: Double) -> Bool { watcher.look(now: now) }
  func wait() -> Wakeup.Cause { wakeup.wait(seconds: 60, descriptor: watcher.descriptor) }
  var folders: Int { watcher.watchedFolders }
  var isPolling: Bool { watcher.isPolling && watcher.descriptor == -1 }
  var secondsToLook: Double { watcher.secondsToLook() }

  /// Waits for events until `names` are complete.
  func expect(_ names: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
    var seen: [String]?
    for _ in 0..<100 {
      seen = try look() ?? seen
      if seen == names { return }
      _ = wakeup.wait(seconds: min(0.5, watcher.secondsToLook()), descriptor: watcher.descriptor)
    }
    Issue.record("\(seen ?? []) are complete, not \(names)", sourceLocation: sourceLocation)
  }
}

private func openDescriptors() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

private func rename(_ old: String, _ new: String) throws {
  try FileManager.default.moveItem(atPath: old, toPath: new)
}

private func make(_ directory: String) throws {
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
}

@Suite(.serialized) struct DirectoryWatcherTests {
  @Test("A file renamed in is complete at once; one written in place is not, but asks for a look")
  func renamedIn() throws {
    let folder = try TemporaryDirectory()
    try make(folder.file("in"))
    let watch = try Watch(folder.file("in"))
    #expect(try watch.look() == [])
    #expect(try watch.look() == nil)
    #expect(watch.secondsToLook > 60)
    try rename(try folder.write([1], as: "a"), folder.file("in/a.tar"))
    try watch.expect(["a"])
    _ = try folder.write([1], as: "in/b.tar")
    #expect(watch.wait() == .readable)
    #expect(try watch.look() == ["a"])
    _ = try folder.write([1], as: "in/.c.tar")
    #expect(watch.wait() == .readable)
    #expect(try watch.look() == nil)
  }

  @Test("A file written in place is complete when it was quiet, and the watcher asks for the look in time")
  func quiet() throws {
    let folder = try TemporaryDirectory()
    try make(folder.file("in"))
    let watch = try Watch(folder.file("in"), quiet: 0.3)
    #expect(try watch.look() == [])
    _ = try folder.write([1], as: "in/a.tar")
    try watch.expect(["a"])
  }

  @Test("Files in directories made later, moved in with files, and linked are found")
  func subdirectories() throws {
    let folder = try TemporaryDirectory()
    try make(folder.file("in"))
    let watch = try Watch(folder.file("in"))
    #expect(try watch.look() == [])
    try make(folder.file("in/x/y"))
    #expect(watch.wait() == .readable)
    #expect(try watch.look() == [])
    try rename(try folder.write([1], as: "a"), folder.file("in/x/y/a.tar"))
    try watch.expect(["x__y__a"])
    try make(folder.file("elsewhere"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("in/z"), withDestinationPath: folder.file("elsewhere"))
    #expect(watch.wait() == .readable)
    #expect(try watch.look() == ["x__y__a"])
    try rename(try folder.write([2], as: "b"), folder.file("elsewhere/b.tar"))
    try watch.expect(["x__y__a", "z__b"])
    #expect(watch.folders == 4)
    try FileManager.default.removeItem(atPath: folder.file("in/x"))
    try watch.expect(["z__b"])
    #expect(watch.folders == 2)
  }

  @Test("The input may be missing, come, go and come again; no descriptor is left behind")
  func removal() throws {
    let folder = try TemporaryDirectory()
    let watch = try Watch(folder.file("deep/in"))
    #expect(try watch.look() == [])
    let descriptors = try openDescriptors()
    for round in 0..<20 {
      try make(folder.file("deep/in/sub\(round)"))
      for _ in 0..<100 where watch.watcher.watchedFolders != 2 {
        _ = watch.wakeup.wait(seconds: 0.5, descriptor: watch.watcher.descriptor)
        _ = try watch.look()
      }
      try rename(try folder.write([1], as: "a"), folder.file("deep/in/sub\(round)/a.tar"))
      try watch.expect(["sub\(round)__a"])
      if round % 2 == 0 {
        try FileManager.default.removeItem(atPath: folder.file("deep"))
      } else {
        try rename(folder.file("deep/in"), folder.file("old\(round)"))
      }
      try watch.expect([])
    }
    #expect(try openDescriptors() == descriptors)
  }

  @Test("Patterns, braces and several sets are watched where they may match")
  func patterns() throws {
    let folder = try TemporaryDirectory()
    try make(folder.file("a/one"))
    try make(folder.file("b"))
    let root = folder.path
    let watch = try Watch("\(root)/a/{one,two}/*.tar::\(root)/b/x.tar::\(root)/c*")
    #expect(try watch.look() == [])
    try rename(try folder.write([1], as: "1"), folder.file("a/one/s.tar"))
    try watch.expect(["one__s"])
    try make(folder.file("a/two"))
    try make(folder.file("c1"))
    try rename(try folder.write([1], as: "2"), folder.file("b/x.tar"))
    try watch.expect(["one__s", "x"])
    try rename(try folder.write([1], as: "3"), folder.file("a/two/t.tar"))
    try rename(try folder.write([1], as: "4"), folder.file("c1/u.tar"))
    try watch.expect(["c1__u", "one__s", "two__t", "x"])
  }

  @Test("When the kernel's queue overflows, the watcher looks again")
  func overflow() throws {
    let limit = try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
    // Each file gives two events.
    let count = (Int(limit.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 16_384) / 2 + 500
    let folder = try TemporaryDirectory()
    try make(folder.file("in"))
    let watch = try Watch(folder.file("in"), quiet: 0)
    #expect(try watch.look() == [])
    for index in 0..<count { _ = try folder.write([], as: "in/.\(index)") }
    _ = try folder.write([1], as: "in/last.tar")
    try watch.expect(["last"])
  }

  @Test("Polling looks by the time alone; a file has to be seen unchanged twice")
  func polling() throws {
    let folder = try TemporaryDirectory()
    try make(folder.file("in"))
    let watch = try Watch(folder.file("in"), quiet: 0.2) { ($0.polls, $0.pollSeconds) = (true, 0.1) }
    #expect(watch.isPolling)
    try rename(try folder.write([1], as: "a"), folder.file("in/a.tar"))
    #expect(try watch.look() == [])
    try watch.expect(["a"])
  }

  @Test("Without events the watcher looks every rescanSeconds")
  func rescan() throws {
    let folder = try TemporaryDirectory()
    let watch = try Watch(folder.path) { $0.rescanSeconds = 30 }
    #expect(watch.looks(at: 1e6))
    #expect(!watch.looks(at: 1e6 + 29))
    let left = watch.watcher.secondsToLook(now: 1e6 + 29)
    #expect(left == 1)
    #expect(watch.looks(at: 1e6 + 30))
    watch.watcher.lookAgain()
    let none = watch.watcher.secondsToLook(now: 1e6 + 31)
    #expect(none == 0)
    #expect(watch.looks(at: 1e6 + 31))
  }

  @Test(
    "Where inotify is not to be had, it polls and says so", .enabled(if: canLimit),
    arguments: ["max_inotify_instances", "max_inotify_watches"])
  func noInotify(limit: String) throws {
    let folder = try TemporaryDirectory()
    _ = try folder.write([1], as: "a.tar")
    let output = try limited(limit, [probe, "watch", folder.path])
    #expect(output.hasPrefix("polling\na\n") && output.contains("fs.inotify.max_user_"), "\(output)")
  }
}

private let probe = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  .appendingPathComponent("daemon-probe").path

/// Runs a command in a user namespace of its own, where none of a limited thing is left.
private func limited(_ limit: String, _ command: [String]) throws -> String {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
  process.arguments = ["-Ur", "sh", "-ec", "echo 0 > /proc/sys/user/\(limit); exec \"$@\"", "sh"] + command
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  try process.run()
  let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self)
}

/// Not every machine lets its users have namespaces.
private let canLimit = (try? limited("max_inotify_instances", ["echo", "yes"])) == "yes\n"
