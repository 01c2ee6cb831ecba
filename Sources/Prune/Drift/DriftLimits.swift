internal import Glibc

/// How far a window may be from the plan by chance, for one look at it.
///
/// With n rows in the plan, w in the window and N = n·w/(n + w):
/// - KS: √(ln(2/α)/2)/√N, Smirnov's limit with the bound of Massart (1990), which Wei and Dudley ("Two-sample
///   Dvoretzky-Kiefer-Wolfowitz inequalities", 2012) show for two samples;
/// - PSI: N·PSI is χ² with as many degrees of freedom as there are cells less one (Yurdakul, "Statistical properties of
///   population stability index", 2018), its quantile by Wilson and Hilferty (1931); few samples a cell make the mean
///   larger by a factor 1 + mean(1/E + 1/A), E expected in the window and A in the plan, which the limit takes. Cells
///   that expect fewer than 10 are counted as one;
/// - one concept: given how many of plan and window together are in it, those of the window are binomial with w/(n + w):
///   exact tails (Przyborowski and Wilenski, 1940).
///
/// What the correction of the fitted rows (``DriftReference``) moved is not known better than to a half: a half of the
/// KS distance is added to the KS limit, and a half of the rows moved widens those of the concepts and of PSI.
struct DriftLimits: Sendable {
  let ks: Double
  let psi: Double
  /// The least number of samples in the window that is too many, and the most that is too few, `(k,)`.
  let tooMany: [Int]
  let tooFew: [Int]
  /// The cell of each concept, `(k,)`; small ones share one.
  let cells: [Int]
  /// Rows of the plan in each cell.
  let planned: [Int]

  /// Samples that a cell of its own expects at least.
  private static let leastExpected = 10.0

  /// - Parameter chance: of a false alarm by this look.
  init(_ reference: DriftReference, correction: Double, window: Int, chance: Double) {
    let part = chance / 3
    let total = max(1, reference.counts.reduce(0, +))
    let (n, w) = (Double(total), Double(window))
    let r = Double(max(1, reference.distances.count))
    ks = (log(2 / part) / 2 * (1 / w + 1 / r)).squareRoot() + correction / 2
    let slack = zip(reference.counts, reference.sizes).map { (abs($0 - $1) + 1) / 2 }

    var cells: [Int] = []
    var planned: [Int] = [0]
    for count in reference.counts {
      if Double(count) / n * w >= Self.leastExpected {
        cells.append(planned.count)
        planned.append(count)
      } else {
        cells.append(0)
        planned[0] += count
      }
    }
    if planned.count > 1, planned[0] > 0, Double(planned[0]) / n * w < Self.leastExpected {
      // Too few even together: they join the smallest of the others.
      let smallest = (1..<planned.count).min { planned[$0] < planned[$1] }!
      planned[smallest] += planned[0]
      planned[0] = 0
      cells = cells.map { $0 == 0 ? smallest : $0 }
    }
    (self.cells, self.planned) = (cells, planned)
    let live = planned.indices.filter { planned[$0] > 0 }
    var moved = [Double](repeating: 0, count: planned.count)
    for (concept, cell) in cells.enumerated() { moved[cell] += Double(slack[concept]) }
    psi = Self.psi(live.map { Double(planned[$0]) }, live.map { moved[$0] }, n: n, w: w, chance: part)

    let each = part / Double(2 * max(1, reference.counts.count))
    let share = w / (n + w)
    tooMany = zip(reference.counts, slack).map { count, slack in
      Self.least(in: 0..<window + 1) {
        Binomial.upperTail(from: $0, of: $0 + count + slack, share) <= each
      }
    }
    tooFew = zip(reference.counts, slack).map { count, slack in
      let rest = max(0, count - slack)
      return Self.least(in: 0..<window + 1) {
        Binomial.upperTail(from: rest, of: $0 + rest, 1 - share) > each
      } - 1
    }
  }

  private static func psi(
    _ planned: [Double], _ moved: [Double], n: Double, w: Double, chance: Double
  ) -> Double {
    guard planned.count > 1 else { return .infinity }
    let size = n * w / (n + w)
    var shift = 0.0
    var inflation = 0.0
    for (count, moved) in zip(planned, moved) {
      shift += moved * moved / (n * count)
      inflation += n / (count * w) + 1 / count
    }
    // A χ² with that shift is like a larger one with fewer degrees of freedom (Patnaik, 1949).
    let freedom = Double(planned.count - 1)
    let noncentral = size * shift
    let scale = (freedom + 2 * noncentral) / (freedom + noncentral)
    let f = (freedom + noncentral) * (freedom + noncentral) / (freedom + 2 * noncentral)
    let z = Normal.quantile(above: chance)
    let root = 1 - 2 / (9 * f) + z * (2 / (9 * f)).squareRoot()
    return scale * f * root * root * root * (1 + inflation / Double(planned.count)) / size
  }

  /// The first number of a range for which a condition holds that holds from there on; the end if none.
  private static func least(in range: Range<Int>, _ holds: (Int) -> Bool) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Tails of the binomial distribution.
package enum Binomial {
  /// P(X ≥ `from`) for `of` trials of chance `p`, summed term by term from the tail's largest.
  package static func upperTail(from: Int, of n: Int, _ p: Double) -> Double {
    if from <= 0 { return 1 }
    if from > n { return 0 }
    // Below the mean the other tail is the short one.
    return Double(from) > Double(n) * p ? tail(from, n, p) : 1 - tail(n - from + 1, n, 1 - p)
  }

  /// The same for `from` above the mean, where terms fall.
  private static func tail(_ from: Int, _ n: Int, _ p: Double) -> Double {
    let (k, all) = (Double(from), Double(n))
    var term = exp(
      lgamma(all + 1) - lgamma(k + 1) - lgamma(all - k + 1) + k * log(p) + (all - k) * log1p(-p))
    var sum = 0.0
    for x in from...n {
      sum += term
      if term <= sum * 1e-17 { break }
      term *= Double(n - x) / Double(x + 1) * p / (1 - p)
    }
    return min(1, sum)
  }
}

/// The normal distribution.
package enum Normal {
  /// The z above which a normal value lies with a chance of 0…0.5, by bisection of the error function.
  package static func quantile(above chance: Double) -> Double {
    var (low, high) = (0.0, 38.0)
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if erfc(middle / 2.0.squareRoot()) / 2 > chance { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
