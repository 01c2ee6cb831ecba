/// The arrays that `prune` takes.
public enum PruneArray: String, Sendable {
  case image, text, joint, reference, gap, scores, keys, origin
  case drops = "drop mask"
  case duplicates = "similarities found before"
  case conceptCentroids = "concept centroids"
  case dedupCentroids = "dedup centroids"
}

/// Why pruning is impossible.
public enum PruneError: Error, Sendable, Equatable {
  /// Settings out of range, all of them.
  case settings([SettingsProblem])
  /// An array has the wrong number of rows.
  case rows(PruneArray, expected: Int, found: Int)
  /// Two arrays that are multiplied have different dimensions.
  case dimension(PruneArray, expected: Int, found: Int)
  /// Rows could not be read, in words.
  case unreadable(PruneArray, String)
  /// A stage needs an array that was not given.
  case missing(PruneArray, stage: String)
  /// The first row that holds NaN or an infinity.
  case notFinite(PruneArray, row: Int)
  /// The first row without length.
  case zeroRow(PruneArray, row: Int)
  /// The first row whose length is off 1 by more than 10⁻³, under `strictNorms`.
  case notUnit(PruneArray, row: Int)
  /// More clusters than rows that reach the stage.
  case clusters(stage: String, clusters: Int, rows: Int)
  /// The quotas ask for more rows than reach the stage.
  case total(wanted: Int, available: Int)
  /// A complexity is NaN or clearly negative: centroids or rows are not of unit length.
  case complexity(cluster: Int, value: Double)
}

extension PruneError: CustomStringConvertible {
  public var description: String { text(naming: \.rawValue) }

  /// The error with arrays named as the user knows them.
  public func text(naming name: (PruneArray) -> String) -> String {
    switch self {
    case .settings(let problems):
      problems.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
    case .rows(let array, let expected, let found):
      "\(name(array)): \(found) rows, expected \(expected)"
    case .dimension(let array, let expected, let found):
      "\(name(array)): rows of \(found) values, expected \(expected)"
    case .missing(let array, let stage):
      "the \(stage) stage needs \(name(array))"
    case .unreadable(_, let message): message
    case .notFinite(let array, let row):
      "\(name(array)): row \(row) holds NaN or an infinity"
    case .zeroRow(let array, let row):
      "\(name(array)): row \(row) is zero"
    case .notUnit(let array, let row):
      "\(name(array)): row \(row) is not of unit length"
    case .clusters(let stage, let clusters, let rows):
      "\(stage): \(clusters) clusters of \(rows) rows"
    case .total(let wanted, let available):
      "concepts: \(wanted) rows wanted, \(available) there are"
    case .complexity(let cluster, let value):
      "concepts: cluster \(cluster) has the complexity \(value)"
    }
  }
}

/// Something the user should know that did not stop the work.
public enum PruneNotice: Sendable, Equatable {
  /// All rows of the array were normalised, because this row was the first not of unit length.
  case normalised(PruneArray, firstRow: Int)
  /// Scores that are NaN; their rows are dropped by the score stage.
  case scoresNotANumber(Int)
  /// k-means refilled empty clusters this often.
  case clustersRefilled(stage: String, count: Int)
  /// Clusters that no row is nearest to; they keep their number and get no quota.
  case clustersEmpty(stage: String, count: Int)
  /// Fewer other clusters than neighbours asked for.
  case neighboursClamped(from: Int, to: Int)
  /// The least quota of a cluster was lowered so that the total can be met.
  case floorLowered(from: Int, to: Int)
  /// More rows were wanted than there are; all were kept.
  case totalClamped(wanted: Int, available: Int)
  /// Most concepts' centroids nearly coincide with another's.
  case conceptsCoincide(Int, of: Int)
  /// One concept holds most rows.
  case conceptDominates(cluster: Int, rows: Int, of: Int)
}

extension PruneNotice: CustomStringConvertible {
  public var description: String {
    switch self {
    case .normalised(let array, let row):
      "\(array.rawValue): rows normalised, row \(row) is the first not of unit length"
    case .scoresNotANumber(let count): "score: \(count) rows without a score"
    case .clustersRefilled(let stage, let count): "\(stage): \(count) empty clusters refilled"
    case .clustersEmpty(let stage, let count): "\(stage): \(count) clusters are empty"
    case .neighboursClamped(let from, let to): "concepts: \(from) neighbours clamped to \(to)"
    case .floorLowered(let from, let to): "concepts: least quota lowered from \(from) to \(to)"
    case .totalClamped(let wanted, let available):
      "concepts: \(wanted) rows wanted, all \(available) kept"
    case .conceptsCoincide(let count, let all):
      "concepts: \(count) of \(all) centroids nearly coincide with another; are the embeddings all alike?"
    case .conceptDominates(let cluster, let rows, let all):
      "concepts: concept \(cluster) holds \(rows) of \(all) rows"
    }
  }
}
