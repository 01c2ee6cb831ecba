import Algebra
import Foundation
import Testing

/// Σ s·(x − target)² / 2, and where `isQuartic` Σ (x − target)⁴ too.
private struct Bowl: ConvexFunction {
  var scale: [Double]
  var target: [Double]
  var isQuartic = false
  private var last: [Double] = []

  init(scale: [Double], target: [Double], isQuartic: Bool = false) {
    (self.scale, self.target, self.isQuartic) = (scale, target, isQuartic)
  }

  mutating func evaluate(_ point: [Double], _ gradient: inout [Double]) -> Double {
    last = point
    var value = 0.0
    for i in point.indices {
      let off = point[i] - target[i]
      let fourth = isQuartic ? off * off * off : 0
      gradient[i] = scale[i] * off + 4 * fourth
      value += scale[i] * off * off / 2 + fourth * off
    }
    return value
  }

  func curvature(times direction: [Double]) -> [Double] {
    direction.indices.map { i in
      let off = last[i] - target[i]
      return direction[i] * (scale[i] + (isQuartic ? 12 * off * off : 0))
    }
  }
}

@Suite struct TruncatedNewtonTests {
  @Test("a badly scaled bowl, round or flat at the bottom, is solved to rounding", arguments: [false, true])
  func bowls(isQuartic: Bool) {
    let target = (0..<40).map { Double($0 % 7) - 3 }
    var bowl = Bowl(scale: (0..<40).map { pow(10, Double($0) / 8) }, target: target, isQuartic: isQuartic)
    let found = TruncatedNewton.minimise(
      &bowl, from: [Double](repeating: 0, count: 40), tolerance: 1e-9, rounds: 100)
    #expect(found.gradient <= 1e-9 && found.rounds < 40)
    #expect(zip(found.point, target).allSatisfy { abs($0 - $1) < 1e-8 })
  }

  @Test func whereTheGradientIsZeroNothingMoves() {
    var bowl = Bowl(scale: [1, 2], target: [3, 4])
    let found = TruncatedNewton.minimise(&bowl, from: [3, 4], tolerance: 1e-9, rounds: 10)
    #expect(found.point == [3, 4] && found.rounds == 0 && found.value == 0)
  }

  @Test("without a tolerance it ends where rounding is all that is left")
  func noTolerance() {
    var bowl = Bowl(scale: [1, 1e6], target: [0.1, 0.7], isQuartic: true)
    let found = TruncatedNewton.minimise(&bowl, from: [9, -4], tolerance: -1, rounds: 1000)
    #expect(found.rounds < 100 && found.gradient < 1e-8)
  }
}
