internal import Algebra

/// The rows of a block of embeddings as the stages use them (design rule 10).
package enum RowBlock {
  /// What a block shows.
  package struct Finding: Sendable, Equatable {
    /// The first row with NaN or an infinity, and the first zero row.
    package var notFinite: Int?
    package var zero: Int?
    /// Whether a row is off unit length by more than 10⁻³.
    package var isOff = false
  }

  /// Looks at every row.
  ///
  /// - Parameter rows: `(n, d)`.
  package static func inspect(_ rows: [Float], dimension: Int) -> Finding {
    var finding = Finding()
    for (row, square) in squares(rows, dimension).enumerated() {
      if !square.isFinite {
        finding.notFinite = finding.notFinite ?? row
      } else if square == 0 {
        finding.zero = finding.zero ?? row
      } else if abs(square.squareRoot() - 1) > RowCheck.tolerance {
        finding.isOff = true
      }
    }
    return finding
  }

  /// Divides each row, `(n, d)`, by its Float64 length and rounds to Float32; zero rows stay.
  package static func normalise(_ rows: inout [Float], dimension: Int) {
    for (row, square) in squares(rows, dimension).enumerated() where square > 0 {
      let length = square.squareRoot()
      for i in row * dimension..<(row + 1) * dimension { rows[i] = Float(Double(rows[i]) / length) }
    }
  }

  private static func squares(_ rows: [Float], _ d: Int) -> [Double] {
    let choice = (0..<Int32(rows.count / d)).map { $0 }
    return FixedOrderDot.pairs(rows.span, with: rows.span, choice: choice, dimension: d)
  }
}
