import Decode
import Testing

@Suite("Limits are checked on headers")
struct LimitTests {
  /// A PNG that has a header and nothing else.
  private func pngHeader(_ width: UInt32, _ height: UInt32, colour: UInt8 = 2, interlace: UInt8 = 0)
    -> [UInt8]
  {
    func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + big(13) + Array("IHDR".utf8) + big(width)
      + big(height) + [8, colour, 0, 0, interlace] + big(0)
  }

  private func code(_ bytes: [UInt8], _ limits: DecodeLimits = DecodeLimits()) -> DecodeError.Code? {
    do throws(DecodeError) {
      _ = try header(bytes, limits: limits)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("A header that claims 20 000 × 20 000 pixels is a pixel limit")
  func pixelBomb() {
    #expect(code(pngHeader(20_000, 20_000)) == .pixelLimit)
    #expect(code(pngHeader(70_000, 1)) == .pixelLimit)
    #expect(code(pngHeader(.max, .max)) == .pixelLimit)
    #expect(code(pngHeader(.max, .max, colour: 6, interlace: 1)) == .pixelLimit)
    #expect(code(pngHeader(9_459, 9_459)) == nil)
    #expect(code(pngHeader(9_460, 9_460)) == .pixelLimit)
  }

  @Test("A side of zero is corrupt in every format")
  func zeroSides() {
    #expect(code(pngHeader(0, 5)) == .corruptImage)
    #expect(code(pngHeader(5, 0)) == .corruptImage)
    var jpeg = Goldens.bytes("jpeg-420.jpg")
    let frame = (0..<jpeg.count).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }!
    jpeg[frame + 5] = 0
    jpeg[frame + 6] = 0
    #expect(code(jpeg) == .corruptImage)
    var gif = Goldens.bytes("gif.gif")
    let picture = (13..<gif.count).first { Array(gif[$0..<$0 + 5]) == [0x2C, 0, 0, 0, 0] }!
    (gif[picture + 5], gif[picture + 6]) = (0, 0)
    #expect(code(gif) == .corruptImage)
  }

  @Test("An interlaced PNG costs seven times its pixels")
  func interlaceCost() throws {
    let bytes = pngHeader(100, 100, interlace: 1)
    #expect(try header(bytes).cost == UInt64(70_000 + bytes.count))
    #expect(code(bytes, DecodeLimits(maxCost: 69_999)) == .costLimit)
    #expect(code(pngHeader(100, 100), DecodeLimits(maxCost: 69_999)) == nil)
  }

  @Test("More than 500 scans are a cost limit, whatever the size")
  func scanBomb() {
    let bytes = Goldens.bytes("jpeg-grey-progressive.jpg")
    let scan = (0..<bytes.count).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }!
    let empty: [UInt8] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 1, 0, 0x00]
    let bomb = { (scans: Int) in
      bytes[..<scan] + Array(repeatElement(empty, count: scans).joined()) + [0xFF, 0xD9]
    }
    #expect(code(Array(bomb(501))) == .costLimit)
    #expect(code(Array(bomb(500))) == nil)
    #expect(code(Array(bomb(100)), DecodeLimits(maxCost: 30_000)) == .costLimit)
    #expect(rejectCode(Array(bomb(60_000))) == .costLimit)
  }

  @Test("Coefficients of progressive JPEG and the turned copy count as memory")
  func memory() throws {
    let memory = { (name: String) in
      let bytes = Goldens.bytes(name)
      return try header(bytes).decodeMemory
    }
    #expect(try memory("jpeg-444-progressive.jpg") - memory("jpeg-444.jpg") == 3 * 5 * 4 * 128)
    #expect(try memory("jpeg-orientation-6.jpg") >= 2 * 37 * 29 * 3)
    let needed = try memory("jpeg-420.jpg")
    #expect(code(Goldens.bytes("jpeg-420.jpg"), DecodeLimits(maxMemory: needed)) == nil)
    #expect(code(Goldens.bytes("jpeg-420.jpg"), DecodeLimits(maxMemory: needed - 1)) == .pixelLimit)
  }
}
