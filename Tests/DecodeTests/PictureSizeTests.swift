import Decode
import Testing

@Suite("Images are brought to a size as img2dataset does, by Pillow's resampling")
struct PictureSizeTests {
  private func rule(_ row: [String], filter: ResampleFilter = .bicubic) throws -> PictureSize {
    PictureSize(
      try #require(ResizeMode(rawValue: row[0])), size: try #require(Int(row[1])),
      onlyIfBigger: row[2] == "1",
      filter: filter)
  }

  @Test("Sizes are those of albumentations, for every mode")
  func sizes() throws {
    for row in Goldens.table("picture-sizes.txt") {
      let numbers = row[3...].compactMap(Int.init)
      let rule = try rule(row)
      let (width, height) = rule.result(width: numbers[0], height: numbers[1])
      #expect([width, height] == Array(numbers[2...3]), "\(row)")
      let stays = rule.isUnchanged(width: numbers[0], height: numbers[1])
      #expect(
        stays == (Array(numbers[2...3]) == Array(numbers[0...1]) && numbers[4...].allSatisfy { $0 == 0 }))
    }
  }

  /// A picture whose every pixel tells its column and row survives a cut or a border, if nothing else is done to it.
  @Test("The middle that is kept and the white around an image begin where albumentations has them")
  func places() throws {
    var decoder = ImageDecoder()
    var shown = RGBImage(width: 0, height: 0, pixels: [])
    var tried = 0
    for row in Goldens.table("picture-sizes.txt") {
      let numbers = row[3...].compactMap(Int.init)
      let (width, height, size) = (numbers[0], numbers[1], try #require(Int(row[1])))
      // Only those that are not scaled.
      guard row[2] == "0", width <= 255, height <= 255 else { continue }
      let isLonger = row[0] == "border" || row[0] == "keep_ratio_largest"
      guard size == (isLonger ? max(width, height) : min(width, height)) else { continue }
      var pixels: [UInt8] = []
      for y in 0..<height { for x in 0..<width { pixels += [UInt8(x), UInt8(y), 7] } }
      let picture = RGBImage(width: width, height: height, pixels: pixels)
      let bytes = try #require(PNGEncoder.encode(picture))
      try decoder.decode(bytes, info: header(bytes), to: rule(row), into: &shown)
      tried += 1
      let place = (numbers[7] * shown.width + numbers[6]) * 3
      #expect(Array(shown.pixels[place..<place + 3]) == [UInt8(numbers[4]), UInt8(numbers[5]), 7], "\(row)")
      if place > 0 { #expect(Array(shown.pixels[place - 3..<place]) == [255, 255, 255], "\(row)") }
    }
    #expect(tried >= 20)
  }

  @Test("Pixels are Pillow's: upright, resized, then cut or on white")
  func pixels() throws {
    var decoder = ImageDecoder()
    var shown = RGBImage(width: 0, height: 0, pixels: [])
    for row in Goldens.table("resize-modes.txt") {
      let bytes = Goldens.bytes(row[0])
      let rule = try rule(Array(row[1...3]), filter: try #require(ResampleFilter(rawValue: row[4])))
      try decoder.decode(bytes, info: header(bytes), to: rule, into: &shown)
      #expect([shown.width, shown.height].map(String.init) == Array(row[5...6]), "\(row)")
      #expect(fnv1a(shown.pixels) == UInt64(row[7], radix: 16), "\(row)")
    }
  }

  @Test("Without orientation the stored image is resized")
  func asStored() throws {
    var decoder = ImageDecoder(appliesOrientation: false)
    let bytes = Goldens.bytes("jpeg-orientation-6.jpg")
    var shown = RGBImage(width: 0, height: 0, pixels: [])
    try decoder.decode(bytes, info: header(bytes), to: PictureSize(.keepRatio, size: 16), into: &shown)
    let whole = try decoded(bytes, appliesOrientation: false)
    #expect(shown == resize(whole, width: 20, height: 16, filter: .bicubic))
  }

  @Test("A sliver keeps one pixel; a result beyond the limits is refused before it is made")
  func extremes() throws {
    let sliver = try #require(
      PNGEncoder.encode(RGBImage(width: 1000, height: 1, pixels: [UInt8](repeating: 80, count: 3000))))
    var decoder = ImageDecoder()
    var shown = RGBImage(width: 0, height: 0, pixels: [])
    try decoder.decode(
      sliver, info: header(sliver), to: PictureSize(.keepRatioLargest, size: 100), into: &shown)
    #expect([shown.width, shown.height] == [100, 1])
    // The middle alone is computed of a row of 256 000 pixels.
    try decoder.decode(sliver, info: header(sliver), to: PictureSize(.centerCrop, size: 256), into: &shown)
    #expect(shown.pixels == [UInt8](repeating: 80, count: 256 * 256 * 3))
    let error = #expect(throws: DecodeError.self) {
      try decoder.decode(sliver, info: header(sliver), to: PictureSize(.keepRatio, size: 256), into: &shown)
    }
    #expect(error?.code == .pixelLimit)
    #expect(error?.message == "1000 x 1 resized to 256000 x 256 has a side above 65535")
    var small = ImageDecoder(limits: DecodeLimits(maxMemory: 1 << 20))
    #expect(throws: DecodeError.self) {
      try small.decode(sliver, info: header(sliver), to: PictureSize(.border, size: 600), into: &shown)
    }
  }
}

extension ImageDecoder {
  mutating func decode(
    _ bytes: [UInt8], info: ImageInfo, to size: PictureSize, into result: inout RGBImage
  ) throws(DecodeError) {
    try unsafe decode(bytes.span.bytes, info: info, to: size, into: &result)
  }
}
