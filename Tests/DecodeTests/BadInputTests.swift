import Decode
import Testing

@Suite("Bad input gives a typed error")
struct BadInputTests {
  static let samples = [
    "jpeg-420.jpg", "jpeg-422-progressive.jpg", "jpeg-cmyk.jpg", "jpeg-restart.jpg", "png-rgba.png",
    "png-palette-4-trns-interlaced.png", "png-rgb-16.png", "webp-lossy.webp", "webp-lossless-alpha.webp",
    "webp-animated-offset.webp", "gif-interlaced.gif", "gif-animated.gif",
  ]

  @Test("What is not an image is called so")
  func notAnImage() {
    #expect(rejectCode([]) == .notAnImage)
    #expect(rejectCode(Array("<!DOCTYPE html><html>404</html>".utf8)) == .notAnImage)
    #expect(rejectCode(Array("\n  <svg xmlns='x'/>".utf8)) == .notAnImage)
    #expect(rejectCode([UInt8](repeating: 0, count: 100)) == .notAnImage)
    #expect(rejectCode(Array("%!PS-Adobe EPSF".utf8)) == .notAnImage)
  }

  @Test(
    "Known formats that are not decoded are named",
    arguments: [
      ("BMP", Array("BM\u{9}\0\0\0\0\0\0\0".utf8)), ("TIFF", Array("II*\0".utf8)),
      ("TIFF", Array("MM\0*".utf8)),
      ("AVIF", Array("\0\0\0\u{20}ftypavif".utf8)), ("HEIF", Array("\0\0\0\u{20}ftypheic".utf8)),
      ("JPEG XL", [0xFF, 0x0A]), ("JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51]), ("PSD", Array("8BPS".utf8)),
    ])
  func unsupported(_ name: String, _ bytes: [UInt8]) {
    #expect(throws: DecodeError(.unsupported, "\(name) is not decoded")) { _ = try decoded(bytes) }
  }

  @Test("JPEG variants that are not decoded are unsupported")
  func unsupportedJPEG() {
    for (marker, depth): (UInt8, UInt8) in [(0xC1, 12), (0xC3, 8), (0xC5, 8), (0xCB, 8)] {
      var bytes = Goldens.bytes("jpeg-420.jpg")
      let frame = (0..<bytes.count).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 }!
      bytes[frame + 1] = marker
      bytes[frame + 4] = depth
      #expect(rejectCode(bytes) == .unsupported)
    }
  }

  @Test("No cut leaves an image", arguments: samples.filter { !$0.contains("gif-animated") })
  func everyCut(_ name: String) {
    let bytes = Goldens.bytes(name)
    // A GIF is complete with its first picture: what follows (here one byte) is not read.
    for length in 0..<bytes.count - (name.hasPrefix("gif") ? 1 : 0) {
      let code = rejectCode(Array(bytes[..<length]))
      #expect(code != nil, "\(name) cut to \(length) bytes")
      if length > 12, let code { #expect([.truncatedImage, .corruptImage].contains(code), "\(length)") }
    }
    #expect(rejectCode(bytes) == nil)
  }

  @Test("A cut in the pixels is called truncated", arguments: samples.filter { !$0.contains("animated") })
  func cutPixels(_ name: String) {
    let bytes = Goldens.bytes(name)
    #expect(rejectCode(Array(bytes[..<(bytes.count * 3 / 4)])) == .truncatedImage)
  }

  @Test("Flipped bytes never crash and give a whole image or an error", arguments: samples)
  func flips(_ name: String) throws {
    let original = Goldens.bytes(name)
    var state: UInt64 = 88_172_645_463_325_252
    let next = { () -> Int in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(truncatingIfNeeded: state >> 8)
    }
    // Small limits keep headers that turned large from costing time.
    let limits = DecodeLimits(maxPixels: 1 << 20, maxMemory: 64 << 20)
    for policy in WarningPolicy.allCases {
      for _ in 0..<400 {
        var bytes = original
        for _ in 0...abs(next()) % 4 { bytes[abs(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
        do throws(DecodeError) {
          let image = try decoded(bytes, limits: limits, onWarning: policy)
          #expect(image.pixels.count == image.width * image.height * 3)
        } catch {
          #expect(!error.message.isEmpty)
        }
      }
    }
  }

  @Test("A wrong CRC is corrupt, in pixels and in text chunks")
  func badCRC() {
    for name in ["png-rgb.png", "png-gamma.png"] {
      let bytes = Goldens.bytes(name)
      for mark in ["IDAT", "tEXt"] {
        guard let at = (8..<bytes.count - 8).first(where: { Array(bytes[$0..<$0 + 4]) == Array(mark.utf8) })
        else {
          continue
        }
        let length = Int(bytes[at - 2]) << 8 | Int(bytes[at - 1])
        var broken = bytes
        broken[at + 4 + length] ^= 1
        #expect(rejectCode(broken) == .corruptImage, "\(mark) of \(name)")
      }
    }
  }

  @Test("A JPEG cut in its pixels is kept under the policy keep, grey below")
  func keptCut() throws {
    let bytes = Goldens.bytes("jpeg-444.jpg")
    let cut = Array(bytes[..<(bytes.count * 3 / 4)])
    let image = try decoded(cut, onWarning: .keep)
    let whole = try decoded(bytes)
    #expect(image.pixels.count == whole.pixels.count)
    #expect(image.pixels[..<(37 * 8 * 3)] == whole.pixels[..<(37 * 8 * 3)])
    #expect(throws: DecodeError.self) { _ = try decoded(Array(bytes[..<200]), onWarning: .keep) }
  }

  @Test("Other repairs are a JPEG warning, or kept")
  func warning() throws {
    // Stray bytes between the pixels and the end marker.
    let bytes = Goldens.bytes("jpeg-444.jpg")
    let stray = bytes.dropLast(2) + [0x12, 0x34, 0x56, 0xFF, 0xD9]
    #expect(rejectCode(Array(stray)) == .jpegWarning)
    #expect(try decoded(Array(stray), onWarning: .keep) == decoded(bytes))
  }

  @Test("A header of another image than the bytes is corrupt, not a wild write")
  func wrongInfo() throws {
    for (one, other) in [
      ("jpeg-420.jpg", "jpeg-grey.jpg"), ("png-rgb.png", "png-grey-8.png"),
      ("webp-lossy.webp", "webp-lossy-alpha.webp"), ("gif.gif", "gif-grey.gif"),
    ] {
      let (bytes, wrong) = (Goldens.bytes(one), Goldens.bytes(other))
      let info = try header(wrong)
      #expect(throws: DecodeError.self) {
        var decoder = ImageDecoder(limits: DecodeLimits(), onWarning: .reject, appliesOrientation: true)
        _ = try decoder.decode(bytes, info: info)
      }
    }
  }
}
