public import Algebra

/// What the reference stage found about each row of the input.
public struct ReferenceMatches: Sendable {
  /// Under `near` and `far` the largest similarity with any reference; under `gap` that with the first reference whose
  /// gap it exceeds. NaN for rows that did not reach the stage, and for those that exceed no gap. `(n,)`.
  public var similarity: [Float]
  /// That reference, the lowest on a tie; −1 with NaN. `(n,)`.
  public var reference: [Int32]
  /// Under `near` the largest similarity kept, under `far` the smallest; beyond all similarities (−2 and 2) if nothing
  /// was kept; nil under `gap`.
  public var cut: Double?

  /// Before the stage: nothing found about any of `rows` rows.
  init(rows: Int) {
    similarity = [Float](repeating: .nan, count: rows)
    reference = [Int32](repeating: -1, count: rows)
  }
}

/// The reference stage applied to one row at a time.
public struct StreamingReference: Sendable {
  /// Which similarities are kept.
  public enum Limit: Sendable, Equatable {
    /// Largest similarity of at most this (`near`).
    case atMost(Double)
    /// Largest similarity of at least this (`far`).
    case atLeast(Double)
    /// No similarity above that reference's gap, `(q,)`.
    case gaps([Float])
  }

  private let references: EmbeddingMatrix
  private let limit: Limit

  /// - Parameter references: `(q, d)`, q ≥ 1, unit rows.
  public init(_ references: EmbeddingMatrix, _ limit: Limit) {
    self.references = references
    self.limit = limit
  }

  var dimension: Int { references.dimension }

  /// Which of the rows `indices` are kept, `(indices.count,)`. Cost: q·d products a row.
  func keeps(_ indices: [Int32], of rows: EmbeddingMatrix, threads: Int) -> [Bool] {
    func nearest(_ isWithin: (Double) -> Bool) -> [Bool] {
      NearestCentroid.assign(indices, of: rows, to: references, threads: threads).dot.map {
        isWithin(Double(Float($0)))
      }
    }
    switch limit {
    case .atMost(let cut): return nearest { $0 <= cut }
    case .atLeast(let cut): return nearest { $0 >= cut }
    case .gaps(let gaps):
      var keeps = [Bool](repeating: true, count: indices.count)
      for violation in ReferenceStage.beyondGap(indices, rows, references, gaps, threads: threads) {
        keeps[Int(violation.position)] = false
      }
      return keeps
    }
  }
}
