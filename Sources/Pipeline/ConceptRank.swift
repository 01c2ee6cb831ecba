import Prune
import Shards

/// The place of a sample in its concept, as the rule orders it: the first `quota` places are kept.
struct ConceptRank {
  /// From 1.
  var rank = 1
  var members = 0

  /// One sample of the workspace.
  struct Place {
    var shard: Int
    var row: Int
    var key: [UInt8]
    var verdict: Verdict
  }

  /// Compares a sample with all others of its concept; every verdict is read once.
  init(of sample: Place, rule: PruneSettings.Rule, seed: UInt64, workspace path: String) throws {
    let own = randomRank(seed: seed, keyHash: KeyUniqueness.hashWords(sample.key[...]).0)
    for (shard, name) in try FrozenPlan.shardNames(path).enumerated() {
      var keys: [ArraySlice<UInt8>]?
      func key(_ row: Int) throws -> ArraySlice<UInt8> {
        if keys == nil { keys = try KeyFile.keys(path + "/columns/\(name)/keys.txt") }
        return keys![row]
      }
      let verdicts = try VerdictFile.read(path + "/verdicts/\(name).npy")
      for (row, verdict) in verdicts.enumerated() where verdict.cluster == sample.verdict.cluster {
        members += 1
        if (shard, row) == (sample.shard, sample.row) { continue }
        let (theirs, ours) = (verdict.distance, sample.verdict.distance)
        let isAhead: Bool
        switch rule {
        case .hard where theirs != ours: isAhead = theirs > ours
        case .easy where theirs != ours: isAhead = theirs < ours
        case .random:
          let other = randomRank(seed: seed, keyHash: KeyUniqueness.hashWords(try key(row)).0)
          isAhead = other < own
        default:
          let other = try key(row)
          isAhead =
            other.elementsEqual(sample.key)
            ? (shard, row) < (sample.shard, sample.row) : other.lexicographicallyPrecedes(sample.key)
        }
        if isAhead { rank += 1 }
      }
    }
  }
}
