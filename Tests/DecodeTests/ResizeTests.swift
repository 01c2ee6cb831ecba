import Decode
import Testing

@Suite("Resizing is Pillow's, bit for bit")
struct ResizeTests {
  @Test("Thumbnails of every filter, fit and shape")
  func thumbnails() throws {
    let blob = Goldens.bytes("thumbnails.bin")
    for row in Goldens.table("thumbnails.txt") {
      let image = try Goldens.image(row[0])
      let size = try #require(Int(row[3]))
      let offset = try #require(Int(row[4]))
      let maker = Thumbnailer(
        size: size, fit: try #require(ThumbnailFit(rawValue: row[1])),
        filter: try #require(ResampleFilter(rawValue: row[2])))
      let same = maker.make(from: image) == Array(blob[offset..<offset + size * size * 3])
      #expect(same, "\(row)")
    }
  }

  @Test("Whole images, one side kept or both")
  func resized() throws {
    let blob = Goldens.bytes("resized.bin")
    for row in Goldens.table("resized.txt") {
      let image = try Goldens.image(row[0])
      let (width, height) = (try #require(Int(row[1])), try #require(Int(row[2])))
      let filter = try #require(ResampleFilter(rawValue: row[3]))
      let offset = try #require(Int(row[4]))
      let result = resize(image, width: width, height: height, filter: filter)
      #expect([result.width, result.height] == [width, height])
      let same = result.pixels == Array(blob[offset..<offset + width * height * 3])
      #expect(same, "\(row)")
    }
  }

  @Test("A crop thumbnail is the middle of the resized image", arguments: ResampleFilter.allCases)
  func cropIsAWindow(_ filter: ResampleFilter) throws {
    let image = try Goldens.image("source-90x31.png")
    // int(10 · 90 / 31) = 29; round(9.5) = 10, the even number.
    let whole = resize(image, width: 29, height: 10, filter: filter)
    var expected: [UInt8] = []
    for y in 0..<10 { expected += whole.pixels[(y * 29 + 10) * 3..<(y * 29 + 20) * 3] }
    #expect(Thumbnailer(size: 10, fit: .crop, filter: filter)(image) == expected)
  }

  @Test("A flat image stays flat at any size", arguments: ResampleFilter.allCases)
  func flat(_ filter: ResampleFilter) {
    for value: UInt8 in [0, 1, 127, 254, 255] {
      let image = RGBImage(width: 13, height: 300, pixels: [UInt8](repeating: value, count: 13 * 300 * 3))
      for (width, height) in [(1, 1), (5, 7), (40, 600), (13, 8)] {
        let result = resize(image, width: width, height: height, filter: filter)
        #expect(result.pixels.allSatisfy { $0 == value }, "\(value) at \(width) x \(height)")
      }
    }
  }

  @Test("An extreme aspect costs only the window that is kept")
  func extremeAspect() {
    let image = RGBImage(width: 65_535, height: 1, pixels: [UInt8](repeating: 9, count: 65_535 * 3))
    let thumbnail = Thumbnailer(size: 224, fit: .crop, filter: .lanczos).make(from: image)
    #expect(thumbnail == [UInt8](repeating: 9, count: 224 * 224 * 3))
  }
}
