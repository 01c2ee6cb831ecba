import Features
import Foundation
import Testing

@Suite("Tokenizers against Python's tokenizers")
struct TokenizerTests {
  let golden: TokenizerGolden

  init() throws { golden = try Golden.load("tokenizers.json", as: TokenizerGolden.self) }

  private func file(_ name: String) throws -> [UInt8] { Array(try #require(golden.files[name]).utf8) }

  @Test("every caption gives the oracle's ids, from every kind of file")
  func ids() throws { try golden.expectAll(from: file) }

  @Test("a tokenizer.json says itself which kind it is")
  func kinds() throws {
    #expect(try captionTokenizer(json: file("wordpiece.json")) is WordPieceTokenizer)
    #expect(try captionTokenizer(json: file("bytepair.json")) is BytePairTokenizer)
  }

  @Test(
    "rows are filled to the limit: BERT's with [PAD], OpenAI's with 0, transformers' with the end of text")
  func padding() throws {
    let bert = try WordPieceTokenizer(vocabulary: file("vocab.txt")).encodePadded("a", limit: 6)
    #expect(bert.ids.count == 6 && bert.length == 3 && bert.ids[3...] == [0, 0, 0])
    let simple = try BytePairTokenizer(merges: file("simple.txt")).encodePadded("a", limit: 77)
    #expect(simple.ids.count == 77 && simple.length == 3 && simple.ids[3...].allSatisfy { $0 == 0 })
    let hugging = try BytePairTokenizer(json: file("bytepair.json")).encodePadded("a", limit: 77)
    #expect(hugging.ids[..<3] == simple.ids[..<3] && hugging.ids[3...].allSatisfy { $0 == simple.ids[2] })
    let cut = try BytePairTokenizer(merges: file("simple.txt")).encodePadded(
      String(repeating: "a 1 ", count: 90), limit: 77)
    #expect(cut.ids.count == 77 && cut.length == 77 && cut.ids[76] == simple.ids[2])
  }

  @Test("a limit below the frame keeps the frame")
  func tinyLimit() throws {
    for tokenizer in [
      try captionTokenizer(json: file("wordpiece.json")), try captionTokenizer(json: file("bytepair.json")),
    ] {
      #expect(tokenizer.encode("a photo", limit: 0).count == 2)
      #expect(tokenizer.encode("a photo", limit: 2) == tokenizer.encode("", limit: 77))
    }
  }

  @Test("tokens that are canonically equivalent stay apart")
  func equivalentTokens() throws {
    let vocabulary = ["[UNK]", "[CLS]", "[SEP]", "\u{E9}", "e\u{301}"].joined(separator: "\n")
    let lines = try WordPieceTokenizer(vocabulary: Array(vocabulary.utf8), lowercases: false)
    #expect(
      lines.encode("\u{E9}", limit: 8) == [1, 3, 2] && lines.encode("e\u{301}", limit: 8) == [1, 4, 2])
    let json = #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"\u00e9":1,"e\u0301":2}}}"#
    let keys = try WordPieceTokenizer(json: Array(json.utf8))
    #expect(keys.encode("\u{E9}", limit: 8) == [1] && keys.encode("e\u{301}", limit: 8) == [2])
  }

  @Test(
    "a caption of 1 MiB is cut like any other",
    arguments: [
      "a", "word ", "!", "\u{301}", "a\u{301}\u{323}", "é", "漢", "'", "[SEP]", "<|endoftext|", " ",
      "\u{1F600}\u{200D}",
    ])
  func longCaptions(_ piece: String) throws {
    let caption = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
    for tokenizer in [
      try captionTokenizer(json: file("wordpiece.json")), try captionTokenizer(json: file("bytepair.json")),
    ] {
      let ids = tokenizer.encode(caption, limit: 77)
      #expect(ids.count <= 77)
      #expect(ids.last == tokenizer.encode("", limit: 77).last)
    }
  }
}
