internal import Algebra

/// From which probability on a class is believed: the smallest one at which the precision on held-out samples has a
/// Wilson 95 % lower bound of at least the target.
public enum DomainCalibration {
  /// What the held-out samples say of one class.
  public struct Line: Sendable, Equatable {
    /// Held-out samples of the class.
    public var positives: Int
    /// Held-out samples whose probability reaches the threshold, and those of them that are of the class.
    public var called: Int
    public var right: Int
    /// Lower bound of the precision.
    public var bound: Double
    /// Infinite where the class was not calibrated.
    public var threshold: Double

    public init(positives: Int, called: Int, right: Int, bound: Double, threshold: Double) {
      (self.positives, self.called, self.right) = (positives, called, right)
      (self.bound, self.threshold) = (bound, threshold)
    }

    /// Share of those called that are right; NaN where none is.
    public var precision: Double { Double(right) / Double(called) }
    /// Share of the positives that are called.
    public var recall: Double { Double(right) / Double(positives) }
  }

  /// z of a two-sided 95 % interval.
  private static let z = 1.959963984540054

  /// The lower end of the Wilson 95 % interval of a share: `right` of `called` (Wilson 1927).
  public static func wilsonLowerBound(right: Int, called: Int) -> Double {
    guard called > 0 else { return 0 }
    let (n, share) = (Double(called), Double(right) / Double(called))
    let centre = share + z * z / (2 * n)
    let spread = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return (centre - spread) / (1 + z * z / n)
  }

  /// How many samples without an error it takes to reach `target`: 189 for 0.98.
  public static func samplesNeeded(_ target: Double) -> Int {
    var n = max(1, Int(z * z * target / (1 - target)) - 2)
    while wilsonLowerBound(right: n, called: n) < target { n += 1 }
    return n
  }

  /// The best there is for one class.
  ///
  /// - Parameters:
  ///   - probabilities: of the class, `(n,)`.
  ///   - isClass: whether the sample is of the class, `(n,)`.
  ///   - floor: no smaller threshold is tried.
  /// - Returns: the line of the smallest threshold that reaches the target, or the line of the best bound, with an
  ///   infinite threshold, where none does.
  public static func line(_ probabilities: [Float], _ isClass: [Bool], target: Double, floor: Double = 0)
    -> Line
  {
    let order = TopK.descending(probabilities)
    let positives = isClass.count { $0 }
    var found: Line?
    var best = Line(positives: positives, called: 0, right: 0, bound: 0, threshold: .infinity)
    var right = 0
    for (place, row) in order.enumerated() {
      let value = probabilities[Int(row)]
      if Double(value) < floor { break }
      if isClass[Int(row)] { right += 1 }
      // Equal probabilities stand or fall together.
      if place + 1 < order.count, probabilities[Int(order[place + 1])] == value { continue }
      let bound = wilsonLowerBound(right: right, called: place + 1)
      var line = Line(
        positives: positives, called: place + 1, right: right, bound: bound, threshold: .infinity)
      if bound > best.bound { best = line }
      line.threshold = Double(value)
      if bound >= target { found = line }
    }
    return found ?? best
  }

  /// The lines of all classes.
  ///
  /// - Parameters:
  ///   - probabilities: `(n, c)` of the held-out samples.
  ///   - labels: `(n,)`.
  ///   - wanted: classes that are calibrated; the others have an infinite threshold.
  ///   - floor: no smaller threshold is taken.
  ///   - heldOut: share of the labelled samples that is held out, to say how many more labels it takes.
  /// - Throws: ``DomainError`` for the first class whose bound cannot reach the target, with what is missing.
  public static func lines(
    _ probabilities: [Float], labels: [Int32], classes: [String], wanted: Set<Int>, target: Double,
    floor: Double = 0, heldOut: Double
  ) throws(DomainError) -> [Line] {
    let count = classes.count
    var lines: [Line] = []
    for j in 0..<count {
      let own = labels.indices.map { probabilities[$0 * count + j] }
      let isClass = labels.map { $0 == Int32(j) }
      guard wanted.contains(j) else {
        let positives = isClass.count { $0 }
        lines.append(Line(positives: positives, called: 0, right: 0, bound: 0, threshold: .infinity))
        continue
      }
      let line = line(own, isClass, target: target, floor: floor)
      if line.threshold == .infinity { throw missed(line, classes[j], target, heldOut) }
      lines.append(line)
    }
    return lines
  }

  private static func missed(_ line: Line, _ name: String, _ target: Double, _ heldOut: Double) -> DomainError
  {
    let needed = samplesNeeded(target)
    let wanted = "class \(name): a precision of \(target) cannot be shown: "
    if line.positives < needed {
      let total = Int((Double(needed) / heldOut).rounded(.up))
      return DomainError(
        wanted
          + "it takes about \(needed) held-out samples of the class without an error, there are \(line.positives)"
          + (heldOut < 1 ? ": label about \(total) of the class, or lower the precision" : ""))
    }
    let bound = (line.bound * 1e4).rounded(.down) / 1e4
    return DomainError(
      wanted
        + "of \(line.positives) held-out samples of the class, \(line.right) of the \(line.called) most probable "
        + "calls are right, which shows \(bound): more or better labels, or a lower precision")
  }
}
