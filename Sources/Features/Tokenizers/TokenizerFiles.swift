/// The tokenizer that a `tokenizer.json` describes: WordPiece, or CLIP's byte pairs.
public func captionTokenizer(json bytes: [UInt8], file: String = "tokenizer.json") throws(TokenizerError)
  -> any CaptionTokenizer
{
  let json = try JSONBytes(parsing: bytes, file: file)
  switch json["model"]?["type"]?.text {
  case "WordPiece": return try WordPieceTokenizer(json, file: file)
  case "BPE": return try BytePairTokenizer(json, file: file)
  case let other:
    throw TokenizerError("\(file): a model of type WordPiece or BPE is expected, found \(other ?? "none")")
  }
}
