import Features
import Foundation
import Testing

@Suite("Tokenizer files that cannot be used")
struct BrokenTokenizerTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch let error as TokenizerError { return error.description } catch {
      return "another error"
    }
    return "no error"
  }

  @Test(
    "what is wrong is named",
    arguments: [
      ("", "it ends too early at byte 0"), ("{\"model\":", "it ends too early"),
      ("{} x", "something after its end"),
      ("{\"a\" 1}", "no colon"), ("[1 2]", "no comma"), ("[\"\\q\"]", "unknown escape"),
      ("[\"\\ud800\"]", "surrogate"), ("[\"a", "without end"),
      (String(repeating: "[", count: 100), "deeper than 64"), ("nul", "unknown word"), ("-", "no value"),
      ("\"\\u12\"", "hexadecimal"),
      ("{}", "a model of type WordPiece or BPE is expected, found none"),
      (#"{"model":{"type":"Unigram"}}"#, "found Unigram"),
      (#"{"model":{"type":"WordPiece","vocab":{}}}"#, "an object of ids by token is expected"),
      (#"{"model":{"type":"WordPiece","vocab":{"a":-1}}}"#, "the id of “a”"),
      (#"{"model":{"type":"WordPiece","vocab":{"a":1.5}}}"#, "the id of “a”"),
      (#"{"model":{"type":"WordPiece","vocab":{"a":1}}}"#, "unk_token is not in the vocabulary"),
      (
        #"{"model":{"type":"WordPiece","vocab":{"[UNK]":1}},"normalizer":{"type":"NFKC"}}"#,
        "BertNormalizer is expected, found NFKC"
      ),
      (
        #"{"model":{"type":"WordPiece","vocab":{"[UNK]":1}},"pre_tokenizer":{"type":"Metaspace"}}"#,
        "found Metaspace"
      ),
      (#"{"model":{"type":"WordPiece","vocab":{"[UNK]":1}},"added_tokens":[{"id":1}]}"#, "added_tokens"),
      (#"{"model":{"type":"WordPiece","vocab":{"[UNK]":1}},"post_processor":{"type":"X"}}"#, "found X"),
      (
        #"{"model":{"type":"WordPiece","vocab":{"[UNK]":1}},"post_processor":{"type":"TemplateProcessing","single":[]}}"#,
        "0 times"
      ),
      (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#, "end of a word by </w>; found none"),
      (
        #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"}}"#,
        "NFC, Replace, Lowercase"
      ),
    ])
  func json(_ text: String, _ part: String) {
    let found = message { _ = try captionTokenizer(json: Array(text.utf8)) }
    #expect(found.hasPrefix("tokenizer.json: ") && found.contains(part), "\(found)")
  }

  @Test("vocabularies and merges")
  func lines() {
    #expect(message { _ = try WordPieceTokenizer(vocabulary: []) }.contains("no line [UNK]"))
    #expect(
      message { _ = try WordPieceTokenizer(vocabulary: Array("[UNK]\n[CLS]\n".utf8)) }.contains(
        "no line [SEP]"))
    #expect(message { _ = try BytePairTokenizer(merges: []) }.contains("no merges"))
    #expect(
      message { _ = try BytePairTokenizer(merges: Array("v\na b c\n".utf8)) }.contains(":2: two tokens"))
    #expect(
      message { _ = try BytePairTokenizer(merges: Array("v\nab c\n".utf8)) }.contains(
        "merge 1, “ab c”, has tokens"))
    #expect(message { _ = try BytePairTokenizer(merges: [0x1F, 0x8B, 8, 0]) }.contains("no merges"))
    #expect(
      message { _ = try BytePairTokenizer(vocabulary: Array("{\"a\":0}".utf8), merges: []) }.contains(
        "no token <|startoftext|>"))
  }

  @Test("no cut of a file brings anything down")
  func truncated() throws {
    let golden = try Golden.load("tokenizers.json", as: TokenizerGolden.self)
    for name in ["wordpiece.json", "bytepair.json"] {
      let bytes = Array(try #require(golden.files[name]).utf8)
      for length in stride(from: 0, to: bytes.count, by: bytes.count / 40) {
        #expect(throws: TokenizerError.self) { try captionTokenizer(json: Array(bytes[..<length])) }
      }
    }
  }
}
