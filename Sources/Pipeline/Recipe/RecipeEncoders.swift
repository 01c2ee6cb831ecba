public import Features

extension Recipe {
  /// What makes a row of an image.
  public enum ImageEncoder: Sendable, Equatable, Encodable {
    /// Whitened leading principal components of the thumbnail (rule 10); needs no model file.
    case pixels
    /// The default model, made by `scripts/build-models`: 1 280 pooled features.
    case efficientnetLite0
    /// An ONNX model of the user.
    case model(ImageModel)
    /// Rows that were made elsewhere.
    case file(ImportedRows)

    /// Names in a recipe.
    static let names = ["pixels", "efficientnet-lite0"]
    /// The file of the default model.
    static let efficientnetFile = "efficientnet-lite0.onnx"

    public func encode(to encoder: any Encoder) throws {
      switch self {
      case .pixels: try ["encoder": Self.names[0]].encode(to: encoder)
      case .efficientnetLite0: try ["encoder": Self.names[1]].encode(to: encoder)
      case .model(let model): try model.encode(to: encoder)
      case .file(let rows): try rows.encode(to: encoder)
      }
    }
  }

  /// An ONNX model of the user and how its pictures are prepared.
  public struct ImageModel: Sendable, Equatable, Encodable {
    public var path: String
    public var preset = ImagePreset.none
    /// Side of the picture, where model and preset leave it open; nil: theirs.
    public var size: Int?
    /// Side that the shorter side of the image gets before the middle is cut out; nil: the preset's way.
    public var resize: Int?
    /// Which output; nil: the one that exporters usually mean.
    public var output: String?
    /// What becomes of a grid of tokens; nil: the first token.
    public var pooling: TokenPooling?

    public init(path: String) { self.path = path }

    var options: OnnxImageEncoder.Options {
      var options = OnnxImageEncoder.Options(preset: preset)
      (options.size, options.shorterSide, options.output, options.pooling) = (size, resize, output, pooling)
      return options
    }

    enum CodingKeys: String, CodingKey {
      case preset, size, resize, output, pooling
      case path = "model"
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(path, forKey: .path)
      try values.encode(preset.rawValue, forKey: .preset)
      try values.encodeIfPresent(size, forKey: .size)
      try values.encodeIfPresent(resize, forKey: .resize)
      try values.encodeIfPresent(output, forKey: .output)
      try values.encodeIfPresent(pooling?.rawValue, forKey: .pooling)
    }
  }
}

extension RecipeFile {
  /// `features.image`.
  static func readImageEncoder(
    _ features: inout RecipeSection, _ directory: String
  ) -> Recipe.ImageEncoder {
    var section = features.section("image")
    defer { section.finish() }
    if let rows = readImported(&section, directory) { return .file(rows) }
    guard section.has("model") else {
      switch section.string("encoder", Recipe.ImageEncoder.names[0]) {
      case Recipe.ImageEncoder.names[0]: return .pixels
      case Recipe.ImageEncoder.names[1]: return .efficientnetLite0
      case let other:
        let names = Recipe.ImageEncoder.names.joined(separator: " or ")
        section.report("encoder", "unknown value '\(other)'; expected \(names), or give a model or a file")
        return .pixels
      }
    }
    if section.has("encoder") {
      _ = section.node("encoder")
      section.report("encoder", "give either encoder or model")
    }
    var model = Recipe.ImageModel(path: resolve(section.string("model", ""), directory))
    model.preset = section.choice("preset", model.preset)
    if section.has("size") { model.size = section.integer("size", 224, in: 8...4096) }
    if section.has("resize") { model.resize = section.integer("resize", 224, in: 8...8192) }
    if section.has("output") { model.output = section.string("output", "") }
    if section.has("pooling") { model.pooling = section.choice("pooling", TokenPooling.cls) }
    return .model(model)
  }
}
