/// Rows of length 1.
enum UnitRow {
  /// Divides by the norm (Float64, in index order).
  ///
  /// - Throws: ``EncoderError`` for a row of zeros, NaN or infinity.
  static func make(_ row: [Float]) throws(EncoderError) -> [Float] {
    var squares = 0.0
    for value in row { squares += Double(value) * Double(value) }
    guard squares > 0, squares.isFinite else {
      throw EncoderError(
        squares == 0 ? "the model gave a row of zeros" : "the model gave a row with NaN or infinity")
    }
    let norm = squares.squareRoot()
    return row.map { Float(Double($0) / norm) }
  }
}
