internal import Algebra

/// Design rule 10: rows must be finite and not zero; rows that are not of unit length are all normalised.
package enum RowCheck {
  /// Largest deviation of a length from 1 that is taken as it is.
  package static let tolerance = 1e-3

  /// What a range of rows shows: the first row of each kind, if any.
  private struct Finding: Sendable {
    var notFinite: Int?
    var zero: Int?
    var notUnit: Int?
  }

  /// The rows to use: `matrix` itself, or all its rows divided by their Float64 length and rounded to Float32.
  ///
  /// - Parameter allowsZero: zero rows stay as they are (samples without a caption).
  /// - Throws: ``PruneError/notFinite(_:row:)`` or ``PruneError/zeroRow(_:row:)`` for the first bad row;
  ///   ``PruneError/notUnit(_:row:)`` under `strict`.
  static func usable(
    _ matrix: EmbeddingMatrix, _ array: PruneArray, allowsZero: Bool = false, strict: Bool, threads: Int,
    notices: inout [PruneNotice]
  ) throws(PruneError) -> EmbeddingMatrix {
    let findings = inspect(matrix, threads: threads)
    let notFinite = findings.lazy.compactMap(\.notFinite).first
    let zero = allowsZero ? nil : findings.lazy.compactMap(\.zero).first
    if let row = notFinite, row < zero ?? .max { throw .notFinite(array, row: row) }
    if let row = zero { throw .zeroRow(array, row: row) }
    guard let row = findings.lazy.compactMap(\.notUnit).first else { return matrix }
    if strict { throw .notUnit(array, row: row) }
    notices.append(.normalised(array, firstRow: row))
    return normalised(matrix)
  }

  private static let tile = 4096

  private static func inspect(_ matrix: EmbeddingMatrix, threads: Int) -> [Finding] {
    let d = matrix.dimension
    return parallelMap((matrix.rows + tile - 1) / tile, threads: threads) {
      [Float](repeating: 0, count: d)
    } _: { index, values in
      var finding = Finding()
      for row in index * tile..<min(matrix.rows, (index + 1) * tile) {
        if !matrix.isFinite(row: row) {
          finding.notFinite = finding.notFinite ?? row
          continue
        }
        matrix.widen(row: row, into: &values, at: 0)
        let square = FixedOrderDot.dot(values, values)
        if square == 0 {
          finding.zero = finding.zero ?? row
        } else if abs(square.squareRoot() - 1) > tolerance {
          finding.notUnit = finding.notUnit ?? row
        }
      }
      return finding
    }
  }

  private static func normalised(_ matrix: EmbeddingMatrix) -> EmbeddingMatrix {
    let d = matrix.dimension
    var values = [Float](repeating: 0, count: matrix.rows * d)
    for row in 0..<matrix.rows {
      matrix.widen(row: row, into: &values, at: row * d)
      let length = length(values.span.extracting(row * d..<(row + 1) * d))
      if length == 0 { continue }
      for i in row * d..<(row + 1) * d { values[i] = Float(Double(values[i]) / length) }
    }
    return EmbeddingMatrix(values, dimension: d)
  }

  private static func length(_ row: Span<Float>) -> Double {
    FixedOrderDot.dot(row, row).squareRoot()
  }
}
