package import Prune
import Shards

/// `verdicts/` of a stream, which grows by one shard at a time.
///
/// A shard's index is its line in `shards.txt`. A new shard gets the last line, so that no other one moves. ``sort(_:)``
/// puts the lines into the order of the names and rewrites the verdicts with the new indices, which takes the longer the
/// more shards there are.
package enum VerdictDirectory {
  /// Gives a shard a line, if it has none.
  ///
  /// - Returns: whether the lines are in order.
  package static func add(_ name: String, to workspace: String) throws -> Bool {
    var names = try FrozenPlan.shardNames(workspace)
    if !names.contains(name) {
      names.append(name)
      try AtomicFile.write(lines(names), to: workspace + "/verdicts/shards.txt")
    }
    return isSorted(names)
  }

  /// Puts the lines into order. One without a file goes: its shard was rejected after a kill.
  package static func sort(_ workspace: String) throws {
    let path = workspace + "/verdicts"
    let old = try FrozenPlan.shardNames(workspace)
    let there = try old.filter { try FileStatus(path: path + "/\($0).npy") != nil }
    guard there.count < old.count || !isSorted(old) else { return }
    let new = there.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let ordinals = ShardOrdinals(shards: old, names: new)
    let directory = try AtomicDirectory(path: path)
    for shard in new {
      let verdicts = try VerdictFile.read(path + "/\(shard).npy")
      try VerdictFile.write(
        ordinals.asLines(verdicts)[...], to: directory.temporary + "/\(shard).npy")
    }
    if let manifest = try readFile(path + "/manifest.json") {
      try directory.write(manifest, as: "manifest.json")
    }
    try directory.write(lines(new), as: "shards.txt")
    try directory.commit()
  }

  private static func lines(_ names: [String]) -> [UInt8] { names.flatMap { Array($0.utf8) + [10] } }

  private static func isSorted(_ names: [String]) -> Bool {
    zip(names, names.dropFirst()).allSatisfy { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Writes the verdicts of one shard, by one rename.
  package static func write(_ verdicts: [Verdict], of shard: String, to workspace: String) throws {
    let directory = workspace + "/verdicts/"
    let temporary = directory + ".\(shard).npy.tmp"
    try VerdictFile.write(verdicts[...], to: temporary)
    try Directory.rename(temporary, to: directory + shard + ".npy")
  }
}
