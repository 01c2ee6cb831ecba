/// The way through a caption that all tokenizers share: tokens in the text as it is, tokens in the normalised text
/// between them, words between those; framed and cut.
struct TokenizedText {
  let opening: [Int32]
  let closing: [Int32]
  let added: AddedTokens
  let addedNormalised: AddedTokens

  /// - Parameters:
  ///   - limit: most ids; the closing tokens stay whatever is cut.
  ///   - normalise: of text between tokens.
  ///   - words: appends the ids of a range of normalised text, and may stop at `most` ids.
  func encode(
    _ caption: String, limit: Int, normalise: ([UInt8]) -> [UInt8],
    words: (_ text: [UInt8], _ range: Range<Int>, _ ids: inout [Int32], _ most: Int) -> Void
  ) -> [Int32] {
    let most = max(limit, opening.count + closing.count) - closing.count
    var ids = opening
    let bytes = Array(caption.utf8)
    for part in added.split(bytes, 0..<bytes.count) where ids.count < most {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let range):
        let normal = normalise(Array(bytes[range]))
        for inner in addedNormalised.split(normal, 0..<normal.count) where ids.count < most {
          switch inner {
          case .token(let id): ids.append(id)
          case .text(let range): words(normal, range, &ids, most)
          }
        }
      }
    }
    if ids.count > most { ids.removeLast(ids.count - most) }
    return ids + closing
  }
}
