import Decode
import Features
import Shards

/// Rows that models made of one sample; nil where no model does.
struct EncodedRows: Sendable {
  /// (d,) unit.
  var image: [Float]?
  /// (t,) unit: the image in the captions' space.
  var joint: [Float]?
  /// (t,) unit; zeros without a caption.
  var text: [Float]?
}

/// The models that ingest runs on every accepted sample, shared by all workers.
struct SampleEncoders: Sendable {
  private let image: OnnxImageEncoder?
  private let text: OnnxTextEncoder?
  private let joint: Joint
  /// What made the rows, for manifests, by column: equal names, equal rows.
  let ids: [String: String]
  /// Make the pictures that ``encode(_:caption:)`` takes.
  let thumbnailers: [Thumbnailer]

  /// Where the image in the captions' space comes from.
  private enum Joint: Sendable {
    case none
    /// Images and captions share a space.
    case image
    /// A further output of the image model.
    case output
    case model(OnnxImageEncoder)
  }

  /// Loads the models that a recipe names; nil if it names none.
  ///
  /// - Throws: ``PipelineError`` naming the file and what is wrong with it.
  init?(_ recipe: Recipe) throws {
    let image = try ImageModelFile(recipe.features.image)
    let text = try TextModelFile(recipe.features.text)
    guard image != nil || text != nil else { return nil }
    var conse: ImageModelFile?
    if case .minilmConSE(let precision)? = recipe.features.text {
      conse = try ImageModelFile.efficientnet(precision, output: "joint")
    }
    let sessions = Sessions(try ModelPlaces.runtime(recipe.models.library), recipe.models.device)
    var ids: [String: String] = [:]
    let isShared = image != nil && image?.path == conse?.path
    self.image = try image.map { try sessions.image($0, joint: isShared ? conse?.options.output : nil) }
    ids["image"] = try image?.id()
    if let text {
      let tokenizer = try TokenizerFiles(text.tokenizer)
      self.text = try sessions.text(text, tokenizer.tokenizer)
      ids["text"] = try text.id(tokenizer: tokenizer.digests)
    } else {
      self.text = nil
    }
    if let conse {
      joint = isShared ? .output : .model(try sessions.image(conse))
      ids["joint"] = try conse.id()
    } else if let t = self.text?.dimension, t == self.image?.dimension {
      joint = .image
      ids["joint"] = ids["image"]
    } else {
      joint = .none
    }
    self.ids = ids.mapValues { $0 + recipe.models.idSuffix }
    var thumbnailers = self.image.map { [$0.preparation.thumbnailer] } ?? []
    if case .model(let encoder) = joint { thumbnailers.append(encoder.preparation.thumbnailer) }
    self.thumbnailers = thumbnailers
  }

  /// d and t of the columns.
  var dimensions: [String: Int] {
    var found: [String: Int] = [:]
    found["image"] = image?.dimension
    found["text"] = text?.dimension
    if case .none = joint { return found }
    found["joint"] = text?.dimension
    return found
  }

  func encode(_ pictures: some Collection<[UInt8]>, caption: String) throws(EncoderError) -> EncodedRows {
    var rows = EncodedRows()
    var pictures = pictures.makeIterator()
    if let image {
      let (row, joint) = try image.encode(pictures.next()!)
      (rows.image, rows.joint) = (row, joint)
    }
    switch joint {
    case .none, .output: break
    case .image: rows.joint = rows.image
    case .model(let encoder): rows.joint = try encoder.encode(pictures.next()!).row
    }
    if let text { rows.text = try text.encode(caption) }
    return rows
  }
}

/// Loads each model file once.
private final class Sessions {
  private let runtime: OnnxRuntime
  private let device: OnnxDevice
  private var loaded: [String: OnnxSession] = [:]

  init(_ runtime: OnnxRuntime, _ device: OnnxDevice) { (self.runtime, self.device) = (runtime, device) }

  func image(_ model: ImageModelFile, joint: String? = nil) throws(PipelineError) -> OnnxImageEncoder {
    do throws(EncoderError) {
      return try OnnxImageEncoder(session(model.path), model.options, joint: joint)
    } catch {
      throw PipelineError(.usage, "\(model.path): \(error.description)")
    }
  }

  func text(
    _ model: TextModelFile, _ tokenizer: any CaptionTokenizer
  ) throws(PipelineError) -> OnnxTextEncoder {
    do throws(EncoderError) {
      return try OnnxTextEncoder(session(model.path), tokenizer, model.options)
    } catch {
      throw PipelineError(.usage, "\(model.path): \(error.description)")
    }
  }

  private func session(_ path: String) throws(EncoderError) -> OnnxSession {
    if let session = loaded[path] { return session }
    let session = try OnnxSession(runtime, path: path, device: device)
    loaded[path] = session
    return session
  }
}

extension Recipe {
  /// Bytes that the models of the recipe are charged to `limits.memory`.
  func modelMemory() throws -> Int {
    var paths: Set<String> = []
    if let image = try ImageModelFile(features.image) { paths.insert(image.path) }
    if let text = try TextModelFile(features.text) { paths.insert(text.path) }
    if case .minilmConSE(let precision)? = features.text {
      paths.insert(try ImageModelFile.efficientnet(precision, output: "joint").path)
    }
    return try paths.reduce(0) { try $0 + ModelFile.memory($1) }
  }
}
