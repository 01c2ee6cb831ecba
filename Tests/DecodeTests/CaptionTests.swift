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
    let text = expected.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(expected.dropFirst(3)) : expected
    let withoutNUL = Array(text.map { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] }.joined())
    #expect(try used(given, .replace) == withoutNUL)
    if given != expected {
      #expect(throws: DecodeError(.captionNotUTF8, "the caption is not UTF-8")) { _ = try used(given, .drop) }
    } else if given.contains(0) {
      #expect(throws: DecodeError(.captionNotUTF8, "the caption holds a NUL")) { _ = try used(given, .drop) }
    } else {
      #expect(try used(given, .drop) == given)
    }
  }

  @Test("A byte order mark is no fault; repair removes one")
  func byteOrderMark() throws {
    let marked = Array("\u{FEFF}\u{FEFF}caption".utf8)
    #expect(try used(marked, .drop) == marked)
    #expect(try used(marked, .replace) == Array("\u{FEFF}caption".utf8))
  }

  @Test("Above 1 MiB a caption is dropped, or cut at a character")
  func size() throws {
    let most = [UInt8](repeating: 0x61, count: maxCaptionBytes)
    for policy in CaptionPolicy.allCases { #expect(try used(most, policy) == most) }
    let long = Array(most.dropLast()) + Array("\u{E9}\u{1F600}\u{E9}".utf8)
    #expect(try used(long, .keep) == long)
    #expect(try used(long, .replace) == Array(most.dropLast()))
    #expect(throws: DecodeError.self) { _ = try used(long, .drop) }
    let broken = [UInt8](repeating: 0xFF, count: maxCaptionBytes)
    #expect(try used(broken, .replace).count == maxCaptionBytes / 3 * 3)
    #expect(isValid(try used(broken, .replace)))
  }
}
