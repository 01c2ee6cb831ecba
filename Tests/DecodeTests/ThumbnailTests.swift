import Decode
import Testing

@Suite("Thumbnails straight from files")
struct ThumbnailTests {
  /// The thumbnail of a file.
  private func thumbnail(
    _ bytes: [UInt8], by thumbnailer: Thumbnailer, isFast: Bool = false, onWarning: WarningPolicy = .reject
  ) throws(DecodeError) -> [UInt8] {
    var decoder = ImageDecoder(onWarning: onWarning, isFast: isFast)
    return try decoder.thumbnail(bytes, info: header(bytes), by: thumbnailer)
  }

  @Test("They are those of the decoded image, whatever the format, orientation, fit and size")
  func sameAsDecoded() throws {
    var decoder = ImageDecoder()
    let names = Goldens.table("images.txt").map { $0[0] } + Goldens.table("fast.txt").map { $0[0] }
    for name in Set(names).sorted() where !name.contains("16-bit-values") {
      let bytes = Goldens.bytes(name)
      let image = try decoded(bytes)
      for fit in ThumbnailFit.allCases {
        for size in [1, 5, 16, 33, 64] {
          let maker = Thumbnailer(size: size, fit: fit)
          let same = try decoder.thumbnail(bytes, info: header(bytes), by: maker) == maker.make(from: image)
          #expect(same, "\(name) \(fit) \(size)")
        }
      }
    }
  }

  @Test("A fast thumbnail is what Pillow makes with draft; an exact one is Pillow's too")
  func fast() throws {
    let blob = Goldens.bytes("fast.bin")
    for row in Goldens.table("fast.txt") {
      let size = try #require(Int(row[3]))
      let offset = try #require(Int(row[5]))
      let maker = Thumbnailer(
        size: size, fit: try #require(ThumbnailFit(rawValue: row[1])),
        filter: try #require(ResampleFilter(rawValue: row[2])))
      let expected = Array(blob[offset..<offset + size * size * 3])
      let same = try thumbnail(Goldens.bytes(row[0]), by: maker, isFast: row[4] != "1") == expected
      #expect(same, "\(row)")
    }
  }

  @Test("Fast changes nothing where the image is less than twice as large, nor for other formats")
  func fastStaysExact() throws {
    for (name, size) in [
      ("jpeg-420.jpg", 16), ("jpeg-orientation-6.jpg", 20), ("png-rgb.png", 2), ("gif.gif", 2),
    ] {
      let bytes = Goldens.bytes(name)
      let maker = Thumbnailer(size: size)
      #expect(try thumbnail(bytes, by: maker, isFast: true) == maker.make(from: decoded(bytes)), "\(name)")
    }
  }

  @Test(
    "A cut file is rejected wherever the cut is, for the same reason as by a whole decode",
    arguments: [
      "long-wide-420.jpg", "long-tall-444.jpg", "long-tall-420-progressive.jpg", "long-tower-420.jpg",
    ])
  func cut(_ name: String) throws {
    let whole = Goldens.bytes(name)
    let info = try header(whole)
    var decoder = ImageDecoder()
    var fast = ImageDecoder(isFast: true)
    var lenient = ImageDecoder(onWarning: .keep)
    for end in stride(from: 1, to: whole.count, by: 37) {
      let bytes = Array(whole[..<end])
      let expected = try #require(throws: DecodeError.self) { try decoder.decode(bytes, info: info) }
      let maker = Thumbnailer(size: 16)
      #expect(throws: expected) { try decoder.thumbnail(bytes, info: info, by: maker) }
      #expect(throws: expected) { try fast.thumbnail(bytes, info: info, by: maker) }
      do throws(DecodeError) {
        let image = try lenient.decode(bytes, info: info)
        #expect(try lenient.thumbnail(bytes, info: info, by: maker) == maker.make(from: image), "\(end)")
      } catch {
        #expect(throws: error) { try lenient.thumbnail(bytes, info: info, by: maker) }
      }
    }
  }

  @Test("An image's claimed memory is held against the limit as by decode")
  func memoryLimit() throws {
    let bytes = Goldens.bytes("long-wide-420.jpg")
    let info = try header(bytes)
    var decoder = ImageDecoder(limits: DecodeLimits(maxMemory: info.decodeMemory - 1))
    let error = #expect(throws: DecodeError.self) {
      try decoder.thumbnail(bytes, info: info, by: Thumbnailer(size: 8))
    }
    #expect(error?.code == .pixelLimit)
  }

  @Test("The plain kernels give the bits of the processor's best", arguments: ResampleFilter.allCases)
  func kernels(_ filter: ResampleFilter) {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<40 {
      let (width, height) = (Int.random(in: 1...150, using: &random), Int.random(in: 1...150, using: &random))
      let pixels = (0..<width * height * 3).map { _ in [0, 255, UInt8.random(in: 0...255)].randomElement()! }
      let image = RGBImage(width: width, height: height, pixels: pixels)
      let (x, y) = (Int.random(in: 1...90, using: &random), Int.random(in: 1...90, using: &random))
      let best = resize(image, width: x, height: y, filter: filter)
      let plain = resizePlainly(image, width: x, height: y, filter: filter)
      #expect(best == plain, "\(width) x \(height) to \(x) x \(y)")
    }
  }
}

extension ImageDecoder {
  mutating func thumbnail(
    _ bytes: [UInt8], info: ImageInfo, by thumbnailer: Thumbnailer
  ) throws(DecodeError) -> [UInt8] {
    try unsafe thumbnail(bytes.span.bytes, info: info, by: thumbnailer)
  }
}
