import Foundation

/// CLIP's tokenizer: lower case, words by a fixed pattern, and in each word the bytes joined pair by pair, the pair
/// learnt first before the others (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909).
///
/// The text is normalised as the library `tokenizers` does for CLIP (NFC, then lower case by character), and tokens are
/// the same one for one. OpenAI's first program also repaired mojibake with `ftfy` and resolved HTML entities; this
/// does not.
public struct BytePairTokenizer: CaptionTokenizer {
  public let padding: Int32
  public var frame: Int { opening.count + closing.count }
  /// CLIP's 77, unless a tokenizer.json says otherwise.
  public let usualLimit: Int
  public var usualPooling: TextPooling { .last }

  private let opening: [Int32]
  private let closing: [Int32]
  private let merges: BytePairMerges
  private let added: AddedTokens
  private let addedNormalised: AddedTokens

  /// From the bytes of `bpe_simple_vocab_16e6.txt` (unpacked): a line of version, then a merge a line, of which CLIP
  /// uses the first 48 894. Ids: 256 bytes, the same at a word's end, the merges, start of text, end of text. Rows are
  /// filled with 0, as OpenAI's `tokenize` does.
  public init(merges bytes: [UInt8], file: String = "bpe_simple_vocab_16e6.txt") throws(TokenizerError) {
    let alphabet = BytePairMerges.alphabet
    // The order of the ids: printable bytes first.
    let order = (0..<256).sorted {
      (alphabet[$0].value > 255 ? 1 : 0, $0) < (alphabet[$1].value > 255 ? 1 : 0, $1)
    }
    let letters = order.map { Array(String(alphabet[$0]).utf8) }
    var tokens = letters + letters.map { $0 + BytePairMerges.wordEnd }
    let pairs = try BytePairMerges.lines(bytes, file: file, atMost: 48_894, skippingFirst: true)
    tokens += pairs.map { $0.0 + $0.1 }
    let start = Int32(tokens.count)
    let vocabulary = Vocabulary(tokens.enumerated().map { ($1, Int32($0)) })
    merges = try BytePairMerges(vocabulary: vocabulary, pairs: pairs, unknown: start + 1, file: file)
    opening = [start]
    closing = [start + 1]
    padding = 0
    usualLimit = 77
    added = AddedTokens([])
    addedNormalised = AddedTokens([
      .init(content: Array("<|startoftext|>".utf8), id: start, normalized: true),
      .init(content: Array("<|endoftext|>".utf8), id: start + 1, normalized: true),
    ])
  }

  /// From the bytes of `vocab.json` and `merges.txt`, which must name `<|startoftext|>` and `<|endoftext|>` (or
  /// `<start_of_text>`, `<end_of_text>`). Rows are filled with the end of text, as transformers' CLIP does.
  public init(vocabulary: [UInt8], merges bytes: [UInt8], file: String = "vocab.json") throws(TokenizerError)
  {
    let vocabulary = Vocabulary(try JSONBytes(parsing: vocabulary, file: file).vocabulary(file))
    func special(_ names: String...) throws(TokenizerError) -> (content: [UInt8], id: Int32) {
      for name in names {
        if let id = vocabulary.id(of: Array(name.utf8)) { return (Array(name.utf8), id) }
      }
      throw TokenizerError("\(file): no token \(names[0]); a vocabulary of CLIP is expected")
    }
    let start = try special("<|startoftext|>", "<start_of_text>")
    let end = try special("<|endoftext|>", "<end_of_text>")
    let pairs = try BytePairMerges.lines(bytes, file: "merges.txt", atMost: .max, skippingFirst: false)
    merges = try BytePairMerges(vocabulary: vocabulary, pairs: pairs, unknown: end.id, file: "merges.txt")
    opening = [start.id]
    closing = [end.id]
    padding = end.id
    usualLimit = 77
    added = AddedTokens([])
    addedNormalised = AddedTokens(
      [start, end].map { .init(content: $0.content, id: $0.id, normalized: true) })
  }

  /// From the bytes of a `tokenizer.json` of CLIP. Rows are filled with its `pad_id`, or else the end of text.
  public init(json bytes: [UInt8], file: String = "tokenizer.json") throws(TokenizerError) {
    try self.init(JSONBytes(parsing: bytes, file: file), file: file)
  }

  init(_ json: JSONBytes, file: String) throws(TokenizerError) {
    guard let model = json["model"], let vocab = model["vocab"], let list = model["merges"]?.elements else {
      throw TokenizerError("\(file): no model with a vocab and merges; a tokenizer.json of CLIP is expected")
    }
    if let kind = model["type"]?.text, kind != "BPE" {
      throw TokenizerError("\(file): a BPE model is expected, found \(kind)")
    }
    guard model["end_of_word_suffix"]?.bytes == BytePairMerges.wordEnd else {
      throw TokenizerError(
        "\(file): a BPE model of CLIP marks the end of a word by </w>; found "
          + (model["end_of_word_suffix"]?.text.map { "“\($0)”" } ?? "none"))
    }
    try CLIPWords.check(normalizer: json["normalizer"], splitter: json["pre_tokenizer"], file: file)
    let vocabulary = Vocabulary(try vocab.vocabulary(file))
    var pairs: [([UInt8], [UInt8])] = []
    pairs.reserveCapacity(list.count)
    for entry in list {
      // Older files have "a b", newer ones ["a", "b"].
      let parts =
        entry.elements.map { $0.compactMap(\.bytes) }
        ?? entry.bytes.map { $0.split(separator: 0x20).map { Array($0) } } ?? []
      guard parts.count == 2 else {
        throw TokenizerError("\(file): merge \(pairs.count + 1) is no pair of tokens")
      }
      pairs.append((parts[0], parts[1]))
    }
    let unknown = model["unk_token"]?.bytes.flatMap { vocabulary.id(of: $0) }
    merges = try BytePairMerges(vocabulary: vocabulary, pairs: pairs, unknown: unknown, file: file)
    (added, addedNormalised) = try AddedTokens.read(json["added_tokens"], file: file) {
      CLIPWords.normalise($0)
    }
    (opening, closing) = try TokenizerFrame.read(json["post_processor"], file: file)
    padding = json["padding"]?["pad_id"]?.integer ?? closing.last ?? 0
    usualLimit = Int(json["truncation"]?["max_length"]?.integer ?? 77)
  }

  public func encode(_ caption: String, limit: Int) -> [Int32] {
    tokenizedText.encode(caption, limit: limit, normalise: CLIPWords.normalise) { bytes, range, ids, most in
      var words = CLIPWords(bytes, range)
      while ids.count < most, let word = words.next() { merges.append(bytes[word], to: &ids) }
    }
  }

  private var tokenizedText: TokenizedText {
    TokenizedText(opening: opening, closing: closing, added: added, addedNormalised: addedNormalised)
  }
}
