import Decode
import Features
import Shards

/// Rows that models made of one sample.
struct EncodedRows: Sendable {
  /// (d,) unit.
  var image: [Float] = []
  /// (t,) unit: the image in the captions' space.
  var joint: [Float]?
}

/// The models that ingest runs on every accepted sample, shared by all workers.
struct SampleEncoders: Sendable {
  private let image: OnnxImageEncoder
  /// What made the rows, for manifests: equal names, equal rows.
  let imageID: String

  /// Loads the models that a recipe names; nil if it names none.
  ///
  /// - Throws: ``PipelineError`` naming the file and what is wrong with it.
  init?(_ recipe: Recipe) throws {
    guard let model = try ImageModelFile(recipe.features.image) else { return nil }
    try self.init(model, ModelPlaces.runtime())
  }

  init(_ model: ImageModelFile, _ runtime: OnnxRuntime) throws {
    do throws(EncoderError) {
      image = try OnnxImageEncoder(
        OnnxSession(runtime, path: model.path), model.options, joint: model.jointOutput)
    } catch {
      throw PipelineError(.usage, "\(model.path): \(error.description)")
    }
    imageID = try model.id()
  }

  /// d.
  var dimension: Int { image.dimension }
  /// t.
  var jointDimension: Int? { image.jointDimension }
  /// Makes the pictures that ``encode(_:)`` takes.
  var thumbnailer: Thumbnailer { image.preparation.thumbnailer }

  func encode(_ picture: [UInt8]) throws(EncoderError) -> EncodedRows {
    let (row, joint) = try image.encode(picture)
    return EncodedRows(image: row, joint: joint)
  }
}

/// The file of an image model and how it is used.
struct ImageModelFile {
  var path: String
  var options: OnnxImageEncoder.Options
  var jointOutput: String?

  init(path: String, options: OnnxImageEncoder.Options) {
    (self.path, self.options) = (path, options)
  }

  /// nil for encoders that need no model file.
  init?(_ encoder: Recipe.ImageEncoder?) throws(PipelineError) {
    switch encoder {
    case nil, .pixels, .file: return nil
    case .efficientnetLite0:
      path = try ModelPlaces.model(Recipe.ImageEncoder.efficientnetFile)
      options = .init(preset: .efficientnetLite)
      options.output = "embedding"
      jointOutput = "joint"
    case .model(let model):
      path = model.path
      options = model.options
    }
  }

  /// Names file and use: `onnx:<sha256>:…`.
  func id() throws -> String {
    do throws(FileError) {
      let digest = try FileDigest(path: path).sha256
      var parts = ["onnx:" + digest, options.preset.rawValue]
      if let size = options.size { parts.append("size \(size)") }
      if let side = options.shorterSide { parts.append("resize \(side)") }
      if let output = options.output { parts.append("output \(output)") }
      if let pooling = options.pooling { parts.append("pooling \(pooling.rawValue)") }
      return parts.joined(separator: ", ")
    } catch {
      throw PipelineError(.usage, error.description)
    }
  }

  /// What a session is charged to `limits.memory`: the weights as stored and as the runtime packs them, and the
  /// activations of some pictures.
  func memory() throws -> Int {
    guard let status = try FileStatus(path: path) else {
      throw PipelineError(.usage, "\(path): no such file")
    }
    return 2 * Int(status.size) + 64 << 20
  }
}
