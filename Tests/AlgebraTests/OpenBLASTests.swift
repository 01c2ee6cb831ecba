import Algebra
import Testing

@Suite("OpenBLAS wrappers")
struct OpenBLASTests {
  @Test("The linked library names its version and CPU kernel")
  func namesItself() {
    #expect(!OpenBLAS.coreName.isEmpty)
    #expect(OpenBLAS.configuration.hasPrefix("OpenBLAS"))
    #expect(OpenBLAS.version.split(separator: ".").count >= 2)
  }

  @Test("sgemm multiplies row-major matrices, each side plain or transposed")
  func gemm() {
    let a: [Float] = [1, 2, 3, 4, 5, 6]  // (2, 3)
    let aTransposed: [Float] = [1, 4, 2, 5, 3, 6]
    let b: [Float] = [1, 0, 2, 1, 0, 3]  // (3, 2)
    let bTransposed: [Float] = [1, 2, 0, 0, 1, 3]
    let product: [Float] = [5, 11, 14, 23]
    var c = [Float](repeating: .nan, count: 4)
    var span = c.mutableSpan
    OpenBLAS.sgemm(m: 2, n: 2, k: 3, a.span, b.span, &span)
    #expect(c == product)
    span = c.mutableSpan
    OpenBLAS.sgemm(.yes, .no, m: 2, n: 2, k: 3, aTransposed.span, b.span, &span)
    #expect(c == product)
    span = c.mutableSpan
    OpenBLAS.sgemm(.no, .yes, m: 2, n: 2, k: 3, alpha: 2, a.span, bTransposed.span, beta: 1, &span)
    #expect(c == product.map { 3 * $0 })
  }

  @Test("ssyrk fills the upper triangle of aᵀa and leaves the rest")
  func syrk() {
    let a: [Float] = [1, 2, 3, 4, 5, 6]  // (2, 3)
    var c = [Float](repeating: -1, count: 9)
    var span = c.mutableSpan
    OpenBLAS.ssyrk(n: 3, k: 2, a.span, &span)
    #expect(c == [17, 22, 27, -1, 29, 36, -1, -1, 45])
  }

  @Test("Products without a common dimension are zero")
  func emptyProducts() {
    var c: [Float] = [1, 2]
    var span = c.mutableSpan
    OpenBLAS.sgemm(m: 1, n: 2, k: 0, [Float]().span, [Float]().span, &span)
    #expect(c == [0, 0])
  }
}
