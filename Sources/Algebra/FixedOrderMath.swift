/// e^x and ln x from additions, multiplications and divisions in a fixed order: the same bits on every machine, where
/// those of a C library depend on its version and on the processor. Errors are a few units in the last place.
public enum FixedOrderMath {
  private static let log2e = 0x1.71547652b82fep+0
  /// ln 2 in two parts: the products of the first with whole numbers below 2²⁰ are exact.
  private static let ln2 = (high: 0x1.62e42fee00000p-1, low: 0x1.a39ef35793c76p-33)
  /// 1/13!, 1/12! … 1/0!.
  private static let taylor: [Double] = (0...13).reversed().map { n in
    1 / (1...max(1, n)).reduce(1.0) { $0 * Double($1) }
  }

  /// e^x; 0 below −708, infinite above 709.
  public static func exp(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x < -708 { return 0 }
    if x > 709 { return .infinity }
    let power = (x * log2e).rounded()
    let rest = (x - power * ln2.high) - power * ln2.low
    var sum = 0.0
    for coefficient in taylor { sum = sum * rest + coefficient }
    return sum * Double(bitPattern: UInt64(Int(power) + 1023) << 52)
  }

  /// ln x of a finite number above 0 that is not subnormal.
  ///
  /// - Precondition: `x` is such a number.
  public static func log(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0, "the logarithm of a number above 0")
    var (significand, exponent) = (x.significand, Int(x.exponent))
    if significand > 2.0.squareRoot() { (significand, exponent) = (significand / 2, exponent + 1) }
    // ln m = 2·artanh((m − 1)/(m + 1)), |(m − 1)/(m + 1)| < 0.172.
    let s = (significand - 1) / (significand + 1)
    let z = s * s
    var sum = 0.0
    for n in (0...11).reversed() { sum = sum * z + 1 / Double(2 * n + 1) }
    return Double(exponent) * ln2.high + (Double(exponent) * ln2.low + 2 * s * sum)
  }

  /// The softmax of `logits`, summed in their order.
  public static func softmax(_ logits: [Double]) -> [Double] {
    let most = logits.max() ?? 0
    let powers = logits.map { exp($0 - most) }
    var sum = 0.0
    for power in powers { sum += power }
    return powers.map { $0 / sum }
  }
}
