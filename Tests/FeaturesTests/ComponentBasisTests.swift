import Algebra
import Features
import TestSupport
import Testing

@Suite("Component basis: full")
struct ComponentBasisTests {
  private let images: [UInt8]
  private let basis: ComponentBasis

  init() throws {
    OpenBLAS.setThreads(1)
    let golden = try Golden.load("pca.json", as: Golden.Components.self)
    images = Array(golden.images)
    basis = try Self.fit(images, features: golden.features)
  }

  private static func fit(_ images: [UInt8], features: Int) throws -> ComponentBasis {
    var gram = ExactGram(features: features)
    gram.add(images.span)
    return ComponentBasis(try PCABasis.fit(gram.covariance()), shape: nil)
  }

  private func rows(_ range: Range<Int>) -> [Float] {
    let d = basis.features
    return basis.standardized(Array(images[(range.lowerBound * d)..<(range.upperBound * d)]).span)
  }

  @Test("Coefficients are V·z, their inverse is z, visible + masked = z to 1e-4")
  func definition() {
    #expect(basis.isLossless && basis.residualRatio < 1e-6)
    let z = rows(0..<70)
    let c = basis.coefficients(of: z.span)
    let (d, count) = (basis.features, basis.componentCount)
    for (row, l) in [(0, 0), (3, 17), (69, count - 1)] {
      let exact = (0..<d).reduce(0.0) {
        $0 + Double(z[row * d + $1]) * Double(basis.components(leading: l + 1)[l * d + $1])
      }
      #expect(abs(Double(c[row * count + l]) - exact) < 1e-4)
    }
    #expect(Self.largestDifference(basis.rows(of: c.span), z) < 1e-4)
    let masks = Self.masks(70, bytes: basis.maskBytes)
    let visible = basis.visible(z.span, masks: masks.span)
    let masked = basis.masked(coefficients: c.span, masks: masks.span)
    #expect(Self.largestDifference(zip(visible, masked).map { $0 + $1 }, z) < 1e-4)
    // What is visible has no masked coefficient, and the other way round.
    let (cVisible, cMasked) = (basis.coefficients(of: visible.span), basis.coefficients(of: masked.span))
    for row in 0..<70 {
      for l in 0..<count {
        let isMasked = masks[row * basis.maskBytes + l / 8] >> UInt8(l % 8) & 1 == 1
        #expect(abs((isMasked ? cVisible : cMasked)[row * count + l]) < 1e-4)
      }
    }
  }

  @Test("A row has the same bits alone, in any batch and at any place in it")
  func independentOfBatch() {
    let (d, count) = (basis.features, basis.componentCount)
    let all = rows(0..<200)
    let masks = Self.masks(200, bytes: basis.maskBytes)
    let c = basis.coefficients(of: all.span)
    let visible = basis.visible(all.span, masks: masks.span)
    for (size, first) in [(1, 0), (1, 15), (1, 16), (1, 63), (2, 62), (17, 5), (64, 1), (131, 60)] {
      let part = Array(all[(first * d)..<((first + size) * d)])
      let mask = Array(masks[(first * basis.maskBytes)..<((first + size) * basis.maskBytes)])
      let equal = (
        basis.coefficients(of: part.span) == Array(c[(first * count)..<((first + size) * count)]),
        basis.visible(part.span, masks: mask.span) == Array(visible[(first * d)..<((first + size) * d)])
      )
      #expect(equal.0 && equal.1, "\(size) rows from \(first)")
    }
  }

  @Test("The same for a matrix beyond OpenBLAS's small products, at sizes off the tiles")
  func independentOfBatchLarge() {
    let (d, count) = (1001, 777)
    var random = SplitMix(seed: 5)
    let matrix = (0..<(d * count)).map { _ in Float(random.next() >> 40) * 0x1p-24 - 0.5 }
    let large = ComponentBasis(
      kind: .full, shape: nil, count: 10, standardization: .none, mean: [Float](repeating: 0, count: d),
      deviation: [Float](repeating: 1, count: d), floored: [],
      eigenvalues: [Double](repeating: 1, count: count), ratios: [Float](repeating: 1, count: count),
      totalVariance: 1, transform: .dense(DenseTransform(components: matrix, features: d)))
    let rows = (0..<(80 * d)).map { _ in Float(random.next() >> 40) * 0x1p-24 - 0.5 }
    let all = large.coefficients(of: rows.span)
    let back = large.rows(of: all.span)
    for (size, first) in [(1, 0), (1, 70), (1, 15), (3, 62), (16, 9), (64, 7), (70, 10)] {
      let part = Array(rows[(first * d)..<((first + size) * d)])
      let some = large.coefficients(of: part.span)
      let equal = (
        some == Array(all[(first * count)..<((first + size) * count)]),
        large.rows(of: some.span) == Array(back[(first * d)..<((first + size) * d)])
      )
      #expect(equal.0 && equal.1, "\(size) rows from \(first)")
    }
  }

  @Test("Standardising and back gives the pixels")
  func values() {
    let z = rows(0..<5)
    let x = basis.values(of: z.span)
    for i in x.indices { #expect(abs(255 * x[i] - Float(images[i])) < 1e-3) }
    #expect(Self.largestDifference(basis.standardized(x.span), z) < 1e-4)
  }

  static func masks(_ rows: Int, bytes: Int) -> [UInt8] {
    var random = SplitMix(seed: 11)
    return (0..<(rows * bytes)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }
}
