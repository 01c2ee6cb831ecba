import Algebra
import Features
import Testing

@Suite("PCA against scikit-learn")
struct PrincipalComponentsOracleTests {
  /// Fits the golden images by the exact Gram or, as Float64, by the two-pass float Gram.
  private func fit(
    _ images: [UInt8], features: Int, _ standardization: Standardization, exact: Bool
  ) throws -> PCABasis {
    if exact {
      var gram = ExactGram(features: features)
      gram.add(images.span)
      return try PCABasis.fit(gram.covariance(), standardization: standardization)
    }
    let rows = images.map { Double($0) / 255 }
    var means = FeatureMeans(features: features)
    means.add(rows.span)
    var gram = FloatGram(shift: means.means)
    try gram.add(rows.span)
    return try PCABasis.fit(gram.covariance(), standardization: standardization)
  }

  @Test(
    "Ratios agree to 1e-6, λ to 1e-9, mean and deviation to 1e-7, separated components to a sign",
    arguments: [true, false])
  func equalsScikitLearn(exact: Bool) throws {
    let golden = try Golden.load("pca.json", as: Golden.Components.self)
    #expect(golden.cases.count == 6)
    for expected in golden.cases {
      let standardization = try #require(Standardization(rawValue: expected.standardize))
      let images = Array(golden.images.prefix(expected.rows * golden.features))
      let basis = try fit(images, features: golden.features, standardization, exact: exact)
      #expect(basis.componentCount == expected.ratios.count)
      for (ours, theirs) in zip(basis.ratios, expected.ratios) { #expect(abs(Double(ours) - theirs) <= 1e-6) }
      for (ours, theirs) in zip(basis.eigenvalues, expected.eigenvalues) {
        #expect(abs(ours - theirs) <= 1e-9)
      }
      if standardization != .none {
        for (ours, theirs) in zip(basis.mean, expected.mean) { #expect(abs(Double(ours) - theirs) <= 1e-7) }
        for (ours, theirs) in zip(basis.deviation, expected.deviation) {
          #expect(abs(Double(ours) - theirs) <= 1e-7)
        }
      }
      // The golden is signed by scikit-learn's own rule, which is ours.
      for (l, theirs) in expected.leading.enumerated() {
        let cosine = zip(basis.component(l), theirs).reduce(0.0) { $0 + Double($1.0) * $1.1 }
        #expect(cosine > 1 - 1e-6)
      }
    }
  }
}
