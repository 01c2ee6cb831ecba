import Decode
import Testing

/// What a decoder gives must not depend on what it decoded before.
@Suite struct DecoderReuseTests {
  /// Found by the fuzz target `jpeg`: libjpeg keeps tables from file to file unless it is started afresh.
  @Test("a JPEG without tables is not decoded with those of the image before it", arguments: [0xDB, 0xC4])
  func tables(marker: UInt8) throws {
    let before = Goldens.bytes("jpeg-444.jpg")
    let bare = withoutSegments(Goldens.bytes("jpeg-420.jpg"), marker)
    let info = try header(bare)
    let alone = result(of: bare, info, after: nil)
    #expect(result(of: bare, info, after: before) == alone)
    #expect(result(of: bare, info, after: bare) == alone)
    if marker == 0xDB { #expect(throws: DecodeError.self) { try alone.get() } }
  }

  private func result(
    of bytes: [UInt8], _ info: ImageInfo, after before: [UInt8]?
  ) -> Result<RGBImage, DecodeError> {
    var decoder = ImageDecoder()
    do throws(DecodeError) {
      if let before { _ = try? decoder.decode(before, info: header(before)) }
      return .success(try decoder.decode(bytes, info: info))
    } catch {
      return .failure(error)
    }
  }

  /// A JPEG without its header segments of one kind.
  private func withoutSegments(_ bytes: [UInt8], _ marker: UInt8) -> [UInt8] {
    var kept = Array(bytes[..<2])
    var offset = 2
    while bytes[offset + 1] != 0xDA {
      let end = offset + 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
      if bytes[offset + 1] != marker { kept += bytes[offset..<end] }
      offset = end
    }
    return kept + bytes[offset...]
  }
}
