internal import Algebra

/// A linear classifier over unit rows of embeddings, with the probability from which each class is believed
/// (Mayilvahanan et al., "In search of forgotten domain generalization", 2024).
///
/// The logit of class j is the fixed-order dot of the row and the weights plus the bias, in Float64; the probabilities
/// are the softmax of the logits, rounded once to Float32. Their bits do not depend on the machine
/// (``FixedOrderMath``).
public struct DomainHead: Sendable, Equatable {
  /// What a sample is that no class claims.
  public static let ambiguous = "ambiguous"
  public static let maximumClasses = 1000
  public static let maximumDimension = 65_536

  /// Names, at least two.
  public let classes: [String]
  /// d.
  public let dimension: Int
  /// `(c, d)`.
  public let weights: [Float]
  /// `(c,)`.
  public let bias: [Float]
  /// `(c,)`: a sample may be of class j iff its probability is at least this; infinite: never.
  public let thresholds: [Double]

  /// - Throws: ``DomainError`` for what does not fit together or is not finite.
  public init(classes: [String], weights: [Float], bias: [Float], thresholds: [Double]) throws(DomainError) {
    let count = classes.count
    guard (2...Self.maximumClasses).contains(count) else {
      throw DomainError("\(count) classes, a head has 2 to \(Self.maximumClasses)")
    }
    try Self.check(names: classes)
    guard bias.count == count, thresholds.count == count, !weights.isEmpty,
      weights.count.isMultiple(of: count), weights.count / count <= Self.maximumDimension
    else { throw DomainError("weights, bias and thresholds do not fit \(count) classes") }
    guard weights.allSatisfy(\.isFinite), bias.allSatisfy(\.isFinite) else {
      throw DomainError("weights or bias hold NaN or an infinity")
    }
    for (name, threshold) in zip(classes, thresholds) where !(threshold >= 0) {
      throw DomainError("the threshold of \(name) is \(threshold), a probability or an infinity is wanted")
    }
    (self.classes, self.weights, self.bias, self.thresholds) = (classes, weights, bias, thresholds)
    dimension = weights.count / count
  }

  /// That names can be told apart, and given in recipes and flags.
  public static func check(names: [String]) throws(DomainError) {
    var seen: Set<String> = []
    for name in names {
      let isPlain = name.unicodeScalars.allSatisfy {
        $0.value >= 32 && $0.value != 127 && !",=".unicodeScalars.contains($0)
      }
      guard !name.isEmpty, name.utf8.count <= 100, isPlain else {
        throw DomainError("a class has a name of 1 to 100 bytes without control characters, comma and =")
      }
      guard name != ambiguous else { throw DomainError("no class can be named '\(ambiguous)'") }
      guard seen.insert(name).inserted else { throw DomainError("two classes are named '\(name)'") }
    }
  }

  /// The number of a class.
  public func index(of name: String) throws(DomainError) -> Int {
    guard let index = classes.firstIndex(of: name) else {
      throw DomainError("no class '\(name)': the head has \(classes.joined(separator: ", "))")
    }
    return index
  }

  /// The probabilities of rows, `(n, c)`.
  ///
  /// - Parameter rows: `(n, d)`, finite.
  public func probabilities(_ rows: [Float], threads: Int = 1) -> [Float] {
    let (count, tile) = (rows.count / dimension, 256)
    precondition(rows.count == count * dimension, "rows of the head's dimension")
    return parallelMap((count + tile - 1) / tile, threads: threads) {
    } _: { index, _ in
      let range = index * tile..<min(count, (index + 1) * tile)
      return probabilities(rows, range)
    }.flatMap { $0 }
  }

  private func probabilities(_ rows: [Float], _ range: Range<Int>) -> [Float] {
    let part = rows.span.extracting(range.lowerBound * dimension..<range.upperBound * dimension)
    let logits = classes.indices.map { j in
      FixedOrderDot.pairs(
        part, with: weights.span, choice: [Int32](repeating: Int32(j), count: range.count),
        dimension: dimension)
    }
    var result: [Float] = []
    result.reserveCapacity(range.count * classes.count)
    for row in 0..<range.count {
      let own = classes.indices.map { logits[$0][row] + Double(bias[$0]) }
      result += FixedOrderMath.softmax(own).map { Float($0) }
    }
    return result
  }

  /// The class of each row of `(n, c)` probabilities: the most probable of those whose threshold is reached, the first
  /// of equal ones; −1 where none is.
  public func classify(_ probabilities: [Float]) -> [Int32] {
    let count = classes.count
    return stride(from: 0, to: probabilities.count, by: count).map { start in
      var best: Int32 = -1
      for j in 0..<count where Double(probabilities[start + j]) >= thresholds[j] {
        if best < 0 || probabilities[start + j] > probabilities[start + Int(best)] { best = Int32(j) }
      }
      return best
    }
  }
}

/// Why there is no head, or it cannot be used.
public struct DomainError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
