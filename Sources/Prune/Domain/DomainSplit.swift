internal import Algebra

/// Which labelled samples are held out from training.
public enum DomainSplit {
  /// The epoch of rule 5's generator whose first value decides.
  private static let epoch = UInt64.max - 3

  /// Whether a sample is held out: a function of its key and the seed alone.
  ///
  /// - Parameters:
  ///   - keyHash: see ``KeyColumn/hashes``.
  ///   - share: 0...1.
  public static func isHeldOut(seed: UInt64, keyHash: UInt64, share: Double) -> Bool {
    var generator = Philox(seed: seed, keyHash: keyHash, epoch: epoch)
    return Double(generator.next() >> 11) * 0x1p-53 < share
  }
}

/// The rows of a block of embeddings as the stages use them (design rule 10).
public enum DomainRows {
  /// What a block shows.
  public struct Finding: Sendable, Equatable {
    /// The first row with NaN or an infinity, and the first zero row.
    public var notFinite: Int?
    public var zero: Int?
    /// Whether a row is off unit length by more than 10⁻³.
    public var isOff = false
  }

  /// - Parameter rows: `(n, d)`.
  public static func inspect(_ rows: [Float], dimension: Int) -> Finding {
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

  /// Divides each row by its Float64 length.
  public static func normalise(_ rows: inout [Float], dimension: Int) {
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

/// The random rank by which a mixture draws: see ``decideDomains(_:_:head:drops:keys:origin:)``.
public func domainRank(seed: UInt64, keyHash: UInt64) -> UInt64 {
  Ranking.randomValue(seed: seed, keyHash: keyHash)
}
