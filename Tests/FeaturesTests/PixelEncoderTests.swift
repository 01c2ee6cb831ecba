import Algebra
import Features
import Testing

@Suite("Pixel encoder")
struct PixelEncoderTests {
  private let features: Int
  private let images: [UInt8]
  private let basis: PCABasis

  init() throws {
    let golden = try Golden.load("pca.json", as: Golden.Components.self)
    features = golden.features
    images = Array(golden.images)
    basis = try Self.fit(images, features: features)
  }

  private static func fit(_ images: [UInt8], features: Int) throws -> PCABasis {
    var gram = ExactGram(features: features)
    gram.add(images.span)
    return try PCABasis.fit(gram.covariance())
  }

  private func image(_ row: Int) -> [UInt8] { Array(images[(row * features)..<((row + 1) * features)]) }

  @Test("A row has the same bits alone, in any batch and at any place in it")
  func independentOfBatch() {
    let encoder = PixelEncoder(basis: basis)
    let all = encoder.encode(images.span)
    #expect(all.count == images.count / features * encoder.dimension)
    for (size, first) in [(1, 0), (1, 7), (2, 3), (5, 11), (64, 1), (131, 60)] {
      let part = encoder.encode(Array(images[(first * features)..<((first + size) * features)]).span)
      #expect(part == Array(all[(first * encoder.dimension)..<((first + size) * encoder.dimension)]))
    }
  }

  @Test("Rows are the standardised coefficients over √λ, of unit norm, to Float16's precision")
  func equalsDefinition() {
    let encoder = PixelEncoder(basis: basis)
    #expect(encoder.dimension == 128 && encoder.usedComponents == 128)
    for row in [0, 50, 199] {
      let x = image(row)
      let exact = (0..<128).map { l in
        (0..<features).reduce(0.0) { sum, j in
          let z = (Double(x[j]) / 255 - Double(basis.mean[j])) / Double(basis.deviation[j])
          return sum + z * Double(basis.components[l * features + j])
        } / basis.eigenvalues[l].squareRoot()
      }
      let norm = exact.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
      let encoded = encoder.encode(x.span)
      for l in 0..<128 { #expect(abs(Double(encoded[l]) - exact[l] / norm) < 3e-4) }
      let length = encoded.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(length - 1) < 1e-3)
    }
  }

  @Test("Few images give d = L entries; the component without variance has coefficient 0")
  func fewImages() throws {
    let few = Array(images[..<(20 * features)])
    let encoder = PixelEncoder(basis: try Self.fit(few, features: features))
    #expect(encoder.dimension == 20 && encoder.usedComponents == 19)
    let rows = encoder.encode(few.span)
    for row in 0..<20 { #expect(rows[row * 20 + 19] == 0) }
    #expect(rows.allSatisfy { $0.isFinite })
  }

  @Test("An image equal to the mean is e₀, and so is every image of a basis without variance")
  func zeroRow() throws {
    let unit = [1] + [Float16](repeating: 0, count: 2)
    let pair = try Self.fit([10, 20, 30, 30, 20, 10, 20, 20, 20], features: 3)
    #expect(PixelEncoder(basis: pair).encode([20, 20, 20].span) == unit)
    let flat = try Self.fit([UInt8](repeating: 9, count: 12), features: 3)
    #expect(PixelEncoder(basis: flat).usedComponents == 0)
    #expect(PixelEncoder(basis: flat).encode([9, 9, 9, 0, 255, 3].span) == unit + unit)
  }
}

@Suite("Pixel layout")
struct PixelLayoutTests {
  @Test("Planar feature i is (c·H + y)·W + x, image by image")
  func planar() {
    // Two images of 1 × 2 pixels.
    let interleaved: [UInt8] = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
    #expect(PixelLayout.planar(interleaved.span, pixels: 2) == [1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16])
    #expect(PixelLayout.planar([7, 8].span, pixels: 2, channels: 1) == [7, 8])
  }
}
