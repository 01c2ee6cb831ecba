public import Prune
import Shards

/// `HEAD.npz`: a domain head as an archive that `numpy.load(..., allow_pickle=False)` opens (docs/domains.md).
///
/// `weights` `(c, d)` or, of two classes, `(1, d)` for the second; `bias` `(c,)` or `(1,)`; `thresholds` `(c,)`, all of
/// `<f2`, `<f4` or `<f8`; `classes` `(c,)` of `<U` or `|S`. What was measured stands in `calibration` `(c,)`.
public enum DomainHeadFile {
  /// Most weights read: 64 MiB.
  private static let maximumWeights = 1 << 24

  private static let calibrationType = NpyType.record([
    NpyField("positives", .int64), NpyField("called", .int64), NpyField("right", .int64),
    NpyField("bound", .float64), NpyField("target", .float64),
  ])

  /// What the held-out samples said when the thresholds were chosen.
  public struct Calibration: Sendable, Equatable {
    public var target: Double
    public var lines: [DomainCalibration.Line]
  }

  /// Reads a head.
  ///
  /// - Parameter needsThresholds: otherwise a head without thresholds is read, and claims nothing.
  /// - Throws: ``PipelineError`` (usage) where there is no such file, `NpyError` for what is wrong with it.
  public static func read(_ path: String, needsThresholds: Bool = true) throws -> DomainHead {
    guard try FileStatus(path: path) != nil else { throw PipelineError(.usage, "\(path): no such file") }
    let names = try NpzArray.names(in: path)
    func require(_ name: String) throws {
      guard names.contains(name) else {
        throw NpyError(
          path: path,
          "no domain head: the array '\(name)' is missing"
            + (name == "thresholds" ? "; `tamis domain calibrate` finds them" : ""))
      }
    }
    for name in ["classes", "weights", "bias"] { try require(name) }
    if needsThresholds { try require("thresholds") }
    let classes = try texts(path, "classes")
    var weights = try numbers(path, "weights", axes: 2)
    var bias = try numbers(path, "bias", axes: 1)
    if classes.count == 2, weights.shape[0] == 1, bias.shape[0] == 1 {
      // The logit of the second class, as scikit-learn and a single output of PyTorch have it.
      weights = ([2, weights.shape[1]], [Double](repeating: 0, count: weights.values.count) + weights.values)
      bias = ([2], [0] + bias.values)
    }
    guard weights.shape[0] == classes.count, bias.shape[0] == classes.count else {
      throw NpyError(
        path: path, "\(classes.count) classes, weights of shape \(weights.shape) and a bias of \(bias.shape)")
    }
    let thresholds =
      names.contains("thresholds")
      ? try numbers(path, "thresholds", axes: 1).values
      : [Double](repeating: .infinity, count: classes.count)
    do throws(DomainError) {
      return try DomainHead(
        classes: classes, weights: weights.values.map { Float($0) }, bias: bias.values.map { Float($0) },
        thresholds: thresholds)
    } catch {
      throw NpyError(path: path, error.description)
    }
  }

  private static func numbers(
    _ path: String, _ name: String, axes: Int
  ) throws -> (shape: [Int], values: [Double]) {
    let array = try NpzArray(path: path, name: name)
    let (shape, type, shown) = (array.header.shape, array.header.type, array.path)
    guard shape.count == axes, shape.allSatisfy({ $0 > 0 }) else {
      throw NpyError(
        path: shown, "the shape is \(shape), \(axes == 1 ? "one axis is" : "two axes are") wanted")
    }
    guard array.header.count <= maximumWeights else {
      throw NpyError(path: shown, "\(array.header.count) values, a head has at most \(maximumWeights)")
    }
    let bytes = try array.allRows()
    switch type {
    case .float16: return (shape, Float16.decode(bytes).map { Double($0) })
    case .float32: return (shape, Float.decode(bytes).map { Double($0) })
    case .float64: return (shape, Double.decode(bytes))
    default: throw NpyError(path: shown, "the dtype is '\(type.code)', '<f2', '<f4' or '<f8' is wanted")
    }
  }

  private static func texts(_ path: String, _ name: String) throws -> [String] {
    let array = try NpzArray(path: path, name: name)
    let (shape, type, shown) = (array.header.shape, array.header.type, array.path)
    guard shape.count == 1, shape[0] <= DomainHead.maximumClasses,
      let texts = NpyText.decode(type, try array.allRows())
    else {
      throw NpyError(
        path: shown, "one axis of names is wanted, at most \(DomainHead.maximumClasses), dtype '<U' or '|S'")
    }
    return texts
  }

  /// What was measured when the thresholds were chosen; nil where the file does not say.
  public static func calibration(_ path: String) throws -> Calibration? {
    guard try NpzArray.names(in: path).contains("calibration") else { return nil }
    let array = try NpzArray(path: path, name: "calibration")
    let count = array.rowCount
    guard array.header.type == calibrationType, array.header.shape.count == 1,
      count <= DomainHead.maximumClasses
    else { return nil }
    let words = UInt64.decode(try array.allRows())
    let thresholds = try numbers(path, "thresholds", axes: 1).values
    guard thresholds.count == count, count > 0 else { return nil }
    func number(_ row: Int, _ field: Int) -> Int { Int(truncatingIfNeeded: words[5 * row + field]) }
    func double(_ row: Int, _ field: Int) -> Double { Double(bitPattern: words[5 * row + field]) }
    return Calibration(
      target: double(0, 4),
      lines: (0..<count).map { row in
        DomainCalibration.Line(
          positives: number(row, 0), called: number(row, 1), right: number(row, 2), bound: double(row, 3),
          threshold: thresholds[row])
      })
  }

  /// Writes a head in one step, synced; equal heads are equal bytes.
  static func write(_ head: DomainHead, _ calibration: Calibration?, to path: String) throws(FileError) {
    let count = head.classes.count
    let names = NpyText.unicode(head.classes)
    var members = [
      NpzFile.Member("weights", head.weights, shape: [count, head.dimension]),
      NpzFile.Member("bias", head.bias),
      NpzFile.Member("thresholds", head.thresholds),
      NpzFile.Member("classes", names.type, shape: [count], names.bytes),
    ]
    if let calibration {
      var rows: [UInt8] = []
      for line in calibration.lines {
        for number in [line.positives, line.called, line.right] { rows.appendLittleEndian(Int64(number)) }
        for number in [line.bound, calibration.target] { rows.appendLittleEndian(number.bitPattern) }
      }
      members.append(NpzFile.Member("calibration", calibrationType, shape: [count], rows))
    }
    try NpzFile.write(members, to: path)
  }
}

extension DomainHeadFile {
  /// SHA-256 of the file.
  static func digest(_ path: String) throws -> String {
    guard try FileStatus(path: path) != nil else { throw PipelineError(.usage, "\(path): no such file") }
    return try FileDigest(path: path).sha256
  }
}
