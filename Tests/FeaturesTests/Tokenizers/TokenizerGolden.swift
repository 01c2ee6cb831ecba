import Features
import Foundation
import Testing

/// Captions, vocabularies, and the ids that Python's `tokenizers` gives (`oracle/make_tokenizer_goldens.py`).
struct TokenizerGolden: Decodable {
  var captions: [String]
  var files: [String: String]
  var wordpiece, wordpieceCased, bytepair: [String: [[Int32]]]

  /// What a tokenizer gives must be this, caption by caption and limit by limit; at most five differences are shown.
  func expect(_ tokenizer: some CaptionTokenizer, gives expected: [String: [[Int32]]], _ name: String) throws
  {
    var differences: [String] = []
    for (limit, rows) in expected {
      let limit = try #require(Int(limit))
      #expect(rows.count == captions.count)
      for (caption, row) in zip(captions, rows) {
        let found = tokenizer.encode(caption, limit: limit)
        if found != row {
          let scalars = caption.unicodeScalars.prefix(60).map { String($0.value, radix: 16) }.joined(
            separator: " ")
          differences.append(
            "\(name), limit \(limit), “\(caption)” (\(scalars)): \(found.prefix(40)), not \(row.prefix(40))")
        }
      }
    }
    #expect(differences.isEmpty, "\(differences.count) differ, first \(differences.prefix(5))")
  }

  /// Every way into the three tokenizers, against the oracle.
  func expectAll(from file: (String) throws -> [UInt8]) throws {
    try expect(WordPieceTokenizer(vocabulary: file("vocab.txt")), gives: wordpiece, "vocab.txt")
    try expect(WordPieceTokenizer(json: file("wordpiece.json")), gives: wordpiece, "wordpiece.json")
    try expect(
      WordPieceTokenizer(vocabulary: file("vocab.txt"), lowercases: false), gives: wordpieceCased,
      "vocab.txt, cased")
    try expect(WordPieceTokenizer(json: file("cased.json")), gives: wordpieceCased, "cased.json")
    try expect(BytePairTokenizer(merges: file("simple.txt")), gives: bytepair, "simple.txt")
    try expect(
      BytePairTokenizer(vocabulary: file("vocab.json"), merges: file("merges.txt")), gives: bytepair,
      "vocab.json")
    try expect(BytePairTokenizer(json: file("bytepair.json")), gives: bytepair, "bytepair.json")
  }
}
