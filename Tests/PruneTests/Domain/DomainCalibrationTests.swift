import Prune
import TestSupport
import Testing

@Suite struct DomainCalibrationTests {
  @Test(
    "the Wilson bound is scipy.stats.binomtest(k, n).proportion_ci(0.95, 'wilson').low",
    arguments: [
      (189, 189, 0.9800797046227183), (188, 188, 0.9799758673421861), (536, 540, 0.9811105241288365),
      (0, 10, 0), (9, 10, 0.5958499732047615), (5000, 5000, 0.9992322980549428),
      (4900, 5000, 0.9757349984643976), (1, 3, 0.06149194472039626),
    ])
  func wilson(right: Int, called: Int, bound: Double) {
    #expect(abs(DomainCalibration.wilsonLowerBound(right: right, called: called) - bound) < 1e-14)
  }

  @Test func aBoundOf98PercentTakes189SamplesWithoutAnError() {
    #expect(DomainCalibration.samplesNeeded(0.98) == 189)
    for target in [0.5, 0.9, 0.95, 0.99, 0.999] {
      let n = DomainCalibration.samplesNeeded(target)
      #expect(DomainCalibration.wilsonLowerBound(right: n, called: n) >= target)
      #expect(DomainCalibration.wilsonLowerBound(right: n - 1, called: n - 1) < target)
    }
  }

  @Test(
    "the threshold is the smallest probability that reaches the target, each one tried", arguments: 0..<20)
  func bruteForce(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let count = Int.random(in: 1...400, using: &random)
    // Few different values, so that many are equal.
    let probabilities = (0..<count).map { _ in Float(Int.random(in: 0...30, using: &random)) / 30 }
    let isClass = probabilities.map { Float.random(in: 0...1, using: &random) < $0 * 1.2 }
    let target = [0.3, 0.6, 0.8, 0.9][Int(seed) % 4]
    let floor = [0, 0.4, 0.75][Int(seed) % 3]
    var expected: Float?
    for threshold in Set(probabilities).sorted() where Double(threshold) >= floor {
      let called = probabilities.indices.filter { probabilities[$0] >= threshold }
      let right = called.count { isClass[$0] }
      if DomainCalibration.wilsonLowerBound(right: right, called: called.count) >= target {
        expected = threshold
        break
      }
    }
    let line = DomainCalibration.line(probabilities, isClass, target: target, floor: floor)
    #expect(line.threshold == expected.map { Double($0) } ?? .infinity)
    #expect(line.positives == isClass.count { $0 })
    if let expected {
      #expect(line.called == probabilities.count { $0 >= expected })
      #expect(line.right == zip(probabilities, isClass).count { $0 >= expected && $1 })
    }
  }

  @Test func whatCannotBeShownIsRefusedWithWhatIsMissing() {
    func refusal(_ positives: Int, wrong: Int, heldOut: Double = 0.25) -> String? {
      let sure = [Float](repeating: 0.9, count: positives + wrong)
      let unsure = [Float](repeating: 0.1, count: 300)
      let probabilities: [Float] = (sure + unsure).flatMap { [$0, 1 - $0] }
      let labels = sure.indices.map { Int32($0 < positives ? 0 : 1) } + [Int32](repeating: 1, count: 300)
      do throws(DomainError) {
        _ = try DomainCalibration.lines(
          probabilities, labels: labels, classes: ["natural", "rest"], wanted: [0], target: 0.98,
          heldOut: heldOut)
        return nil
      } catch { return error.description }
    }
    #expect(refusal(189, wrong: 0) == nil)
    #expect(
      refusal(60, wrong: 0)
        == "class natural: a precision of 0.98 cannot be shown: it takes about 189 held-out samples of the class "
        + "without an error, there are 60: label about 756 of the class, or lower the precision")
    #expect(refusal(60, wrong: 0, heldOut: 1)?.hasSuffix("there are 60") == true)
    #expect(
      refusal(300, wrong: 30)?.contains("300 of the 330 most probable calls are right, which shows 0.87")
        == true)
  }

  @Test func classesThatAreNotWantedClaimNothing() throws {
    let lines = try DomainCalibration.lines(
      [Float](repeating: 0.5, count: 800), labels: [Int32](repeating: 0, count: 400), classes: ["a", "b"],
      wanted: [0], target: 0.9, heldOut: 0.5)
    #expect(lines.map(\.threshold) == [0.5, .infinity])
  }
}
