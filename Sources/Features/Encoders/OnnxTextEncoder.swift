/// How the tokens of a caption become one row.
public enum TextPooling: String, Sendable, CaseIterable {
  /// The first token.
  case cls
  /// The mean over the caption's tokens, with those around it.
  case mean
  /// The closing token.
  case last
}

/// A caption model of any kind: captions → unit rows.
///
/// Which inputs take ids and mask, and how long a row of ids is, is read from the model. Captions go through it one at
/// a time, and unpadded unless the model insists on a length, so that a row depends on its caption alone.
public struct OnnxTextEncoder: Sendable {
  /// t.
  public let dimension: Int

  private let session: OnnxSession
  private let tokenizer: any CaptionTokenizer
  private let inputs: [Input]
  private let output: Int
  private let pooling: TextPooling
  /// Most ids of a caption.
  private let limit: Int
  private let pads: Bool

  /// What a user can choose where the model leaves a choice.
  public struct Options: Sendable, Equatable {
    /// The output to take, by name; nil: the one that exporters usually mean.
    public var output: String?
    /// What becomes of a row a token; nil: as usual in the tokenizer's family.
    public var pooling: TextPooling?
    /// Most tokens of a caption, where the model leaves it open; nil: what the tokenizer says.
    public var length: Int?

    public init() {}
  }

  /// Looks at the model and runs it once on a short caption.
  ///
  /// - Throws: ``EncoderError`` naming what was expected and what was found.
  public init(
    _ session: OnnxSession, _ tokenizer: any CaptionTokenizer, _ options: Options = Options()
  ) throws(EncoderError) {
    var inputs: [Input] = []
    for (index, value) in session.inputs.enumerated() { inputs.append(try Input(value, index)) }
    let ids = inputs.filter { $0.role == .ids }
    guard ids.count == 1 else {
      throw EncoderError(
        "a caption model has one input of token ids (int64 or int32, two dimensions), this one has "
          + ModelOutput.list(session.inputs))
    }
    let value = session.inputs[ids[0].index]
    let fixed = value.dimensions[1]
    if let fixed, let length = options.length, fixed != length {
      throw EncoderError("the model takes rows of \(fixed) tokens, not \(length): \(value)")
    }
    let limit = fixed ?? options.length ?? tokenizer.usualLimit
    guard (tokenizer.frame + 1...65_536).contains(limit) else {
      throw EncoderError("\(limit) tokens are no length for a caption: \(value)")
    }
    guard (1...1024).contains(ids[0].rows) else {
      throw EncoderError("a batch of \(ids[0].rows) captions: \(value)")
    }
    self.session = session
    self.tokenizer = tokenizer
    self.inputs = inputs
    self.limit = limit
    pads = fixed != nil
    pooling = options.pooling ?? tokenizer.usualPooling
    output = try Self.output(session.outputs, options, tokenizer.usualPooling)
    let outputs = [output]
    let prepared = Self.prepare("a picture", tokenizer, limit: limit, pads: fixed != nil)
    let trial = try session.run(inputs.map { $0.tensor(prepared.ids, prepared.length) }, outputs: outputs)
    dimension = try Self.row(trial[0], rows: ids[0].rows, length: prepared.length, pooling).count
  }

  /// The unit row of a caption; zeros if it is white space or nothing.
  ///
  /// - Throws: ``EncoderError`` if the model fails or gives a row of zeros or NaN.
  public func encode(_ caption: String) throws(EncoderError) -> [Float] {
    if caption.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
      return [Float](repeating: 0, count: dimension)
    }
    let prepared = Self.prepare(caption, tokenizer, limit: limit, pads: pads)
    let arrays = try session.run(inputs.map { $0.tensor(prepared.ids, prepared.length) }, outputs: [output])
    let rows = inputs.first { $0.role == .ids }!.rows
    let row = try UnitRow.make(Self.row(arrays[0], rows: rows, length: prepared.length, pooling))
    guard row.count == dimension else {
      throw EncoderError("the model gave \(row.count) numbers, and \(dimension) before")
    }
    return row
  }

  private static func prepare(
    _ caption: String, _ tokenizer: any CaptionTokenizer, limit: Int, pads: Bool
  ) -> (ids: [Int32], length: Int) {
    if pads { return tokenizer.encodePadded(caption, limit: limit) }
    let ids = tokenizer.encode(caption, limit: limit)
    return (ids, ids.count)
  }

  /// Names that exporters give to the row one wants, best first.
  private static let usualOutputs = [
    "text_embeds", "sentence_embedding", "embedding", "embeddings", "text_features",
  ]

  private static func output(
    _ outputs: [OnnxValue], _ options: Options, _ pooling: TextPooling
  ) throws(EncoderError) -> Int {
    if let name = options.output { return try ModelOutput.named(name, among: outputs) }
    if options.pooling != nil { return try ModelOutput.usual([], ranks: [3, 2], among: outputs) }
    // What BERT calls pooler_output was trained for another task: the mean of its tokens is better.
    return pooling == .mean
      ? try ModelOutput.usual(usualOutputs, ranks: [3, 2], among: outputs)
      : try ModelOutput.usual(usualOutputs + ["pooler_output"], ranks: [2, 3], among: outputs)
  }

  /// The first row of an output: (n, d), or tokens (n, t, d) pooled.
  private static func row(
    _ array: OnnxArray, rows: Int, length: Int, _ pooling: TextPooling
  ) throws(EncoderError) -> [Float] {
    let (shape, values) = (array.shape, array.values ?? [])
    let count = shape.reduce(1, *)
    guard (2...3).contains(shape.count), shape[0] == rows, values.count == count, count > 0 else {
      throw EncoderError("an output of shape \(shape), where \(rows) rows were expected")
    }
    guard shape.count == 3 else { return Array(values[..<shape[1]]) }
    let width = shape[2]
    guard shape[1] >= length else {
      throw EncoderError("an output of shape \(shape) for \(length) tokens")
    }
    switch pooling {
    case .cls: return Array(values[..<width])
    case .last: return Array(values[(length - 1) * width..<length * width])
    case .mean: return ModelOutput.mean(values[...], 0..<length, width: width)
    }
  }
}

/// An input of a caption model and what it gets.
private struct Input: Sendable {
  enum Role { case ids, mask, types, positions, picture }

  let role: Role
  let index: Int
  private let type: OnnxType
  /// Of a picture.
  private let shape: [Int]
  /// Captions the model takes at once; all but the first are copies of it.
  let rows: Int

  init(_ value: OnnxValue, _ index: Int) throws(EncoderError) {
    self.index = index
    rows = value.dimensions.first.flatMap { $0 } ?? 1
    let name = value.name.lowercased()
    switch (value.type, value.dimensions.count) {
    case (.int64?, 2), (.int32?, 2):
      role =
        name.contains("mask")
        ? .mask
        : name.contains("type") || name.contains("segment")
          ? .types : name.contains("position") ? .positions : .ids
      shape = []
    case (.float32?, 4), (.float16?, 4), (.uint8?, 4):
      role = .picture
      let isPlanar = value.dimensions[3] != 3
      let usual = isPlanar ? [1, 3, 224, 224] : [1, 224, 224, 3]
      shape = zip(value.dimensions, usual).map { $0 ?? $1 }
      guard shape.allSatisfy({ (1...4096).contains($0) }), shape.reduce(1, *) <= 1 << 24 else {
        throw EncoderError("an input that is no picture: \(value)")
      }
    default:
      throw EncoderError(
        "an input that is neither token ids (int64 or int32, two dimensions) nor picture: \(value)")
    }
    type = value.type!
  }

  func tensor(_ ids: [Int32], _ length: Int) -> OnnxTensor {
    let values: [Int32]
    switch role {
    case .ids: values = ids
    case .mask: values = ids.indices.map { $0 < length ? 1 : 0 }
    case .types: values = [Int32](repeating: 0, count: ids.count)
    case .positions: values = ids.indices.map { Int32($0) }
    case .picture:
      let width = type == .uint8 ? 1 : type == .float16 ? 2 : 4
      return OnnxTensor(
        input: index, type: type, dimensions: shape,
        bytes: [UInt8](repeating: 0, count: shape.reduce(width, *)))
    }
    var bytes: [UInt8] = []
    for value in values {
      bytes += type == .int64 ? Int64(value).littleEndianBytes : value.littleEndianBytes
    }
    let all = rows == 1 ? bytes : (0..<rows).flatMap { _ in bytes }
    return OnnxTensor(input: index, type: type, dimensions: [rows, ids.count], bytes: all)
  }
}
