/// The tokens that a tokenizer.json puts before and after a caption.
enum TokenizerFrame {
  static func read(
    _ json: JSONBytes?, file: String
  ) throws(TokenizerError) -> (opening: [Int32], closing: [Int32]) {
    guard let json, let kind = json["type"]?.text else { return ([], []) }
    switch kind {
    case "BertProcessing", "RobertaProcessing":
      guard let opening = json["cls"]?.elements?.last?.integer,
        let closing = json["sep"]?.elements?.last?.integer
      else {
        throw TokenizerError("\(file): \(kind) has no ids for cls and sep")
      }
      return ([opening], [closing])
    case "TemplateProcessing": return try template(json, file: file)
    default:
      throw TokenizerError(
        "\(file): post_processor BertProcessing, RobertaProcessing or TemplateProcessing is expected, found \(kind)"
      )
    }
  }

  private static func template(
    _ json: JSONBytes, file: String
  ) throws(TokenizerError) -> (opening: [Int32], closing: [Int32]) {
    var opening: [Int32] = []
    var closing: [Int32] = []
    var captions = 0
    for step in json["single"]?.elements ?? [] {
      if step["Sequence"] != nil {
        captions += 1
      } else if let token = step["SpecialToken"]?["id"]?.text,
        let ids = json["special_tokens"]?[token]?["ids"]?.elements
      {
        for id in ids {
          guard let id = id.integer else {
            throw TokenizerError("\(file): \(token) has an id that is no number")
          }
          if captions == 0 { opening.append(id) } else { closing.append(id) }
        }
      } else {
        throw TokenizerError(
          "\(file): a step of the post_processor is neither a known special token nor the caption")
      }
    }
    if captions != 1 {
      throw TokenizerError("\(file): the post_processor takes the caption \(captions) times")
    }
    return (opening, closing)
  }
}
