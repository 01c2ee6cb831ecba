import Decode
import Testing

@Suite("Encoders")
struct EncoderTests {
  @Test("A JPEG has the bytes that Pillow writes of the same pixels, whatever was encoded before")
  func pillow() throws {
    let blob = Goldens.bytes("encoded.bin")
    for row in Goldens.table("encoded.txt") + Goldens.table("encoded.txt").reversed() {
      let (quality, offset, count) = (
        try #require(Int(row[1])), try #require(Int(row[2])), try #require(Int(row[3]))
      )
      let bytes = try JPEGEncoder(quality: quality).encode(Goldens.image(row[0]))
      let expected = Array(blob[offset..<offset + count])
      #expect(bytes == expected, "\(row)")
    }
  }

  @Test("One encoder writes what a fresh one writes, after images of any size and after an error")
  func reuse() throws {
    let encoder = try JPEGEncoder(quality: 90)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<30 {
      let (width, height) = (Int.random(in: 1...300, using: &random), Int.random(in: 1...300, using: &random))
      let image = RGBImage(
        width: width, height: height,
        pixels: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &random) })
      #expect(try encoder.encode(image) == JPEGEncoder(quality: 90).encode(image))
      let tooLong = RGBImage(width: 65_501, height: 1, pixels: [UInt8](repeating: 1, count: 65_501 * 3))
      #expect(throws: DecodeError(.pixelLimit, "a JPEG has at most 65500 pixels a side, not 65501")) {
        try encoder.encode(tooLong)
      }
    }
  }

  @Test("The worst noise fits into the buffer an encoder may take")
  func noise() throws {
    var random = SystemRandomNumberGenerator()
    for (width, height) in [(1, 1), (17, 1), (1, 900), (640, 480)] {
      for levels in [[0, 255], Array(0...255)] as [[UInt8]] {
        let pixels = (0..<width * height * 3).map { _ in levels.randomElement(using: &random)! }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        let bytes = try JPEGEncoder(quality: 100).encode(image)
        #expect(try decoded(bytes).width == width)
      }
    }
  }

  @Test("A PNG gives back its pixels at any size")
  func png() throws {
    for (width, height) in [(1, 1), (65_535, 1), (1, 65_535), (301, 77)] {
      let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
      let image = RGBImage(width: width, height: height, pixels: pixels)
      let bytes = try #require(PNGEncoder.encode(image))
      #expect(try decoded(bytes) == image)
    }
  }
}
