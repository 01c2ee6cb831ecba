public import Algebra

/// What an earlier pruning found about near-duplicates: M of each row and the row it was found with.
///
/// M does not depend on ε, and removals are nested in it (spec/pruning.md 2.1), so any limit can be applied to it later.
public struct DuplicateMatches: Sendable {
  /// `<f4 (m, d)`.
  public let centroids: EmbeddingMatrix
  /// `(n,)`; NaN for rows that did not reach the stage.
  var similarity: [Float] = []
  /// `(n,)` each.
  var shard: [Int32] = []
  var row: [Int32] = []

  /// No rows yet.
  public init(centroids: EmbeddingMatrix) { self.centroids = centroids }

  /// Number of rows, n.
  public var count: Int { similarity.count }

  /// Takes over what the verdict of the next row says.
  public mutating func append(_ verdict: Verdict) {
    similarity.append(verdict.duplicateSimilarity)
    shard.append(verdict.duplicateShard)
    row.append(verdict.duplicateRow)
  }
}
