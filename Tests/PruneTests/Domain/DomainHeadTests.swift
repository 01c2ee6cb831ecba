import Algebra
import Foundation
import Prune
import Testing

@Suite struct DomainHeadTests {
  private func head(_ thresholds: [Double]) throws -> DomainHead {
    try DomainHead(
      classes: ["a", "b", "c"].prefix(thresholds.count).map { $0 },
      weights: Array([1, 0, 0, 1, -1, -1].prefix(2 * thresholds.count)),
      bias: [Float](repeating: 0, count: thresholds.count), thresholds: thresholds)
  }

  @Test("the most probable of the classes whose threshold is reached, the first of equal ones, or none")
  func classify() throws {
    let head = try head([0.5, 0.2, .infinity])
    let cases: [([Float], Int32)] = [
      ([0.6, 0.3, 0.1], 0), ([0.4, 0.3, 0.3], 1), ([0.4, 0.1, 0.5], -1), ([0.5, 0.5, 0], 0),
      ([0.5, 0.4, 0.1], 0),
      ([0.49, 0.2, 0.31], 1), ([0, 0, 1], -1),
    ]
    #expect(head.classify(cases.flatMap(\.0)) == cases.map(\.1))
  }

  @Test func probabilitiesAreTheSoftmaxOfFixedOrderDots() throws {
    var rows = Rows(seed: 5)
    let (n, d) = (1000, 37)
    let head = try DomainHead(
      classes: ["a", "b", "c"], weights: rows.values(3 * d), bias: rows.values(3), thresholds: [0, 0, 0])
    let values = rows.clustered(n, d, centres: 5, spread: 1)
    let found = head.probabilities(values)
    for threads in [2, 7] { #expect(head.probabilities(values, threads: threads) == found) }
    for row in stride(from: 0, to: n, by: 7) {
      let logits = (0..<3).map { j in
        FixedOrderDot.dot(
          Array(values[row * d..<(row + 1) * d]), Array(head.weights[j * d..<(j + 1) * d]))
          + Double(head.bias[j])
      }
      let sum = logits.map { exp($0) }.reduce(0, +)
      for j in 0..<3 { #expect(abs(Double(found[row * 3 + j]) - exp(logits[j]) / sum) < 1e-7) }
    }
  }

  @Test func headsThatDoNotFitTogetherAreRefused() throws {
    func refusal(
      _ classes: [String] = ["a", "b"], weights: [Float] = [1, 2, 3, 4], bias: [Float] = [0, 0],
      thresholds: [Double] = [0.5, 0.5]
    ) -> String? {
      do throws(DomainError) {
        _ = try DomainHead(classes: classes, weights: weights, bias: bias, thresholds: thresholds)
        return nil
      } catch { return error.description }
    }
    #expect(refusal() == nil)
    #expect(refusal(["a"])?.contains("1 classes") == true)
    #expect(refusal(["a", "a"]) == "two classes are named 'a'")
    #expect(refusal(["a", "ambiguous"]) == "no class can be named 'ambiguous'")
    for name in ["", "a=b", "a,b", "a\n", String(repeating: "x", count: 101)] {
      #expect(refusal(["a", name])?.contains("a name of 1 to 100 bytes") == true)
    }
    #expect(refusal(weights: [1, 2, 3]) != nil && refusal(weights: []) != nil && refusal(bias: [1]) != nil)
    #expect(refusal(weights: [1, 2, .nan, 4])?.contains("NaN") == true)
    #expect(refusal(bias: [1, .infinity])?.contains("NaN") == true)
    #expect(refusal(thresholds: [0.5, .nan])?.contains("threshold of b") == true)
    #expect(refusal(thresholds: [0.5, -1])?.contains("threshold of b") == true)
    #expect(refusal(thresholds: [0.5, .infinity]) == nil)
  }
}
