import Algebra
import Features
import TestSupport
import Testing

@Suite("Structured bases")
struct StructuredBasisTests {
  private static let shape = PixelShape(height: 8, width: 12)
  private static let kinds: [ComponentBasis.Kind] = [.separable, .dct, .patch]

  /// Smooth random images, one pixel constant.
  private static func images(_ count: Int) -> [UInt8] {
    var random = SplitMix(seed: 2)
    var images: [UInt8] = []
    for _ in 0..<count {
      let (a, b, c) = (Int(random.next() >> 57), Int(random.next() >> 60), Int(random.next() >> 60))
      for j in 0..<shape.features {
        let (plane, y, x) = (j / 96, j / 12 % 8, j % 12)
        let noise = Int(random.next() >> 60)
        images.append(j == 40 ? 200 : UInt8(min(255, a / (plane + 1) + b * y / 2 + c * x / 3 + noise)))
      }
    }
    return images
  }

  private static func fit(
    _ kind: ComponentBasis.Kind, _ images: [UInt8], _ standardization: Standardization = .feature,
    threads: Int = 1, split: [Int] = []
  ) throws -> ComponentBasis {
    let d = shape.features
    let cuts = [0] + split + [images.count / d]
    let parts = zip(cuts, cuts.dropFirst()).map { Array(images[($0 * d)..<($1 * d)]) }
    var statistics = StructuredStatistics(kind: kind, shape: shape, patchSide: 4, threads: threads)
    for part in parts { statistics.add(part) }
    var measure = try statistics.measure(standardization)
    for part in parts.reversed() { measure.add(part) }
    return measure.basis()
  }

  private static func order(_ basis: ComponentBasis) -> [Int32] {
    switch basis.transform {
    case .separable(let transform): transform.order
    case .patch(let transform): transform.order
    case .dense: []
    }
  }

  @Test("Lossless: x_vis + x_M = z, ratios add to 1, components are orthonormal", arguments: kinds)
  func lossless(kind: ComponentBasis.Kind) throws {
    let images = Self.images(60)
    for standardization in Standardization.allCases {
      let basis = try Self.fit(kind, images, standardization)
      #expect(basis.kind == kind && basis.isLossless && basis.componentCount == 288)
      #expect(basis.floored == (standardization == .feature ? [40] : []))
      #expect(abs(basis.ratios.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
      let z = basis.standardized(images.span)
      let c = basis.coefficients(of: z.span)
      #expect(ComponentBasisTests.largestDifference(basis.rows(of: c.span), z) < 1e-4)
      let masks = ComponentBasisTests.masks(60, bytes: basis.maskBytes)
      let visible = basis.visible(z.span, masks: masks.span)
      let masked = basis.masked(coefficients: c.span, masks: masks.span)
      #expect(ComponentBasisTests.largestDifference(zip(visible, masked).map { $0 + $1 }, z) < 1e-4)
    }
    let basis = try Self.fit(kind, images)
    let rows = basis.components(leading: 1000)
    var error = 0.0
    for a in stride(from: 0, to: 288, by: 7) {
      for b in 0..<288 {
        var dot = 0.0
        for j in 0..<288 { dot += Double(rows[a * 288 + j]) * Double(rows[b * 288 + j]) }
        error = max(error, abs(dot - (a == b ? 1 : 0)))
      }
    }
    #expect(error < 1e-5)
    #expect(PixelEncoder(basis: basis).encode(images.span).count == 60 * 128)
  }

  @Test("The bits depend on neither split nor threads; a row's not on its batch", arguments: kinds)
  func orderFree(kind: ComponentBasis.Kind) throws {
    let images = Self.images(60)
    let basis = try Self.fit(kind, images)
    let other = try Self.fit(kind, images, threads: 3, split: [1, 9, 50])
    let equal = (
      basis.eigenvalues == other.eigenvalues, Self.order(basis) == Self.order(other),
      basis.components(leading: 288) == other.components(leading: 288), basis.ratios == other.ratios
    )
    #expect(equal.0 && equal.1 && equal.2 && equal.3)
    let z = basis.standardized(images.span)
    let all = basis.coefficients(of: z.span)
    let alone = basis.coefficients(of: Array(z[(17 * 288)..<(18 * 288)]).span)
    let same = alone == Array(all[(17 * 288)..<(18 * 288)])
    #expect(same)
  }

  @Test("Images without any variance have ratios of 0; one image has no basis", arguments: kinds)
  func degenerate(kind: ComponentBasis.Kind) throws {
    let flat = try Self.fit(kind, [UInt8](repeating: 3, count: 5 * 288))
    #expect(flat.ratios.allSatisfy { $0 == 0 } && flat.eigenvalues.allSatisfy { $0 == 0 })
    #expect(throws: PCAError.tooFewRows(1)) { _ = try Self.fit(kind, Self.images(1)) }
  }
}
