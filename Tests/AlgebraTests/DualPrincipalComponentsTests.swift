import Algebra
import TestSupport
import Testing

@Suite("PCA by the dual")
struct DualPrincipalComponentsTests {
  /// Random images with some structure: each pixel mixes three values of its row.
  private static func images(_ rows: Int, features: Int) -> [UInt8] {
    var random = SplitMix(seed: 17)
    var images: [UInt8] = []
    for _ in 0..<rows {
      let parts = (0..<3).map { _ in Int(random.next() >> 56) }
      for j in 0..<features {
        let noise = Int(random.next() >> 58)
        let sum = parts[j % 3] + parts[j / 7 % 3] + noise
        images.append(UInt8(sum * 2 / 5))
      }
    }
    return images
  }

  private static func dual(
    _ rows: [UInt8], _ features: Int, _ standardization: Standardization = .feature, threads: Int = 1
  ) throws -> PCABasis {
    var moments = ExactMoments(features: features)
    moments.add(rows.span)
    let (mean, deviation) = try moments.result()
    return try PCABasis.fitDual(
      rows, mean: mean,
      scaling: FeatureScaling(mean: mean, deviation: deviation, standardization, channels: 3),
      threads: threads)
  }

  private static func primal(
    _ rows: [UInt8], _ features: Int, _ standardization: Standardization
  ) throws -> PCABasis {
    var gram = ExactGram(features: features)
    gram.add(rows.span)
    return try PCABasis.fit(gram.covariance(), standardization: standardization)
  }

  static func orthonormalityError(_ rows: [Float], features: Int) -> Double {
    let count = rows.count / features
    var error = 0.0
    for a in 0..<count {
      for b in 0...a {
        var dot = 0.0
        for j in 0..<features { dot += Double(rows[a * features + j]) * Double(rows[b * features + j]) }
        error = max(error, abs(dot - (a == b ? 1 : 0)))
      }
    }
    return error
  }

  @Test("It is the basis of the D × D way", arguments: Standardization.allCases)
  func equalsPrimal(standardization: Standardization) throws {
    let (n, d) = (25, 150)
    let rows = Self.images(n, features: d)
    let ours = try Self.dual(rows, d, standardization)
    let theirs = try Self.primal(rows, d, standardization)
    #expect(ours.componentCount == n && ours.count == n && ours.features == d)
    #expect(ours.mean == theirs.mean && ours.deviation == theirs.deviation && ours.floored == theirs.floored)
    #expect(abs(ours.totalVariance / theirs.totalVariance - 1) < 1e-12)
    for l in 0..<n { #expect(abs(ours.eigenvalues[l] - theirs.eigenvalues[l]) < 1e-9 * theirs.totalVariance) }
    // Random images have no equal eigenvalues; the last has none and its vector is free.
    for l in 0..<(n - 1) {
      let cosine = zip(ours.component(l), theirs.component(l)).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      #expect(cosine > 1 - 1e-6)
    }
    #expect(Self.orthonormalityError(ours.components, features: d) < 1e-6)
  }

  @Test("Repeated images and constant pixels leave an orthonormal basis of N rows, the same for any threads")
  func degenerate() throws {
    let d = 90
    var some = Self.images(6, features: d)
    for row in 0..<6 { some[row * d + 4] = 77 }
    let rows = some + some + some
    let basis = try Self.dual(rows, d)
    #expect(basis.componentCount == 18 && basis.floored == [4])
    #expect(Self.orthonormalityError(basis.components, features: d) < 1e-6)
    #expect(basis.eigenvalues[5...].allSatisfy { $0 < 1e-9 * basis.totalVariance })
    #expect(try Self.dual(rows, d, threads: 3) == basis)
    let flat = try Self.dual([UInt8](repeating: 9, count: 4 * d), d)
    #expect(flat.ratios.allSatisfy { $0 == 0 } && flat.componentCount == 4)
    #expect(Self.orthonormalityError(flat.components, features: d) < 1e-6)
    #expect(throws: PCAError.tooFewRows(1)) { try Self.dual([1, 2, 3], 3) }
  }
}

@Suite("Block power iterations")
struct BlockPowerTests {
  private func run(
    _ rows: [Float], features: Int, components: Int, threads: Int = 1
  ) throws -> (values: [Double], vectors: [Float], passes: Int) {
    let count = rows.count / features
    var power = try BlockPower.start(
      features: features, count: count, components: components, threads: threads)
    var goesOn = true
    while goesOn {
      for block in blocks(rows, features, power.blockRows) { power.add(block) }
      goesOn = try power.endPass()
    }
    for block in blocks(rows, features, power.blockRows) { power.add(block) }
    let passes = power.passes
    let (values, vectors) = try power.finish()
    return (values, vectors, passes)
  }

  private func blocks(_ rows: [Float], _ features: Int, _ size: Int) -> [[Float]] {
    stride(from: 0, to: rows.count, by: size * features).map {
      Array(rows[$0..<min($0 + size * features, rows.count)])
    }
  }

  /// Entry j of the Hadamard vector of an axis: 1 or −1.
  private static func entry(_ axis: Int, _ j: Int) -> Double {
    ((axis + 1) & j).nonzeroBitCount.isMultiple(of: 2) ? 1 : -1
  }

  /// Rows of variance D·4⁻ᵃ along the Hadamard vector of each axis a, and a little noise.
  private func known(_ rows: Int, features: Int) -> [Float] {
    var random = SplitMix(seed: 3)
    var result: [Float] = []
    for row in 0..<rows {
      for j in 0..<features {
        var value: Float = Float(random.next() >> 40) * 0x1p-24 * 1e-4
        for axis in 0..<8 {
          // Signs ± with equal counts: exact variances.
          let sign: Float = (row >> axis) & 1 == 0 ? 1 : -1
          let size = Float(sign: .plus, exponent: -axis, significand: 1)
          value += sign * Float(Self.entry(axis, j)) * size
        }
        result.append(value)
      }
    }
    return result
  }

  @Test("Finds known directions and variances of a low-rank set")
  func lowRank() throws {
    let (n, d) = (512, 64)
    let rows = known(n, features: d)
    let found = try run(rows, features: d, components: 8)
    #expect(found.passes <= 6)
    #expect(DualPrincipalComponentsTests.orthonormalityError(found.vectors, features: d) < 1e-6)
    for l in 0..<8 {
      let share = Double(sign: .plus, exponent: -2 * l, significand: 1)
      let variance = Double(n * d) / Double(n - 1) * share
      #expect(abs(found.values[l] / variance - 1) < 1e-3)
      var cosine = 0.0
      for j in 0..<d { cosine += Double(found.vectors[l * d + j]) * Self.entry(l, j) / 8 }
      #expect(abs(cosine) > 1 - 1e-5, "entries are ±1/8")
    }
  }

  @Test(
    "More components than the rows have rank: still orthonormal, values about 0, the same for any threads")
  func rankDeficient() throws {
    let d = 200
    let few = known(4, features: d)
    let rows = (0..<10).flatMap { _ in few }
    let found = try run(rows, features: d, components: 150)
    #expect(found.values.count == 150 && found.values[4...].allSatisfy { $0 < 1e-6 * found.values[0] })
    #expect(DualPrincipalComponentsTests.orthonormalityError(found.vectors, features: d) < 1e-5)
    let again = try run(rows, features: d, components: 150, threads: 3)
    let equal = again.values == found.values && again.vectors == found.vectors
    #expect(equal)
    let nothing = try run([Float](repeating: 0, count: 3 * d), features: d, components: 2)
    #expect(nothing.values == [0, 0])
    #expect(throws: PCAError.tooFewRows(1)) {
      _ = try BlockPower.start(features: 3, count: 1, components: 1).passes
    }
    #expect(throws: PCAError.overflow) {
      _ = try run([Float](repeating: .infinity, count: 2 * d), features: d, components: 2)
    }
  }
}
