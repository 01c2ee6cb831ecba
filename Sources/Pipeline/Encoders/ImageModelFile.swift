import Decode
import Features
import Shards

/// The file of an image model and how it is used.
struct ImageModelFile {
  var path: String
  var options: OnnxImageEncoder.Options

  init(path: String, options: OnnxImageEncoder.Options) {
    (self.path, self.options) = (path, options)
  }

  /// nil for encoders that need no model file.
  init?(_ encoder: Recipe.ImageEncoder?) throws(PipelineError) {
    switch encoder {
    case nil, .pixels, .file: return nil
    case .efficientnetLite0(let precision): self = try Self.efficientnet(precision, output: "embedding")
    case .model(let model): self.init(path: model.path, options: model.options)
    }
  }

  /// The default model: its `embedding`, or its `joint` rows in the captions' space.
  static func efficientnet(
    _ precision: Recipe.ModelPrecision, output: String
  ) throws(PipelineError) -> ImageModelFile {
    var options = OnnxImageEncoder.Options(preset: .efficientnetLite)
    options.output = output
    return ImageModelFile(
      path: try ModelPlaces.model(precision.file("efficientnet-lite0")), options: options)
  }

  /// Names file and use: `onnx:<sha256>, …`; equal names, equal rows.
  func id() throws -> String {
    var parts = ["onnx:" + (try ModelFile.digest(path)), options.preset.rawValue]
    if let size = options.size { parts.append("size \(size)") }
    if let side = options.shorterSide { parts.append("resize \(side)") }
    if let fit = options.fit { parts.append("fit \(fit.rawValue)") }
    if let filter = options.filter { parts.append("filter \(filter.rawValue)") }
    if let mean = options.mean { parts.append("mean \(mean)") }
    if let deviation = options.deviation { parts.append("std \(deviation)") }
    if let output = options.output { parts.append("output \(output)") }
    if let pooling = options.pooling { parts.append("pooling \(pooling.rawValue)") }
    return parts.joined(separator: ", ")
  }
}

/// Any file of a model.
enum ModelFile {
  /// SHA-256 in hex.
  static func digest(_ path: String) throws(PipelineError) -> String {
    do throws(FileError) { return try FileDigest(path: path).sha256 } catch {
      throw PipelineError(.usage, error.description)
    }
  }

  /// What a session is charged to `limits.memory`: the weights as stored and as the runtime packs them, and the
  /// activations of some samples.
  static func memory(_ path: String) throws -> Int {
    guard let status = try FileStatus(path: path) else {
      throw PipelineError(.usage, "\(path): no such file")
    }
    return 2 * Int(status.size) + 64 << 20
  }
}
