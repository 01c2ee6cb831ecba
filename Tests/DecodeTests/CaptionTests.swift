import Decode
import Testing

@Suite("Captions")
struct CaptionTests {
  private func hex(_ text: String) -> [UInt8] {
    if text == "-" { return [] }
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
    }
  }

  private func isValid(_ bytes: [UInt8]) -> Bool { unsafe isValidUTF8(bytes.span.bytes) }

  private func used(_ bytes: [UInt8], _ policy: CaptionPolicy) throws(DecodeError) -> [UInt8] {
    try unsafe caption(bytes.span.bytes, policy)
  }

  @Test("Repair puts U+FFFD where Python's decode does", arguments: Goldens.table("captions.txt"))
  func repair(_ row: [String]) throws {
    let (given, expected) = (hex(row[0]), hex(row[1]))
    #expect(isValid(given) == (given == expected))
    #expect(isValid(expected))
    let repaired = unsafe repairedUTF8(given.span.bytes)
    #expect(repaired == expected)
    #expect(try used(given, .keep) == given)
    #expect(try used(given, .replace) == expected)
    if given == expected {
      #expect(try used(given, .drop) == given)
    } else {
      #expect(throws: DecodeError(.captionNotUTF8, "the caption is not UTF-8")) { _ = try used(given, .drop) }
    }
  }
}
