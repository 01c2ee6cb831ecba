import Algebra
import TestSupport
import Testing

@Suite("Products whose rows do not feel each other")
struct LaneProductTests {
  @Test(
    "Both forms are the matrix product, and a row has the same bits in any batch and at any place",
    arguments: [(1, 1), (3, 16), (9, 65), (128, 64), (129, 128), (257, 300), (300, 129)])
  func products(outputs: Int, width: Int) {
    var random = SplitMix(seed: 7)
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(random.next() >> 40) * 0x1p-24 - 0.5 }
    }
    let matrix = numbers(outputs * width)
    var turned = matrix
    for i in 0..<outputs {
      for k in 0..<width { turned[k * outputs + i] = matrix[i * width + k] }
    }
    let rows = numbers(35 * width)
    let all = (
      LaneProduct.withTransposed(matrix.span, rows.span, width: width),
      LaneProduct.with(turned.span, rows.span, width: width)
    )
    var error = 0.0
    for row in 0..<35 {
      for i in 0..<outputs {
        var exact = 0.0
        for k in 0..<width { exact += Double(rows[row * width + k]) * Double(matrix[i * width + k]) }
        error = max(
          error, abs(Double(all.0[row * outputs + i]) - exact), abs(Double(all.1[row * outputs + i]) - exact))
      }
    }
    #expect(error < 2e-5)
    for (first, count) in [(0, 1), (15, 1), (16, 1), (34, 1), (7, 16), (3, 20)] {
      let part = Array(rows[(first * width)..<((first + count) * width)])
      let place = (first * outputs)..<((first + count) * outputs)
      let equal = (
        LaneProduct.withTransposed(matrix.span, part.span, width: width) == Array(all.0[place]),
        LaneProduct.with(turned.span, part.span, width: width) == Array(all.1[place])
      )
      #expect(equal.0 && equal.1)
    }
    #expect(LaneProduct.withTransposed(matrix.span, [Float]().span, width: width).isEmpty)
  }
}
