import Yams

extension Recipe {
  /// How captions are embedded.
  public struct TextEmbedding: Sendable, Equatable, Encodable {
    public var encoder = TextEncoder.ngrams
    /// Values of a row.
    public var dimensions = 256

    public init() {}
  }

  /// The caption encoders of this version.
  public enum TextEncoder: String, Sendable, CaseIterable, Encodable {
    /// Hashed n-grams, see `NgramEncoder`; needs no model file.
    case ngrams
  }
}

extension Recipe.Features {
  /// Whether ingest writes `captions.txt`, which fitting needs.
  var keepsCaptions: Bool { text?.encoder == .ngrams }
}

extension RecipeFile {
  /// Reads `features.text`; nil for `none`, and where it is left out.
  static func readText(_ root: inout RecipeSection) -> Recipe.TextEmbedding? {
    guard root.has("text") else { return nil }
    var plain = root
    if plain.node("text")?.scalar?.string == "none" {
      _ = root.node("text")
      return nil
    }
    var section = root.section("text")
    var text = Recipe.TextEmbedding()
    if !section.has("encoder") { section.report("encoder", "missing: ngrams, or text: none, or a file") }
    text.encoder = section.choice("encoder", text.encoder)
    text.dimensions = section.integer("dimensions", text.dimensions, in: 16...4096)
    section.finish()
    return text
  }
}
