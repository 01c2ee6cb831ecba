import Features

/// The files of a caption model and how they are used.
struct TextModelFile {
  var path: String
  var tokenizer: String
  var options: OnnxTextEncoder.Options

  /// Tokens of a caption that MiniLM was made for (its `max_seq_length`).
  private static let minilmTokens = 256

  init(path: String, tokenizer: String, options: OnnxTextEncoder.Options) {
    (self.path, self.tokenizer, self.options) = (path, tokenizer, options)
  }

  /// nil for encoders that need no model file.
  init?(_ text: Recipe.TextEmbedding?) throws(PipelineError) {
    switch text {
    case nil, .ngrams, .file: return nil
    case .minilmConSE(let precision):
      var options = OnnxTextEncoder.Options()
      options.output = "embedding"
      options.length = Self.minilmTokens
      self.init(
        path: try ModelPlaces.model(precision.file("minilm")),
        tokenizer: try ModelPlaces.model("minilm.tokenizer.json"), options: options)
    case .model(let model): self.init(path: model.path, tokenizer: model.tokenizer, options: model.options)
    }
  }

  /// Names files and use: equal names, equal rows.
  ///
  /// - Parameter tokenizer: ``TokenizerFiles/digests``.
  func id(tokenizer digests: [String]) throws -> String {
    var parts = ["onnx:" + (try ModelFile.digest(path)), "tokenizer " + digests.joined(separator: "+")]
    if let length = options.length { parts.append("length \(length)") }
    if let output = options.output { parts.append("output \(output)") }
    if let pooling = options.pooling { parts.append("pooling \(pooling.rawValue)") }
    return parts.joined(separator: ", ")
  }
}
