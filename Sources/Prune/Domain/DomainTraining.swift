internal import Algebra

/// The weights of a domain head from labelled rows: logistic regression with an L2 penalty,
/// min ½·Σ w² + C·Σᵢ −ln p(labelᵢ | rowᵢ), the bias without penalty (the objective of scikit-learn's
/// `LogisticRegression`). Two classes have one weight vector, more have one each.
///
/// The sums run over fixed blocks of rows in the order given, so the bits do not depend on the number of threads.
public enum DomainTraining {
  /// Labelled rows; give them in an order of their own (by key), as sums follow it.
  public struct Examples: Sendable {
    /// `(n, d)`.
    public var rows: [Float]
    /// `(n,)`, from 0.
    public var labels: [Int32]
    public var dimension: Int

    public init(rows: [Float], labels: [Int32], dimension: Int) {
      precondition(rows.count == labels.count * dimension, "a label for each row")
      (self.rows, self.labels, self.dimension) = (rows, labels, dimension)
    }
  }

  public struct Options: Sendable {
    /// C, above 0: larger follows the labels more closely.
    public var closeness = 10.0
    /// Most Newton steps.
    public var rounds = 200
    public var threads = 1

    public init() {}
  }

  /// What was fitted.
  public struct Fit: Sendable {
    /// `(c, d)` and `(c,)`; of two classes the rows are −w/2 and w/2.
    public var weights: [Double]
    public var bias: [Double]
    public var rounds: Int
    /// Value of the objective.
    public var loss: Double
  }

  /// - Throws: ``DomainError`` where the search does not end.
  public static func fit(
    _ examples: Examples, classes: Int, _ options: Options = Options()
  ) throws(DomainError) -> Fit {
    let (d, count) = (examples.dimension, examples.labels.count)
    precondition(classes >= 2 && count > 0 && options.closeness > 0, "something to fit")
    let vectors = classes == 2 ? 1 : classes
    var objective = Objective(examples: examples, vectors: vectors, options: options)
    // A gradient entry is a sum of `count` terms: its rounding error is in proportion.
    let floor = 1e-13 * options.closeness * Double(count)
    let minimum = TruncatedNewton.minimise(
      &objective, from: [Double](repeating: 0, count: vectors * (d + 1)), tolerance: max(1e-8, floor),
      rounds: options.rounds)
    guard minimum.gradient <= max(1e-4, 1e6 * floor) else {
      throw DomainError(
        "the training did not come to an end in \(minimum.rounds) rounds; a smaller C makes it easier")
    }
    let theta = minimum.point
    var fit = Fit(weights: [], bias: [], rounds: minimum.rounds, loss: minimum.value)
    if classes == 2 {
      fit.weights = theta[..<d].map { -$0 / 2 } + theta[..<d].map { $0 / 2 }
      fit.bias = [-theta[d] / 2, theta[d] / 2]
    } else {
      for j in 0..<classes { fit.weights += theta[j * (d + 1)..<j * (d + 1) + d] }
      let biases = (0..<classes).map { theta[$0 * (d + 1) + d] }
      // Only differences matter; the sum is made 0.
      let mean = biases.reduce(0, +) / Double(classes)
      fit.bias = biases.map { $0 - mean }
    }
    return fit
  }
}

/// The objective with its derivatives.
private struct Objective: ConvexFunction, Sendable {
  let examples: DomainTraining.Examples
  /// 1 for two classes, whose first has the logit 0.
  let vectors: Int
  let options: DomainTraining.Options
  /// `(n, vectors)`, of the last evaluation: of the second class where there are two.
  private var probabilities: [Double] = []

  init(examples: DomainTraining.Examples, vectors: Int, options: DomainTraining.Options) {
    (self.examples, self.vectors, self.options) = (examples, vectors, options)
  }

  /// A block's share of a sum over rows.
  private struct Part: Sendable {
    var loss = 0.0
    var sum: [Double]
    var probabilities: [Double] = []
  }

  mutating func evaluate(_ theta: [Double], _ gradient: inout [Double]) -> Double {
    let own = self
    let parts = blocks { range in own.slope(range, theta) }
    probabilities = parts.flatMap(\.probabilities)
    var loss = 0.0
    for part in parts { loss += part.loss }
    gradient = total(parts, theta)
    var penalty = 0.0
    for i in theta.indices where i % (examples.dimension + 1) < examples.dimension {
      penalty += theta[i] * theta[i]
    }
    return penalty / 2 + options.closeness * loss
  }

  func curvature(times direction: [Double]) -> [Double] {
    total(blocks { range in bend(range, direction) }, direction)
  }

  /// Blocks depend on the number of rows alone.
  private func blocks(_ body: @Sendable (Range<Int>) -> Part) -> [Part] {
    let n = examples.labels.count
    let block = max(256, (n + 63) / 64)
    return parallelMap((n + block - 1) / block, threads: options.threads) {
    } _: { index, _ in
      body(index * block..<min(n, (index + 1) * block))
    }
  }

  /// C times the sum over the rows, and the penalty's share.
  private func total(_ parts: [Part], _ vector: [Double]) -> [Double] {
    var total = [Double](repeating: 0, count: vector.count)
    for part in parts {
      for i in total.indices { total[i] += part.sum[i] }
    }
    for i in total.indices {
      total[i] *= options.closeness
      if i % (examples.dimension + 1) < examples.dimension { total[i] += vector[i] }
    }
    return total
  }

  /// Loss, gradient and probabilities of some rows.
  private func slope(_ range: Range<Int>, _ theta: [Double]) -> Part {
    var part = Part(sum: [Double](repeating: 0, count: theta.count))
    for i in range {
      var logits = vectors == 1 ? [0.0] : []
      for j in 0..<vectors { logits.append(product(theta, j, i)) }
      let label = Int(examples.labels[i])
      let most = logits.max() ?? 0
      let powers = logits.map { FixedOrderMath.exp($0 - most) }
      var sum = 0.0
      for power in powers { sum += power }
      part.loss += FixedOrderMath.log(sum) + most - logits[label]
      for j in 0..<vectors {
        let kind = vectors == 1 ? 1 : j
        let probability = powers[kind] / sum
        part.probabilities.append(probability)
        add(probability - (kind == label ? 1 : 0), i, to: &part.sum, j)
      }
    }
    return part
  }

  /// The Hessian of some rows times a direction.
  private func bend(_ range: Range<Int>, _ direction: [Double]) -> Part {
    var part = Part(sum: [Double](repeating: 0, count: direction.count))
    var turns = [Double](repeating: 0, count: vectors)
    for i in range {
      var mean = 0.0
      for j in 0..<vectors {
        turns[j] = product(direction, j, i)
        mean += probabilities[i * vectors + j] * turns[j]
      }
      for j in 0..<vectors { add(probabilities[i * vectors + j] * (turns[j] - mean), i, to: &part.sum, j) }
    }
    return part
  }

  /// Vector `j` of `vectors` times row `i`, its bias times 1, in eight running sums that are added up in a fixed order.
  @inline(__always)
  private func product(_ vectors: [Double], _ j: Int, _ i: Int) -> Double {
    let d = examples.dimension
    let a = vectors.span.extracting(j * (d + 1)..<(j + 1) * (d + 1))
    let b = examples.rows.span.extracting(i * d..<(i + 1) * d)
    var sums = SIMD8<Double>.zero
    var t = 0
    while t + 8 <= d {
      let left = SIMD8<Double>(
        a[t], a[t + 1], a[t + 2], a[t + 3], a[t + 4], a[t + 5], a[t + 6], a[t + 7])
      let right = SIMD8<Float>(
        b[t], b[t + 1], b[t + 2], b[t + 3], b[t + 4], b[t + 5], b[t + 6], b[t + 7])
      sums += left * SIMD8<Double>(right)
      t += 8
    }
    var sum = a[d]
    for lane in 0..<8 { sum += sums[lane] }
    while t < d {
      sum += a[t] * Double(b[t])
      t += 1
    }
    return sum
  }

  /// Adds `factor` times row `i`, and times 1 for the bias, to vector `j`.
  @inline(__always)
  private func add(_ factor: Double, _ i: Int, to vectors: inout [Double], _ j: Int) {
    let d = examples.dimension
    let row = examples.rows.span.extracting(i * d..<(i + 1) * d)
    var slot = vectors.mutableSpan
    let start = j * (d + 1)
    for t in row.indices { slot[start + t] += factor * Double(row[t]) }
    slot[start + d] += factor
  }
}
