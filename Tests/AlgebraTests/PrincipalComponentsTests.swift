import Algebra
import Testing

/// Smooth rows: a few random directions with falling strength plus noise, as bytes.
private func smoothRows(_ count: Int, features: Int, seed: UInt64) -> [UInt8] {
  var generator = Philox(seed: seed, keyHash: 1, epoch: 0)
  func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 - 0.5 }
  let directions = (0..<6).map { _ in (0..<features).map { _ in uniform() } }
  return (0..<count).flatMap { _ in
    let weights = (0..<6).map { 220 * uniform() / Double($0 + 1) }
    return (0..<features).map { j in
      var value = 128 + 8 * uniform()
      for d in 0..<6 { value += weights[d] * directions[d][j] }
      return UInt8(max(0, min(255, value)))
    }
  }
}

private func fit(
  _ rows: [UInt8], features: Int, _ standardization: Standardization = .feature, components: Int? = nil
) throws -> PCABasis {
  var gram = ExactGram(features: features)
  gram.add(rows.span)
  return try PCABasis.fit(gram.covariance(), standardization: standardization, components: components)
}

/// max |V·Vᵀ − I|.
private func orthonormalityError(_ basis: PCABasis) -> Double {
  var worst = 0.0
  for a in 0..<basis.componentCount {
    for b in a..<basis.componentCount {
      let dot = zip(basis.component(a), basis.component(b)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      worst = max(worst, abs(dot - (a == b ? 1 : 0)))
    }
  }
  return worst
}

@Suite("Principal components")
struct PrincipalComponentsTests {
  @Test("Rows are orthonormal to 1e-5, λ descend, ratios sum to 1", arguments: Standardization.allCases)
  func invariants(standardization: Standardization) throws {
    let basis = try fit(smoothRows(300, features: 60, seed: 1), features: 60, standardization)
    #expect(basis.componentCount == 60)
    #expect(orthonormalityError(basis) <= 1e-5)
    #expect(zip(basis.eigenvalues, basis.eigenvalues.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(basis.eigenvalues.allSatisfy { $0 >= 0 })
    #expect(abs(basis.ratios.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
  }

  @Test("With every feature standardised the total variance is D·N/(N−1)")
  func totalVariance() throws {
    let basis = try fit(smoothRows(50, features: 30, seed: 2), features: 30)
    #expect(basis.floored.isEmpty)
    #expect(abs(basis.totalVariance - 30 * 50 / 49) < 1e-10)
  }

  @Test("Projected rows have variance λ and no covariance")
  func coefficientsAreUncorrelated() throws {
    let (count, features) = (400, 24)
    let rows = smoothRows(count, features: features, seed: 3)
    let basis = try fit(rows, features: features)
    let coefficients = (0..<features).map { l in
      (0..<count).map { n in
        (0..<features).reduce(0.0) { sum, j in
          let z = (Double(rows[n * features + j]) / 255 - Double(basis.mean[j])) / Double(basis.deviation[j])
          return sum + z * Double(basis.components[l * features + j])
        }
      }
    }
    for a in 0..<features {
      for b in a..<features {
        let products = zip(coefficients[a], coefficients[b]).reduce(0.0) { $0 + $1.0 * $1.1 }
        #expect(abs(products / Double(count - 1) - (a == b ? basis.eigenvalues[a] : 0)) < 1e-4)
      }
    }
  }

  @Test("In each row the entry of the largest magnitude is positive", arguments: Standardization.allCases)
  func signRule(standardization: Standardization) throws {
    let basis = try fit(smoothRows(200, features: 45, seed: 4), features: 45, standardization)
    for l in 0..<basis.componentCount {
      let largest = basis.component(l).max { abs($0) < abs($1) }
      #expect(try #require(largest) > 0)
    }
  }

  @Test("The same rows in any order and split give the same basis, bit for bit")
  func orderFree() throws {
    let features = 48
    let rows = smoothRows(700, features: features, seed: 5)
    let basis = try fit(rows, features: features)
    let reversed = (0..<700).reversed().flatMap { rows[($0 * features)..<(($0 + 1) * features)] }
    var front = ExactGram(features: features, threads: 2, blockRows: 33)
    front.add(Array(reversed[..<(251 * features)]).span)
    var back = ExactGram(features: features)
    back.add(Array(reversed[(251 * features)...]).span)
    back.merge(front)
    #expect(try PCABasis.fit(back.covariance()) == basis)
  }

  @Test("The eigendecomposition repeats its bits whatever thread count is set outside")
  func repeatable() throws {
    let rows = smoothRows(400, features: 300, seed: 6)
    let first = try fit(rows, features: 300)
    let before = OpenBLAS.threads
    defer { OpenBLAS.setThreads(before) }
    for threads in [1, 2, 3] {
      OpenBLAS.setThreads(threads)
      #expect(try fit(rows, features: 300) == first)
    }
  }

  @Test("With fewer rows than features L = N, and the last λ is about 0")
  func fewRows() throws {
    let basis = try fit(smoothRows(12, features: 60, seed: 7), features: 60)
    #expect(basis.componentCount == 12)
    #expect(basis.eigenvalues[10] > 1e-3 && basis.eigenvalues[11] < 1e-10)
    #expect(abs(basis.ratios.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
    #expect(orthonormalityError(basis) <= 1e-5)
  }

  @Test("Keeping k components changes nothing in those kept")
  func leadingComponents() throws {
    let rows = smoothRows(100, features: 30, seed: 8)
    let whole = try fit(rows, features: 30)
    let part = try fit(rows, features: 30, components: 7)
    #expect(part == whole.leading(7))
    #expect(part.ratios == Array(whole.ratios[..<7]))
    #expect(part.totalVariance == whole.totalVariance)
    #expect(try fit(rows, features: 30, components: 1000) == whole)
  }

  @Test("Constant features get the floor and are listed")
  func flooredFeatures() throws {
    let features = 18
    var rows = smoothRows(90, features: features, seed: 9)
    for n in 0..<90 {
      rows[n * features + 3] = 77
      rows[n * features + 11] = n == 5 ? 254 : 255
    }
    let basis = try fit(rows, features: features)
    #expect(basis.floored == [3, 11])
    let floor = Float(PCABasis.deviationFloor)
    #expect(basis.deviation[3] == floor && basis.deviation[11] == floor && basis.deviation[4] > floor)
    #expect(basis.mean[3] == Float(77.0 / 255))
    #expect(basis.components.allSatisfy { $0.isFinite })
  }

  @Test("Images all alike give a basis without variance, not a failure", arguments: [0, 77, 255] as [UInt8])
  func constantImages(value: UInt8) throws {
    let basis = try fit([UInt8](repeating: value, count: 40 * 12), features: 12)
    #expect(basis.floored == Array(0..<12))
    #expect(basis.eigenvalues == [Double](repeating: 0, count: 12))
    #expect(basis.ratios == [Float](repeating: 0, count: 12))
    #expect(basis.mean.allSatisfy { $0 == Float(Double(value) / 255) })
    #expect(orthonormalityError(basis) <= 1e-5)
  }

  @Test("One feature and two rows are enough")
  func smallest() throws {
    let basis = try fit([0, 255], features: 1)
    #expect(basis.components == [1] && basis.ratios == [1] && basis.eigenvalues == [2])
    #expect(basis.mean == [0.5] && basis.deviation == [0.5])
  }

  @Test("Squares beyond Float64 are an error", arguments: Standardization.allCases)
  func overflow(standardization: Standardization) throws {
    var gram = FloatGram(shift: [0, 0, 0])
    try gram.add([1e200, 1, 2, -1e200, 3, 5].span)
    let covariance = try gram.covariance()
    #expect(throws: PCAError.overflow) { try PCABasis.fit(covariance, standardization: standardization) }
  }

  @Test("Channel standardisation has one mean and deviation a plane; none has 0 and 1")
  func scalings() throws {
    let rows = smoothRows(64, features: 12, seed: 10)
    let channel = try fit(rows, features: 12, .channel)
    for c in 0..<3 {
      let values = (0..<64).flatMap { n in (0..<4).map { Double(rows[n * 12 + c * 4 + $0]) / 255 } }
      let mean = values.reduce(0, +) / 256
      let deviation = (values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / 256).squareRoot()
      for j in (c * 4)..<(c * 4 + 4) {
        #expect(abs(Double(channel.mean[j]) - mean) < 1e-7)
        #expect(abs(Double(channel.deviation[j]) - deviation) < 1e-7)
      }
    }
    let plain = try fit(rows, features: 12, .none)
    #expect(plain.mean == [Float](repeating: 0, count: 12))
    #expect(plain.deviation == [Float](repeating: 1, count: 12))
  }
}
