internal import Algebra

/// Design rule 10: rows must be finite and not zero; rows that are not of unit length are all normalised.
package enum RowCheck {
  /// Largest deviation of a length from 1 that is taken as it is.
  package static let tolerance = 1e-3

  /// What a range of rows shows: the first row of each kind, if any, and numbers of each row.
  private struct Finding: Sendable {
    var notFinite: Int?
    var zero: Int?
    var notUnit: Int?
    var lengths: [Double] = []
    var hashes: [UInt64] = []
  }

  /// The rows to use, and a hash of the stored bits of each.
  struct Checked {
    /// The matrix itself, or all its rows divided by their Float64 length and rounded to Float32.
    var matrix: EmbeddingMatrix
    /// `(n,)`; empty unless asked for.
    var hashes: [UInt64] = []
  }

  /// Reads all rows once.
  ///
  /// - Parameters:
  ///   - allowsZero: zero rows stay as they are (samples without a caption).
  ///   - hashing: whether hashes are wanted.
  /// - Throws: ``PruneError/notFinite(_:row:)`` or ``PruneError/zeroRow(_:row:)`` for the first bad row;
  ///   ``PruneError/notUnit(_:row:)`` under `strict`; ``PruneError/unreadable(_:_:)``.
  static func usable(
    _ matrix: EmbeddingMatrix, _ array: PruneArray, allowsZero: Bool = false, hashing: Bool = false,
    strict: Bool, threads: Int, notices: inout [PruneNotice]
  ) throws(PruneError) -> Checked {
    let findings = inspect(matrix, hashing: hashing, threads: threads)
    if let failure = matrix.failure { throw .unreadable(array, "\(failure)") }
    let notFinite = findings.lazy.compactMap(\.notFinite).first
    let zero = allowsZero ? nil : findings.lazy.compactMap(\.zero).first
    if let row = notFinite, row < zero ?? .max { throw .notFinite(array, row: row) }
    if let row = zero { throw .zeroRow(array, row: row) }
    var checked = Checked(matrix: matrix)
    if hashing { checked.hashes = findings.flatMap(\.hashes) }
    guard let row = findings.lazy.compactMap(\.notUnit).first else { return checked }
    if strict { throw .notUnit(array, row: row) }
    notices.append(.normalised(array, firstRow: row))
    checked.matrix = matrix.divided(by: findings.flatMap(\.lengths))
    return checked
  }

  private static let tile = 1024

  private static func inspect(_ matrix: EmbeddingMatrix, hashing: Bool, threads: Int) -> [Finding] {
    let d = matrix.dimension
    return parallelMap((matrix.rows + tile - 1) / tile, threads: threads) {
      [Float](repeating: 0, count: d)
    } _: { index, values in
      let first = index * tile
      let part = matrix.loaded(first..<min(matrix.rows, first + tile))
      var finding = Finding()
      for row in 0..<part.rows {
        if hashing { finding.hashes.append(part.bitHash(row: row)) }
        guard part.isFinite(row: row) else {
          finding.notFinite = finding.notFinite ?? first + row
          finding.lengths.append(0)
          continue
        }
        part.widen(row: row, into: &values, at: 0)
        let length = FixedOrderDot.dot(values, values).squareRoot()
        finding.lengths.append(length)
        if length == 0 {
          finding.zero = finding.zero ?? first + row
        } else if abs(length - 1) > tolerance {
          finding.notUnit = finding.notUnit ?? first + row
        }
      }
      return finding
    }
  }
}
