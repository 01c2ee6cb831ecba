extension PCABasis {
  /// True where the N × N eigenproblem is the cheaper way to a full basis.
  public static func prefersDual(count: Int, features: Int) -> Bool { 2 * count <= features }

  /// Fits all min(N, D) principal components of few 8-bit rows by the dual (snapshot) method: eigenvectors u of
  /// ZZᵀ/(N − 1), N × N, give the components Zᵀu/|Zᵀu|.
  ///
  /// It is the basis of `fit(_:standardization:channels:components:)` with other roundings. Sums are Float64 over
  /// features in a fixed order, so the bits do not depend on threads, **but on the order of the rows**: callers
  /// give them in one that does not depend on how they are stored. The rank is at most N − 1; components without
  /// variance are completed by unit vectors, made orthogonal to all before.
  ///
  /// - Parameters:
  ///   - rows: (N, D) bytes, back to back.
  ///   - mean: feature means, D values (0…1).
  ///   - scaling: what z is divided by.
  ///   - components: leading components to keep; `nil` keeps all min(N, D).
  ///   - threads: they change the time, never the result.
  /// - Throws: `PCAError` for fewer than two rows, or when LAPACK gives up.
  public static func fitDual(
    _ rows: [UInt8], mean: [Double], scaling: FeatureScaling, components: Int? = nil, threads: Int = 1
  ) throws(PCAError) -> PCABasis {
    let snapshots = Snapshots(rows, mean, scaling, threads: threads)
    let (n, d) = (snapshots.count, snapshots.features)
    guard n >= 2 else { throw .tooFewRows(n) }
    let eigen = try SymmetricEigen(upper: snapshots.products(), order: n)
    let kept = min(n, d, components ?? d)
    let values = eigen.values.map { max(0, $0) / Double(n - 1) }
    let total = values.reduce(0, +)
    // Below this share √λ is rounding: such vectors are orthogonalised one by one.
    let sound = values.prefix(kept).prefix { $0 > 1e-9 * values[0] }.count
    var vectors = snapshots.vectors(Array(eigen.vectors[..<(sound * n)]), count: sound)
    Completion.append(kept - sound, to: &vectors, features: d)
    return PCABasis(
      count: n, standardization: scaling.standardization, components: vectors,
      eigenvalues: Array(values[..<kept]),
      ratios: values[..<kept].map { total > 0 ? Float($0 / total) : 0 }, mean: scaling.mean.map { Float($0) },
      deviation: scaling.deviation.map { Float($0) }, floored: scaling.floored, totalVariance: total)
  }
}

/// Few standardised rows, made from their bytes some features at a time.
private struct Snapshots {
  let count: Int
  let features: Int
  private let rows: [UInt8]
  private let threads: Int
  /// 255·μ_j and 1/(255·σ_j).
  private let centre: [Double]
  private let factor: [Double]

  private static let chunk = 256

  init(_ rows: [UInt8], _ mean: [Double], _ scaling: FeatureScaling, threads: Int) {
    precondition(!mean.isEmpty && rows.count.isMultiple(of: mean.count), "not a whole number of rows")
    (self.rows, self.threads) = (rows, threads)
    features = mean.count
    count = rows.count / mean.count
    centre = mean.map { 255 * $0 }
    factor = scaling.deviation.map { 1 / (255 * $0) }
  }

  /// z of some features: (columns, N), or (N, columns).
  private func block(_ columns: Range<Int>, transposed: Bool) -> [Double] {
    var block = [Double](repeating: 0, count: columns.count * count)
    var target = block.mutableSpan
    for row in 0..<count {
      for (offset, j) in columns.enumerated() {
        let place = transposed ? offset * count + row : row * columns.count + offset
        target[place] = (Double(rows[row * features + j]) - centre[j]) * factor[j]
      }
    }
    return block
  }

  private func forEachChunk(_ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: features, by: Self.chunk) {
      body(first..<min(first + Self.chunk, features))
    }
  }

  /// ZZᵀ, (N, N), upper triangle.
  func products() -> [Double] {
    let triangle = PanelTriangle(order: count)
    let count = self.count
    forEachChunk { columns in
      let block = block(columns, transposed: true)
      OpenBLAS.withThreads(1) {
        triangle.update(threads: threads) { range, sums in
          OpenBLAS.addPanelProduct(n: count, k: columns.count, rows: range, block, &sums)
        }
      }
    }
    return triangle.upper()
  }

  /// Unit rows (count, D) along uᵀZ, the entry of the largest magnitude (first on ties, in Float64) positive.
  func vectors(_ duals: [Double], count kept: Int) -> [Float] {
    guard kept > 0 else { return [] }
    var vectors = [Float](repeating: 0, count: kept * features)
    var largest = [Double](repeating: 0, count: kept)
    var squares = largest
    // Twice over the features: norm and sign first.
    for isSecond in [false, true] {
      let scales = zip(squares, largest).map { ($0 > 0 ? 1 / $0.squareRoot() : 0) * ($1 < 0 ? -1 : 1) }
      forEachChunk { columns in
        let block = block(columns, transposed: false)
        var part = [Double](repeating: 0, count: kept * columns.count)
        OpenBLAS.withThreads(1) {
          OpenBLAS.dgemm(m: kept, n: columns.count, k: count, duals, block, &part)
        }
        for l in 0..<kept {
          for (offset, j) in columns.enumerated() {
            let value = part[l * columns.count + offset]
            if isSecond {
              vectors[l * features + j] = Float(value * scales[l])
            } else {
              squares[l] += value * value
              if abs(value) > abs(largest[l]) { largest[l] = value }
            }
          }
        }
      }
    }
    return vectors
  }
}

/// Fills up orthonormal rows.
private enum Completion {
  /// Appends `count` unit rows orthogonal to all before: each time the unit vector that lies farthest from their
  /// span (the first on ties), made orthogonal twice.
  static func append(_ count: Int, to rows: inout [Float], features: Int) {
    guard count > 0 else { return }
    var held = [Double](repeating: 0, count: features)
    for first in stride(from: 0, to: rows.count, by: features) {
      for j in 0..<features { held[j] += Double(rows[first + j]) * Double(rows[first + j]) }
    }
    for _ in 0..<count {
      var farthest = 0
      for j in 1..<features where held[j] < held[farthest] { farthest = j }
      var vector = [Double](repeating: 0, count: features)
      vector[farthest] = 1
      for _ in 0..<2 { orthogonalize(&vector, against: rows.span, features) }
      let sign = SymmetricEigen.signOfLargest(vector[...])
      for j in 0..<features {
        let value = Float(sign * vector[j])
        rows.append(value)
        held[j] += Double(value) * Double(value)
      }
    }
  }

  private static func orthogonalize(_ vector: inout [Double], against rows: Span<Float>, _ features: Int) {
    var vector = vector.mutableSpan
    for first in stride(from: 0, to: rows.count, by: features) {
      var dot = 0.0
      for j in 0..<features { dot += vector[j] * Double(rows[first + j]) }
      for j in 0..<features { vector[j] -= dot * Double(rows[first + j]) }
    }
    var square = 0.0
    for j in 0..<features { square += vector[j] * vector[j] }
    let norm = square.squareRoot()
    for j in 0..<features { vector[j] /= norm }
  }
}
