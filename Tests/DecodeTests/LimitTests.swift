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

  @Test("A side above 65 535 is a pixel limit, of a JPEG above 65 500")
  func sides() {
    var jpeg = Goldens.bytes("jpeg-grey.jpg")
    let frame = (0..<jpeg.count).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }!
    (jpeg[frame + 5], jpeg[frame + 6]) = (0, 1)
    (jpeg[frame + 7], jpeg[frame + 8]) = (0xFF, 0xDC)
    #expect(code(jpeg) == nil)
    jpeg[frame + 8] = 0xDD
    #expect(code(jpeg) == .pixelLimit)
    #expect(code(pngHeader(65_535, 1)) == nil)
    #expect(code(pngHeader(1, 65_536)) == .pixelLimit)
  }

  @Test("The hundredth warning ends a JPEG even under keep")
  func warnings() throws {
    let jpeg = Goldens.bytes("jpeg-444.jpg")
    // A stray byte before a comment is one warning; they come behind the JFIF segment of 18 bytes.
    let stray: [UInt8] = [0x12, 0xFF, 0xFE, 0, 2]
    let warned = { (count: Int) in
      jpeg[..<20] + Array(repeatElement(stray, count: count).joined()) + jpeg[20...]
    }
    #expect(try decoded(Array(warned(99)), onWarning: .keep) == decoded(jpeg))
    #expect(throws: DecodeError.self) { _ = try decoded(Array(warned(100)), onWarning: .keep) }
    do throws(DecodeError) {
      _ = try decoded(Array(warned(100)), onWarning: .keep)
    } catch {
      #expect(error.code == .jpegWarning)
    }
    #expect(rejectCode(Array(warned(1))) == .jpegWarning)
  }

  @Test("Much pixel data behind the last row of a PNG is a cost limit and is not inflated")
  func pixelsBehindPixels() throws {
    // 8 x 8 pixels of 1 bit in a stored block, then empty stored blocks.
    let rows = [UInt8](repeating: 0, count: 16)
    let empty: [UInt8] = [0, 0, 0, 0xFF, 0xFF]
    let png = { (blocks: Int) -> [UInt8] in
      let data =
        [0x78, 0x01, 0, 16, 0, 0xEF, 0xFF] + rows + Array(repeatElement(empty, count: blocks).joined())
      return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        + chunk("IHDR", [0, 0, 0, 8, 0, 0, 0, 8, 1, 0, 0, 0, 0]) + chunk("IDAT", data) + chunk("IEND", [])
    }
    #expect(rejectCode(png(20_000)) == .costLimit)
    #expect(rejectCode(png(100)) != .costLimit)
  }

  /// A PNG chunk with its CRC.
  private func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
    func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    let named = Array(name.utf8) + body
    var crc: UInt32 = .max
    for byte in named {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return big(UInt32(body.count)) + named + big(~crc)
  }

  @Test("The code tables of lossless WebP count as memory")
  func codeTables() throws {
    let memory = try header(Goldens.bytes("webp-code-groups.webp")).decodeMemory
    let without = 64 * 64 * 7 + 64 * 128 + (1 << 19)
    #expect(memory >= without + 200 * 11_800)
    #expect(memory < without + 201 * 12_500)
    // A broken stream counts as the worst that its size allows: one group for 4 x 4 pixels.
    var bytes = Goldens.bytes("webp-code-groups.webp")
    for i in 25..<60 { bytes[i] = 0xFF }
    #expect(try header(bytes).decodeMemory >= without + 256 * 11_800)
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
