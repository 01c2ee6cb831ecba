package import Prune
import Shards

/// `verdicts/` of a stream, which grows by one shard at a time.
///
/// A shard's index is its line in the sorted `shards.txt`, so a new shard may move those after it; their verdict
/// files are then rewritten with the new indices.
package enum VerdictDirectory {
  /// Makes room for a shard and returns its index.
  package static func add(_ name: String, to workspace: String) throws -> Int {
    let old = try FrozenPlan.shardNames(workspace)
    if let index = old.firstIndex(of: name) { return index }
    let new = (old + [name]).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let index = new.firstIndex(of: name)!
    let directory = workspace + "/verdicts/"
    if index < old.count {
      try rewrite(old, new, inserting: index, directory)
      return index
    }
    try AtomicFile.write(Array(new.map { $0 + "\n" }.joined().utf8), to: directory + "shards.txt")
    return index
  }

  /// Writes the whole directory afresh, indices from `index` on moved up by one, and swaps it in.
  private static func rewrite(_ old: [String], _ new: [String], inserting index: Int, _ path: String) throws {
    let directory = try AtomicDirectory(path: String(path.dropLast()))
    for shard in old {
      var verdicts = try VerdictFile.read(path + shard + ".npy")
      for row in verdicts.indices where Int(verdicts[row].duplicateShard) >= index {
        verdicts[row].duplicateShard += 1
      }
      try VerdictFile.write(verdicts[...], to: directory.temporary + "/\(shard).npy")
    }
    if let manifest = try readFile(path + "manifest.json") {
      try directory.write(manifest, as: "manifest.json")
    }
    try directory.write(Array(new.map { $0 + "\n" }.joined().utf8), as: "shards.txt")
    try directory.commit()
  }

  /// Writes the verdicts of one shard, by one rename.
  package static func write(_ verdicts: [Verdict], of shard: String, to workspace: String) throws {
    let directory = workspace + "/verdicts/"
    let temporary = directory + ".\(shard).npy.tmp"
    try VerdictFile.write(verdicts[...], to: temporary)
    try Directory.rename(temporary, to: directory + shard + ".npy")
  }
}
