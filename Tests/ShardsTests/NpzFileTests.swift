import Shards
import TestSupport
import Testing

@Suite struct NpzFileTests {
  private static let members = [
    NpzFile.Member("weights", [1, 2.5, -3, 4, 5, 6] as [Float], shape: [2, 3]),
    NpzFile.Member("none", [] as [Double]),
    NpzFile.Member(
      "names", NpyText.unicode(["natural", "Bild é🙂"]).type, shape: [2],
      NpyText.unicode(["natural", "Bild é🙂"]).bytes),
  ]

  @Test("what is written reads back, and equal arrays are equal bytes")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("x.npz")
    try NpzFile.write(Self.members, to: path)
    #expect(try contents(of: path) == NpzFile.bytes(Self.members))
    #expect(try NpzArray.names(in: path) == ["weights", "none", "names"])
    let weights = try NpzArray(path: path, name: "weights")
    #expect(weights.header.shape == [2, 3] && weights.header.type == .float32)
    #expect(Float.decode(try weights.allRows()) == [1, 2.5, -3, 4, 5, 6])
    let none = try NpzArray(path: path, name: "none")
    #expect(none.rowCount == 0)
    let names = try NpzArray(path: path, name: "names")
    let type = names.header.type
    #expect(type == .unicode(7))
    #expect(NpyText.decode(type, try names.allRows()) == ["natural", "Bild é🙂"])
  }

  @Test("texts of both kinds: zeros at the end are none of them, what is not Unicode is refused")
  func texts() {
    #expect(NpyText.decode(.byteString(4), Array("ab\0\0\u{0}\0\0\0abcd".utf8)) == ["ab", "", "abcd"])
    #expect(NpyText.decode(.byteString(3), Array("a\0b".utf8)) == ["a\0b"])
    #expect(NpyText.decode(.byteString(1), [0xff]) == nil)
    #expect(NpyText.decode(.unicode(1), [0, 0xD8, 0, 0]) == nil)
    #expect(NpyText.decode(.unicode(1), [0xff, 0xff, 0xff, 0xff]) == nil)
    #expect(NpyText.decode(.uint8, [1]) == nil)
    #expect(NpyText.unicode([]).type == .unicode(1) && NpyText.unicode([]).bytes.isEmpty)
  }

  @Test("dtypes of text, and those that are none", arguments: ["<U9", "|S12", "<U4096"])
  func types(code: String) throws {
    let directory = try TemporaryDirectory()
    func array(_ code: String) throws -> NpyType {
      let text = "{'descr': '\(code)', 'fortran_order': False, 'shape': (0,), }"
      let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
      return try NpyReader(path: try directory.write(bytes, as: "x.npy")).type
    }
    #expect(try array(code).code == code)
    for bad in [">U9", "<U", "<U0", "<U-1", "<U4097", "|S99999999999999999999", "<S3", "|U3", "<U+9", "<U09"]
    {
      #expect(throws: NpyError.self, "\(bad)") { try array(bad) }
    }
  }
}
