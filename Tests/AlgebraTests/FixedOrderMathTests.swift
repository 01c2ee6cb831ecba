import Algebra
import Foundation
import TestSupport
import Testing

@Suite struct FixedOrderMathTests {
  @Test("e^x and ln x are those of the C library within a few units in the last place")
  func accuracy() {
    var random = SplitMix(seed: 1)
    for _ in 0..<20_000 {
      let x = Double.random(in: -700...700, using: &random)
      let (own, reference) = (FixedOrderMath.exp(x), exp(x))
      #expect(abs(own - reference) <= 4 * reference.ulp, "\(x)")
      #expect(abs(FixedOrderMath.log(reference) - x) <= 4 * max(x.ulp, 1e-16), "\(reference)")
      let near = Double.random(in: 0.5...3, using: &random)
      #expect(abs(FixedOrderMath.log(near) - log(near)) <= 4e-16, "\(near)")
    }
  }

  @Test func edges() {
    #expect(FixedOrderMath.exp(0) == 1 && FixedOrderMath.log(1) == 0)
    #expect(FixedOrderMath.exp(-.infinity) == 0 && FixedOrderMath.exp(-1000) == 0)
    #expect(FixedOrderMath.exp(.infinity) == .infinity && FixedOrderMath.exp(.nan).isNaN)
    #expect(FixedOrderMath.softmax([1000, 1000, -1000]) == [0.5, 0.5, 0])
    #expect(FixedOrderMath.softmax([-3]) == [1])
  }
}
