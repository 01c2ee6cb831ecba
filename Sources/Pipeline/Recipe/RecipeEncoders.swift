import Decode
public import Features

extension Recipe {
  /// What makes a row of an image.
  public enum ImageEncoder: Sendable, Equatable, Encodable {
    /// Whitened leading principal components of the thumbnail (rule 10); needs no model file.
    case pixels
    /// The default model, made by `scripts/build-models`: 1 280 pooled features.
    case efficientnetLite0(ModelPrecision)
    /// An ONNX model of the user.
    case model(ImageModel)
    /// Rows that were made elsewhere.
    case file(ImportedRows)

    /// Names in a recipe.
    static let names = ["pixels", "efficientnet-lite0"]

    public func encode(to encoder: any Encoder) throws {
      switch self {
      case .pixels: try ["encoder": Self.names[0]].encode(to: encoder)
      case .efficientnetLite0(let precision):
        try ["encoder": Self.names[1], "precision": precision.rawValue].encode(to: encoder)
      case .model(let model): try model.encode(to: encoder)
      case .file(let rows): try rows.encode(to: encoder)
      }
    }
  }

  /// What runs models: a matter of the machine, so it is no part of the file.
  public struct ModelRuntime: Sendable, Equatable {
    /// The library; nil: searched for, see `ModelPlaces`.
    public var library: String?
    public var device = OnnxDevice.cpu

    public init() {}

    /// Rows of another device are other rows.
    var idSuffix: String { device == .cpu ? "" : ", " + device.name }
  }

  /// Which variant of a default model: 8-bit integers by default, as the quality is the same in half the time
  /// (docs/models.md).
  public enum ModelPrecision: String, Sendable, CaseIterable {
    case int8, fp32

    /// The file of a default model: `minilm-int8.onnx`, `minilm.onnx`.
    func file(_ model: String) -> String { model + (self == .int8 ? "-int8.onnx" : ".onnx") }
  }

  /// An ONNX model of the user and how its pictures are prepared.
  public struct ImageModel: Sendable, Equatable, Encodable {
    public var path: String
    public var options = OnnxImageEncoder.Options(preset: .none)

    public init(path: String) { self.path = path }

    enum CodingKeys: String, CodingKey {
      case preset, size, resize, fit, filter, mean, output, pooling
      case path = "model"
      case deviation = "std"
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(path, forKey: .path)
      try values.encode(options.preset.rawValue, forKey: .preset)
      try values.encodeIfPresent(options.size, forKey: .size)
      try values.encodeIfPresent(options.shorterSide, forKey: .resize)
      try values.encodeIfPresent(options.fit?.rawValue, forKey: .fit)
      try values.encodeIfPresent(options.filter?.rawValue, forKey: .filter)
      try values.encodeIfPresent(options.mean, forKey: .mean)
      try values.encodeIfPresent(options.deviation, forKey: .deviation)
      try values.encodeIfPresent(options.output, forKey: .output)
      try values.encodeIfPresent(options.pooling?.rawValue, forKey: .pooling)
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
      case Recipe.ImageEncoder.names[1]:
        return .efficientnetLite0(section.choice("precision", .int8))
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
    var options = model.options
    options.preset = section.choice("preset", options.preset)
    if section.has("size") { options.size = section.integer("size", 224, in: 8...4096) }
    if section.has("resize") { options.shorterSide = section.integer("resize", 224, in: 8...8192) }
    if section.has("fit") { options.fit = section.choice("fit", .crop) }
    if section.has("filter") { options.filter = section.choice("filter", .bicubic) }
    if section.has("mean") { options.mean = section.channels("mean") }
    if section.has("std") { options.deviation = section.channels("std", isPositive: true) }
    if section.has("output") { options.output = section.string("output", "") }
    if section.has("pooling") { options.pooling = section.choice("pooling", TokenPooling.cls) }
    model.options = options
    return .model(model)
  }
}

extension RecipeSection {
  /// Three numbers, of R, G and B in 0…1; nil, and reported, if they are not.
  fileprivate mutating func channels(_ key: String, isPositive: Bool = false) -> [Double]? {
    let texts = strings(key, [])
    let values = texts.compactMap { Double($0) }.filter(\.isFinite)
    if texts.count == 3, values.count == 3, !isPositive || values.allSatisfy({ $0 > 0 }) { return values }
    report(key, "expected three numbers\(isPositive ? " above 0" : ""), of red, green and blue in 0 to 1")
    return nil
  }
}
