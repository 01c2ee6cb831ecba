/// How many samples of each class a mixture has.
struct DomainMixture {
  /// By class of the head, 0 where the mixture has none.
  private let parts: [Int]
  private let available: [Int]
  private let names: [String]

  /// - Parameter samples: of each class, as many as there are.
  init(_ mix: [String: Int], _ head: DomainHead, samples: [Int]) throws(DomainError) {
    var parts = [Int](repeating: 0, count: head.classes.count)
    for name in mix.keys.sorted() { parts[try head.index(of: name)] = mix[name]! }
    (self.parts, names) = (parts, head.classes)
    available = Array(samples.prefix(parts.count))
    for j in parts.indices where parts[j] > 0 && available[j] == 0 {
      throw DomainError("the mixture needs samples of class \(names[j]), and there is none")
    }
  }

  /// Samples by class.
  ///
  /// - Parameter total: nil: the largest there are samples for.
  func seats(total: Int?) throws(DomainError) -> [Int] {
    let most = largestTotal()
    guard let total, total > most else { return Self.seats(parts, total: total ?? most) }
    let wanted = Self.seats(parts, total: total)
    let short = parts.indices.first { wanted[$0] > available[$0] } ?? 0
    throw DomainError(
      "class \(names[short]): \(wanted[short]) samples wanted for a total of \(total), there are "
        + "\(available[short]); the largest total at this ratio is \(most)")
  }

  /// Seats only grow with the total, so the largest that fits is found by halving.
  private func largestTotal() -> Int {
    func fits(_ total: Int) -> Bool {
      zip(Self.seats(parts, total: total), available).allSatisfy { $0 <= $1 }
    }
    var (low, high) = (0, available.reduce(0, +))
    while low < high {
      let middle = low + (high - low + 1) / 2
      if fits(middle) { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// Sainte-Laguë: one seat after the other to the largest part/(2·seats + 1), the first class on a tie.
  ///
  /// - Parameter parts: at most 10⁶ each, not all 0.
  static func seats(_ parts: [Int], total: Int) -> [Int] {
    let sum = parts.reduce(0, +)
    let classes = parts.count { $0 > 0 }
    // Every class wins at least total·part/sum − classes/2 − 1/2 seats, so counting starts below that.
    var seats = parts.map { part in
      max(0, sum.dividingFullWidth(total.multipliedFullWidth(by: part)).quotient - classes / 2 - 1)
    }
    for _ in 0..<(total - seats.reduce(0, +)) {
      var winner = -1
      for j in parts.indices where parts[j] > 0 {
        if winner < 0 || parts[j] * (2 * seats[winner] + 1) > parts[winner] * (2 * seats[j] + 1) {
          winner = j
        }
      }
      seats[winner] += 1
    }
    return seats
  }
}
