import Decode
import Testing

@Suite("Pixels are Pillow's")
struct GoldenImageTests {
  @Test(
    "Every format, depth and colour type decodes to Pillow's pixels", arguments: Goldens.table("images.txt"))
  func pixels(_ row: [String]) throws {
    let image = try Goldens.image(row[0])
    if Goldens.exists(row[0] + ".rgb") {
      #expect(image.pixels == Goldens.bytes(row[0] + ".rgb"))
    } else {
      #expect(fnv1a(image.pixels) == UInt64(Goldens.table(row[0] + ".fnv")[0][0], radix: 16))
    }
  }

  @Test(
    "The header tells size, orientation, channels and depth as stored", arguments: Goldens.table("images.txt")
  )
  func headerFacts(_ row: [String]) throws {
    let bytes = Goldens.bytes(row[0])
    let info = try header(bytes)
    let facts = [
      info.width, info.height, Int(info.orientation), Int(info.channels), Int(info.depth),
      info.isProgressive ? 1 : 0, info.scans,
    ]
    #expect(facts == row[1...].map { Int($0)! })
    #expect(info.cost == UInt64(info.width * info.height * info.scans + bytes.count))
    #expect(info.decodeMemory >= info.width * info.height * 3)
    let image = try Goldens.image(row[0])
    #expect([image.width, image.height] == [info.orientedWidth, info.orientedHeight])
  }

  @Test("Without orientation the pixels stay as stored")
  func unturned() throws {
    let turned = try decoded(Goldens.bytes("jpeg-orientation-6.jpg"), appliesOrientation: false)
    #expect(turned == (try Goldens.image("jpeg-orientation-1.jpg")))
  }

  @Test("One decoder gives the same pixels after failures and other formats")
  func reuse() throws {
    var decoder = ImageDecoder(limits: DecodeLimits(), onWarning: .reject, appliesOrientation: true)
    let good = Goldens.bytes("jpeg-420-progressive.jpg")
    for name in ["jpeg-420.jpg", "jpeg-cmyk.jpg", "png-rgba.png", "webp-lossy.webp", "gif.gif"] {
      let other = Goldens.bytes(name)
      let info = try header(other)
      let cut = Array(other[..<(other.count * 2 / 3)])
      do throws(DecodeError) {
        _ = try decoder.decode(cut, info: info)
        Issue.record("\(name) decodes though it is cut")
      } catch {
        #expect(error.code == .truncatedImage)
      }
      let image = try decoder.decode(good, info: header(good))
      #expect(image.pixels == Goldens.bytes("jpeg-420-progressive.jpg.rgb"))
    }
  }
}
