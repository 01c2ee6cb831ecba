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

  /// Whether a row, `(d,)`, is kept. Cost: q·d products.
  func keeps(_ values: [Float]) -> Bool {
    let row = EmbeddingMatrix(values, dimension: values.count)
    switch limit {
    case .atMost(let cut): return nearest(row) <= cut
    case .atLeast(let cut): return nearest(row) >= cut
    case .gaps(let gaps):
      return ReferenceStage.beyondGap([0], row, references, gaps, threads: 1).isEmpty
    }
  }

  private func nearest(_ row: EmbeddingMatrix) -> Double {
    Double(Float(NearestCentroid.assign([0], of: row, to: references, threads: 1).dot[0]))
  }
}
