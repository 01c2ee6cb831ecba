public import Decode

/// How a grid of tokens becomes one row.
public enum TokenPooling: String, Sendable, CaseIterable {
  /// The first token.
  case cls
  /// The mean over all tokens.
  case mean
  /// The mean over all tokens but the first.
  case patches
}

/// An image model of any kind: squares of 8-bit RGB → unit rows.
///
/// Layout, element type, size and outputs are read from the model. Pictures go through it one at a time (a model of a
/// fixed batch gets zeros for the others), so that a row depends on its picture alone.
public struct OnnxImageEncoder: Sendable {
  /// How a picture is brought to the model's square.
  public let preparation: ImagePreparation
  /// d.
  public let dimension: Int
  /// t, entries of the row in the captions' space; nil for models without one.
  public let jointDimension: Int?

  private let session: OnnxSession
  private let input: Int
  /// Of the image input.
  private let shape: [Int]
  private let type: OnnxType
  private let batch: Int
  private let pooling: TokenPooling?
  private let outputs: [Int]
  private let numbers: PixelNumbers
  /// Inputs that have nothing to do with the picture, in joint models.
  private let fillers: [OnnxTensor]

  /// What a user can choose where the model leaves a choice.
  public struct Options: Sendable, Equatable {
    public var preset: ImagePreset
    /// Side in pixels that the shorter side gets before the middle is cut out; nil: the preset's way.
    public var shorterSide: Int?
    /// Side of the square in pixels, where the model leaves it open; nil: the preset's.
    public var size: Int?
    /// Cut the middle out, or squash to the square; nil: the preset's way.
    public var fit: ThumbnailFit?
    /// nil: the preset's.
    public var filter: ResampleFilter?
    /// Of R, G, B in 0…1, three numbers; nil: the preset's.
    public var mean: [Double]?
    /// The same, above 0.
    public var deviation: [Double]?
    /// The output to take, by name; nil: the one that exporters usually mean.
    public var output: String?
    /// What becomes of a grid of tokens; nil: the first token.
    public var pooling: TokenPooling?

    public init(preset: ImagePreset) { self.preset = preset }
  }

  /// Looks at the model and runs it once on a grey picture.
  ///
  /// - Parameter joint: name of a further output with rows in the captions' space.
  /// - Throws: ``EncoderError`` naming what was expected and what was found.
  public init(_ session: OnnxSession, _ options: Options, joint: String? = nil) throws(EncoderError) {
    let candidates = session.inputs.indices.filter { session.inputs[$0].dimensions.count == 4 }
    guard candidates.count == 1, let index = candidates.first else {
      throw EncoderError(
        "an image model has one input of four dimensions, this one has "
          + ModelOutput.list(session.inputs))
    }
    let value = session.inputs[index]
    guard let type = value.type, [.float32, .float16, .uint8].contains(type) else {
      throw EncoderError("the image input must be float32, float16 or uint8, it is \(value)")
    }
    let given = value.dimensions
    let isPlanar = given[1] == 3 || (given[3] != 3 && given[1] == nil)
    let sides = isPlanar ? [given[2], given[3]] : [given[1], given[2]]
    guard (isPlanar ? given[1] : given[3]) ?? 3 == 3 else {
      throw EncoderError("the image input must have three channels, first or last; it is \(value)")
    }
    if let height = sides[0], let width = sides[1], height != width {
      throw EncoderError("the image input must be square, it is \(value)")
    }
    let fixed = sides[0] ?? sides[1]
    var preparation = options.preset.preparation
    if let size = options.size ?? fixed ?? (options.preset == .sscd && type == .uint8 ? 224 : nil) {
      preparation.take(size: size)
    }
    if let fixed, preparation.size != fixed {
      throw EncoderError("the model takes pictures of \(fixed) x \(fixed), not \(preparation.size): \(value)")
    }
    try preparation.take(options)
    let batch = given[0] ?? 1
    guard (1...1024).contains(batch) else { throw EncoderError("a batch of \(batch) pictures: \(value)") }
    let area = preparation.size * preparation.size
    let numbers = PixelNumbers(preparation.table(), type, isPlanar: isPlanar, area: area, batch: batch)
    var fillers: [OnnxTensor] = []
    for other in session.inputs.indices where other != index {
      fillers.append(try Self.filler(session.inputs[other], other))
    }
    var outputs = [try Self.output(session.outputs, named: options.output)]
    if let joint { outputs.append(try ModelOutput.named(joint, among: session.outputs)) }
    let isGrid = session.outputs[outputs[0]].dimensions.count == 3
    let pooling = options.pooling ?? (isGrid ? .cls : nil)

    let size = preparation.size
    let shape = isPlanar ? [batch, 3, size, size] : [batch, size, size, 3]
    let grey = [UInt8](repeating: 127, count: area * 3)
    let trial = try numbers.with(grey) { bytes throws(EncoderError) in
      let tensor = OnnxTensor(input: index, type: type, dimensions: shape, bytes: bytes)
      return try session.run([tensor] + fillers, outputs: outputs)
    }
    dimension = try Self.row(trial[0], batch, pooling).count
    jointDimension = trial.count > 1 ? try Self.row(trial[1], batch, pooling).count : nil
    self.session = session
    input = index
    self.shape = shape
    self.type = type
    self.preparation = preparation
    self.batch = batch
    self.numbers = numbers
    self.fillers = fillers
    self.outputs = outputs
    self.pooling = pooling
  }

  /// The unit row of a square picture, and its row in the captions' space if there is one.
  ///
  /// - Parameter picture: size × size × 3 bytes as ``preparation`` makes them.
  /// - Throws: ``EncoderError`` if the model fails or gives a row of zeros or NaN.
  public func encode(_ picture: [UInt8]) throws(EncoderError) -> (row: [Float], joint: [Float]?) {
    let arrays = try numbers.with(picture) { bytes throws(EncoderError) in
      let tensor = OnnxTensor(input: input, type: type, dimensions: shape, bytes: bytes)
      return try session.run([tensor] + fillers, outputs: outputs)
    }
    let row = try UnitRow.make(Self.row(arrays[0], batch, pooling))
    guard row.count == dimension else {
      throw EncoderError("the model gave \(row.count) numbers, and \(dimension) before")
    }
    return (row, arrays.count > 1 ? try UnitRow.make(Self.row(arrays[1], batch, pooling)) : nil)
  }

  // MARK: Reading the model

  /// Token ids and masks of a joint model, for one caption of nothing.
  private static func filler(_ value: OnnxValue, _ index: Int) throws(EncoderError) -> OnnxTensor {
    guard let type = value.type, type == .int64 || type == .int32, value.dimensions.count == 2 else {
      throw EncoderError("an input that is neither picture nor tokens: \(value)")
    }
    let shape = [value.dimensions[0] ?? 1, value.dimensions[1] ?? 77]
    let isMask = value.name.contains("mask")
    let width = type == .int64 ? 8 : 4
    var bytes = [UInt8](repeating: 0, count: shape[0] * shape[1] * width)
    if isMask { for place in stride(from: 0, to: bytes.count, by: width) { bytes[place] = 1 } }
    return OnnxTensor(input: index, type: type, dimensions: shape, bytes: bytes)
  }

  /// Names that exporters give to the row one wants, best first.
  private static let usualOutputs = [
    "image_embeds", "embedding", "embeddings", "image_features", "pooler_output", "sentence_embedding",
  ]

  private static func output(_ outputs: [OnnxValue], named name: String?) throws(EncoderError) -> Int {
    if let name { return try ModelOutput.named(name, among: outputs) }
    return try ModelOutput.usual(usualOutputs, ranks: [2, 3, 4], among: outputs)
  }

  // MARK: Numbers in and out

  /// The first row of an output: (n, d), tokens (n, t, d) pooled, or a map (n, d, y, x) averaged.
  private static func row(
    _ array: OnnxArray, _ batch: Int, _ pooling: TokenPooling?
  ) throws(EncoderError) -> [Float] {
    let (shape, values) = (array.shape, array.values ?? [])
    guard shape.count >= 2, shape[0] == batch, values.count == shape.reduce(1, *), !values.isEmpty else {
      throw EncoderError("an output of shape \(shape), where \(batch) rows were expected")
    }
    let first = values[..<(values.count / batch)]
    switch shape.count {
    case 2: return Array(first)
    case 3:
      let (tokens, width) = (shape[1], shape[2])
      switch pooling ?? .cls {
      case .cls: return Array(first.prefix(width))
      case .mean: return ModelOutput.mean(first, 0..<tokens, width: width)
      case .patches:
        guard tokens > 1 else { throw EncoderError("one token, so there are no patches to average") }
        return ModelOutput.mean(first, 1..<tokens, width: width)
      }
    case 4:
      let area = shape[2] * shape[3]
      return (0..<shape[1]).map { channel in
        var sum = 0.0
        for place in 0..<area { sum += Double(first[channel * area + place]) }
        return Float(sum / Double(area))
      }
    default: throw EncoderError("an output of shape \(shape): not rows, tokens or a feature map")
    }
  }
}
