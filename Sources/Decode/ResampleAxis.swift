/// For some outputs along one axis: which sources each one is made of, and with what weights.
///
/// Weights are those of Pillow: computed in Float64, normalised to sum 1, rounded to 22 fractional bits. A
/// source value v enters as v − 128, so that value and weight can be multiplied as two 16-bit pairs at once
/// (see ``ResampleKernel``); `bias` gives the 128 back and holds the half that makes the final shift round.
struct ResampleAxis {
  /// The first source of each output.
  private(set) var first: [Int] = []
  /// The number of sources of each output.
  private(set) var count: [Int] = []
  /// 128 · (sum of weights) + 2^21 for each output.
  private(set) var bias: [Int32] = []
  /// `taps` weights for each output; the low half is weight mod 256, the high half weight div 256.
  private(set) var weights: [Int32] = []
  /// The largest of `count`.
  private(set) var taps = 1

  /// The sources that are used at all.
  var sources: Range<Int> { (first.first ?? 0)..<(zip(first, count).map { $0 + $1 }.max() ?? 0) }

  /// Where the weights of output `index` stand.
  func range(of index: Int) -> Range<Int> { index * taps..<index * taps + count[index] }

  /// The outputs `range` of an axis of `input` pixels resized to `output`; equal sizes copy.
  init(input: Int, output: Int, range: Range<Int>, filter: ResampleFilter) {
    if input == output {
      for source in range { append(first: source, weights: [1]) }
      return
    }
    let scale = Double(input) / Double(output)
    let filterScale = max(scale, 1)
    let inverse = 1 / filterScale
    let support = filter.support * filterScale
    taps = min(Int(support.rounded(.up)) * 2 + 1, input)
    first.reserveCapacity(range.count)
    weights.reserveCapacity(range.count * taps)
    var line: [Double] = []
    for target in range {
      let centre = (Double(target) + 0.5) * scale
      let start = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), input)
      line.removeAll(keepingCapacity: true)
      var sum = 0.0
      for source in start..<max(end, start) {
        let weight = filter.weight((Double(source) - centre + 0.5) * inverse)
        line.append(weight)
        sum += weight
      }
      if sum != 0 { for i in line.indices { line[i] /= sum } }
      append(first: start, weights: line)
    }
  }

  private mutating func append(first start: Int, weights line: [Double]) {
    first.append(start)
    count.append(line.count)
    var sum: Int32 = 0
    for value in line {
      let scaled = value * Double(1 << 22)
      let fixed = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
      precondition(abs(fixed) < 1 << 23, "a weight of 2 or more")
      sum += fixed
      weights.append((fixed >> 8) << 16 | fixed & 0xFF)
    }
    for _ in line.count..<max(taps, line.count) { weights.append(0) }
    bias.append(sum &* 128 &+ 1 << 21)
  }
}
