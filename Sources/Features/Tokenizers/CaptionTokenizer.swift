/// Turns captions into the token ids that a text model was trained on.
public protocol CaptionTokenizer: Sendable {
  /// The id that fills a row up to a fixed length.
  var padding: Int32 { get }
  /// The tokens that stand around every caption, together.
  var frame: Int { get }
  /// Most ids of a caption, where the model does not say: what the tokenizer's files give, else what its family has.
  var usualLimit: Int { get }
  /// What becomes of a row a token in models of its family.
  var usualPooling: TextPooling { get }

  /// The ids of a caption with the tokens around it, at most `limit` of them: what is too much is cut from the
  /// caption's end, the closing token stays. A limit below `frame` counts as `frame`.
  ///
  /// Time and memory grow as n·log n with the length of the caption at most, whatever it holds.
  func encode(_ caption: String, limit: Int) -> [Int32]
}

extension CaptionTokenizer {
  /// `encode` filled up to exactly `limit` ids, and how many of them are no padding (the ones of the attention mask).
  public func encodePadded(_ caption: String, limit: Int) -> (ids: [Int32], length: Int) {
    var ids = encode(caption, limit: limit)
    let length = ids.count
    if length < limit { ids.append(contentsOf: repeatElement(padding, count: limit - length)) }
    return (ids, length)
  }
}

/// Why a tokenizer's files cannot be used, in words for their user.
public struct TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
