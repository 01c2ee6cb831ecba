/// BERT's tokenizer: words, then in each word the longest piece of the vocabulary, from left to right (Wu et al. 2016,
/// https://arxiv.org/abs/1609.08144; the details as in the library `tokenizers`, token for token).
public struct WordPieceTokenizer: CaptionTokenizer {
  public let padding: Int32
  public var frame: Int { opening.count + closing.count }
  /// BERT's 512, unless a tokenizer.json cuts captions earlier.
  public let usualLimit: Int
  public var usualPooling: TextPooling { .mean }

  /// A word of more characters than this is unknown.
  private let longestWord: Int
  private let unknown: Int32
  private let opening: [Int32]
  private let closing: [Int32]
  private let text: BERTText
  private let added: AddedTokens
  private let addedNormalised: AddedTokens
  /// Pieces at the beginning of a word, and those that go on with one.
  private let beginnings: ByteTrie
  private let continuations: ByteTrie

  /// From the bytes of a `vocab.txt`: a token a line, its id the line's number from 0, with BERT's five special tokens.
  ///
  /// - Parameter lowercases: lower case without accents (`bert-base-uncased` and its kin), or the text as it is.
  public init(vocabulary bytes: [UInt8], lowercases: Bool = true, file: String = "vocab.txt")
    throws(TokenizerError)
  {
    var entries: [(key: [UInt8], value: Int32)] = []
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      let end = line.lastIndex { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 }
      entries.append((Array(line[..<(end.map { $0 + 1 } ?? line.startIndex)]), Int32(entries.count)))
    }
    if entries.last?.key.isEmpty == true { entries.removeLast() }
    let vocabulary = Vocabulary(entries)
    func special(_ token: String) throws(TokenizerError) -> Int32 {
      guard let id = vocabulary.id(of: Array(token.utf8)) else {
        throw TokenizerError("\(file): no line \(token); a vocabulary of BERT is expected, one token a line")
      }
      return id
    }
    unknown = try special("[UNK]")
    opening = [try special("[CLS]")]
    closing = [try special("[SEP]")]
    padding = vocabulary.id(of: Array("[PAD]".utf8)) ?? 0
    text = BERTText(stripsAccents: lowercases, lowercases: lowercases)
    longestWord = 100
    usualLimit = 512
    added = AddedTokens(
      ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap { token in
        let content = Array(token.utf8)
        return vocabulary.id(of: content).map { AddedTokens.Token(content: content, id: $0) }
      })
    addedNormalised = AddedTokens([])
    beginnings = vocabulary.trie
    continuations = vocabulary.continuations(prefix: Array("##".utf8))
  }

  /// From the bytes of a `tokenizer.json` with a WordPiece model; parts that it does not know are errors.
  public init(json bytes: [UInt8], file: String = "tokenizer.json") throws(TokenizerError) {
    try self.init(JSONBytes(parsing: bytes, file: file), file: file)
  }

  init(_ json: JSONBytes, file: String) throws(TokenizerError) {
    guard let model = json["model"], model["vocab"] != nil else {
      throw TokenizerError("\(file): no model with a vocab; a tokenizer.json is expected")
    }
    if let kind = model["type"]?.text, kind != "WordPiece" {
      throw TokenizerError("\(file): a WordPiece model is expected, found \(kind)")
    }
    let vocabulary = Vocabulary(try model["vocab"]!.vocabulary(file))
    let unknownToken = model["unk_token"]?.bytes ?? Array("[UNK]".utf8)
    guard let unknown = vocabulary.id(of: unknownToken) else {
      throw TokenizerError("\(file): unk_token is not in the vocabulary")
    }
    self.unknown = unknown
    usualLimit = Int(json["truncation"]?["max_length"]?.integer ?? 512)
    longestWord = Int(model["max_input_chars_per_word"]?.integer ?? 100)
    text = try Self.normaliser(json["normalizer"], file: file)
    if let splitter = json["pre_tokenizer"]?["type"]?.text, splitter != "BertPreTokenizer" {
      throw TokenizerError("\(file): pre_tokenizer BertPreTokenizer is expected, found \(splitter)")
    }
    let normaliser = text
    (added, addedNormalised) = try AddedTokens.read(json["added_tokens"], file: file) {
      normaliser.normalise($0)
    }
    (opening, closing) = try TokenizerFrame.read(json["post_processor"], file: file)
    padding = json["padding"]?["pad_id"]?.integer ?? vocabulary.id(of: Array("[PAD]".utf8)) ?? 0
    beginnings = vocabulary.trie
    continuations = vocabulary.continuations(
      prefix: model["continuing_subword_prefix"]?.bytes ?? Array("##".utf8))
  }

  private static func normaliser(_ json: JSONBytes?, file: String) throws(TokenizerError) -> BERTText {
    guard let json, let kind = json["type"]?.text else {
      return BERTText(cleans: false, spacesIdeographs: false, stripsAccents: false, lowercases: false)
    }
    guard kind == "BertNormalizer" else {
      throw TokenizerError("\(file): normalizer BertNormalizer is expected, found \(kind)")
    }
    let lowercases = json["lowercase"]?.flag ?? true
    return BERTText(
      cleans: json["clean_text"]?.flag ?? true, spacesIdeographs: json["handle_chinese_chars"]?.flag ?? true,
      stripsAccents: json["strip_accents"]?.flag ?? lowercases, lowercases: lowercases)
  }

  public func encode(_ caption: String, limit: Int) -> [Int32] {
    tokenizedText.encode(caption, limit: limit, normalise: text.normalise) { bytes, range, ids, most in
      append(wordsOf: bytes, range, to: &ids, most: most)
    }
  }

  private var tokenizedText: TokenizedText {
    TokenizedText(opening: opening, closing: closing, added: added, addedNormalised: addedNormalised)
  }

  /// Words end at white space; a punctuation mark is a word.
  private func append(wordsOf bytes: [UInt8], _ range: Range<Int>, to ids: inout [Int32], most: Int) {
    var start = range.lowerBound
    var position = start
    var characters = 0
    for scalar in String(decoding: bytes[range], as: UTF8.self).unicodeScalars {
      let end = position + UTF8.width(scalar)
      let blank = CharacterClasses.isWhitespace(scalar)
      if blank || CharacterClasses.isPunctuation(scalar) {
        if start < position { append(word: bytes, start..<position, characters: characters, to: &ids) }
        if !blank { append(word: bytes, position..<end, characters: 1, to: &ids) }
        if ids.count >= most { return }
        start = end
        characters = 0
      } else {
        characters += 1
      }
      position = end
    }
    if start < position { append(word: bytes, start..<position, characters: characters, to: &ids) }
  }

  private func append(word bytes: [UInt8], _ range: Range<Int>, characters: Int, to ids: inout [Int32]) {
    let before = ids.count
    var start = range.lowerBound
    if characters <= longestWord {
      while start < range.upperBound,
        let piece = (start == range.lowerBound ? beginnings : continuations)
          .longestMatch(in: bytes, from: start, to: range.upperBound)
      {
        ids.append(piece.value)
        start = piece.end
      }
    }
    if start < range.upperBound {
      ids.removeLast(ids.count - before)
      ids.append(unknown)
    }
  }
}

/// Tokens and ids; of equal tokens the last counts.
struct Vocabulary: Sendable {
  let entries: [(key: [UInt8], value: Int32)]
  let trie: ByteTrie

  init(_ entries: [(key: [UInt8], value: Int32)]) {
    self.entries = entries.filter { !$0.key.isEmpty }
    trie = ByteTrie(self.entries)
  }

  func id(of token: [UInt8]) -> Int32? {
    let match = trie.longestMatch(in: token, from: 0, to: token.count)
    return match?.end == token.count ? match?.value : nil
  }

  /// The tokens that begin with a prefix, without it.
  func continuations(prefix: [UInt8]) -> ByteTrie {
    ByteTrie(
      entries.filter { $0.key.count > prefix.count && $0.key.starts(with: prefix) }
        .map { (Array($0.key[prefix.count...]), $0.value) })
  }
}
