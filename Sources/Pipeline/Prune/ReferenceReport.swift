import Algebra
import Prune

/// `report.json` of the reference stage: what of the samples is in, or near, which reference set.
struct ReferenceReport: Codable, Equatable {
  /// Counts of samples whose largest similarity is at least this.
  static let levels: [Float] = [0.99, 0.95, 0.9, 0.8, 0.7, 0.5]
  /// Most pairs listed for each set.
  static let pairs = 50

  struct Pair: Codable, Equatable {
    var key: String
    /// Row in the set's file.
    var row: Int
    var similarity: Float
  }

  struct SetReport: Codable, Equatable {
    var name: String
    var rows: Int
    var sha256: String
    /// Samples whose nearest reference (`gap`: the first whose gap they exceed) is in this set.
    var nearestOf = 0
    /// Of these, dropped by the stage.
    var dropped = 0
    /// Of these, how many reach each level: `"0.95"` → count.
    var samplesAtLeast: [String: Int] = [:]
    /// Rows of the set that are the nearest reference of a sample at each level.
    var rowsAtLeast: [String: Int] = [:]
    /// The most similar samples, most similar first.
    var nearest: [Pair] = []

    enum CodingKeys: String, CodingKey {
      case name, rows, sha256, dropped, nearest
      case nearestOf = "nearest_of"
      case samplesAtLeast = "samples_at_least"
      case rowsAtLeast = "rows_at_least"
    }
  }

  var rule: String
  /// Samples that reached the stage.
  var samples: Int
  var dropped: Int
  /// `near`: the largest similarity kept; `far`: the smallest.
  var cut: Double?
  var sets: [SetReport]

  /// - Parameters:
  ///   - verdicts: of all rows, as the matches are.
  init(
    _ matches: ReferenceMatches, _ sets: ReferenceSets, rule: String, verdicts: [Verdict], keys: KeyColumn
  ) {
    self.rule = rule
    cut = matches.cut
    samples = verdicts.count { [.kept, .reference, .quota].contains($0.reason) }
    dropped = verdicts.count { $0.reason == .reference }
    var reports = sets.entries.map { SetReport(name: $0.name, rows: $0.rows, sha256: $0.sha256) }
    var best = [Float](repeating: -.infinity, count: sets.matrix.rows)
    var rows = [[Int32]](repeating: [], count: reports.count)
    for row in matches.reference.indices where matches.reference[row] >= 0 {
      let reference = matches.reference[row]
      let set = sets.place(of: reference).set
      let similarity = matches.similarity[row]
      reports[set].nearestOf += 1
      if verdicts[row].reason == .reference { reports[set].dropped += 1 }
      for level in Self.levels where similarity >= level {
        reports[set].samplesAtLeast["\(level)", default: 0] += 1
      }
      best[Int(reference)] = max(best[Int(reference)], similarity)
      rows[set].append(Int32(row))
    }
    for (reference, similarity) in best.enumerated() {
      let set = sets.place(of: Int32(reference)).set
      for level in Self.levels where similarity >= level {
        reports[set].rowsAtLeast["\(level)", default: 0] += 1
      }
    }
    for set in reports.indices {
      reports[set].nearest = Self.nearest(rows[set], matches, sets, keys)
    }
    self.sets = reports
  }
  /// The most similar of some rows; ties by key, so that the list does not depend on the order of the rows.
  private static func nearest(
    _ rows: [Int32], _ matches: ReferenceMatches, _ sets: ReferenceSets, _ keys: KeyColumn
  ) -> [Pair] {
    let order = TopK.descending(rows.map { matches.similarity[Int($0)] }).map { Int(rows[Int($0)]) }
    guard let last = order.prefix(pairs).last else { return [] }
    var found: [Pair] = []
    for row in order {
      // All that are as similar as the last one stand for election.
      guard matches.similarity[row] >= matches.similarity[last] else { break }
      let key = String(decoding: keys.key(row), as: UTF8.self)
      let place = sets.place(of: matches.reference[row])
      found.append(Pair(key: key, row: place.row, similarity: matches.similarity[row]))
    }
    found.sort { $0.similarity != $1.similarity ? $0.similarity > $1.similarity : $0.key < $1.key }
    return Array(found.prefix(pairs))
  }
}
