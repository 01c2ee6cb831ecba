public import Features
import Yams

extension Recipe {
  /// How captions are embedded.
  public enum TextEmbedding: Sendable, Equatable, Encodable {
    /// Hashed n-grams, see `NgramEncoder`: needs no model file. `dimensions` values a row.
    case ngrams(dimensions: Int)
    /// The default model: MiniLM for captions; images come into its space by what EfficientNet-Lite0 sees on them.
    case minilmConSE(ModelPrecision)
    /// A model of the user.
    case model(TextModel)
    /// Rows that were made elsewhere.
    case file(ImportedRows)

    /// Names in a recipe.
    static let names = ["ngrams", "minilm-conse"]
    /// Values of a row of n-grams where the recipe names none.
    static let defaultDimensions = 256

    private enum CodingKeys: String, CodingKey { case encoder, dimensions, precision }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      switch self {
      case .ngrams(let dimensions):
        try values.encode(Self.names[0], forKey: .encoder)
        try values.encode(dimensions, forKey: .dimensions)
      case .minilmConSE(let precision):
        try values.encode(Self.names[1], forKey: .encoder)
        try values.encode(precision.rawValue, forKey: .precision)
      case .model(let model): try model.encode(to: encoder)
      case .file(let rows): try rows.encode(to: encoder)
      }
    }
  }

  /// An ONNX model of captions, with its tokenizer.
  public struct TextModel: Sendable, Equatable, Encodable {
    public var path: String
    /// `tokenizer.json`, `vocab.txt`, `bpe_simple_vocab_16e6.txt.gz`… or a directory with one of them.
    public var tokenizer: String
    public var options = OnnxTextEncoder.Options()

    public init(path: String, tokenizer: String) { (self.path, self.tokenizer) = (path, tokenizer) }

    enum CodingKeys: String, CodingKey {
      case tokenizer, length, output, pooling
      case path = "model"
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(path, forKey: .path)
      try values.encode(tokenizer, forKey: .tokenizer)
      try values.encodeIfPresent(options.length, forKey: .length)
      try values.encodeIfPresent(options.output, forKey: .output)
      try values.encodeIfPresent(options.pooling?.rawValue, forKey: .pooling)
    }
  }
}

extension Recipe.Features {
  /// Whether ingest writes `captions.txt`, which fitting needs.
  var keepsCaptions: Bool { if case .ngrams? = text { true } else { false } }
}

extension RecipeFile {
  /// Reads `features.text`; nil for `none`, and where it is left out.
  static func readText(_ root: inout RecipeSection, _ directory: String) -> Recipe.TextEmbedding? {
    guard root.has("text") else { return nil }
    var plain = root
    if plain.node("text")?.scalar?.string == "none" {
      _ = root.node("text")
      return nil
    }
    var section = root.section("text")
    defer { section.finish() }
    if let rows = readImported(&section, directory) { return .file(rows) }
    if section.has("model") { return readTextModel(&section, directory) }
    switch section.string("encoder", "") {
    case Recipe.TextEmbedding.names[0]:
      let dimensions = section.integer("dimensions", Recipe.TextEmbedding.defaultDimensions, in: 16...4096)
      return .ngrams(dimensions: dimensions)
    case Recipe.TextEmbedding.names[1]: return .minilmConSE(section.choice("precision", .int8))
    case let other:
      let names = Recipe.TextEmbedding.names.joined(separator: " or ")
      section.report(
        "encoder",
        (other.isEmpty ? "missing" : "unknown value '\(other)'")
          + "; expected \(names), or give model and tokenizer, or a file, or write text: none")
      return nil
    }
  }

  private static func readTextModel(
    _ section: inout RecipeSection, _ directory: String
  ) -> Recipe.TextEmbedding {
    if section.has("encoder") {
      _ = section.node("encoder")
      section.report("encoder", "give either encoder or model")
    }
    if !section.has("tokenizer") {
      section.report("tokenizer", "missing: the tokenizer.json, vocab.txt or directory of the model")
    }
    var model = Recipe.TextModel(
      path: resolve(section.string("model", ""), directory),
      tokenizer: resolve(section.string("tokenizer", ""), directory))
    if section.has("length") { model.options.length = section.integer("length", 77, in: 3...65_536) }
    if section.has("output") { model.options.output = section.string("output", "") }
    if section.has("pooling") { model.options.pooling = section.choice("pooling", TextPooling.mean) }
    return .model(model)
  }
}
