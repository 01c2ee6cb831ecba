/// What is asked of one axis: the outputs `window` of `output` pixels made of `start`..<`start + extent` of
/// `input` pixels.
struct AxisPlan: Equatable {
  /// Pixels there are.
  var input: Int
  /// The part that is resized, as Pillow's `box`: whole pixels for an exact image, fractions of the last one
  /// for a JPEG decoded at a smaller scale.
  var start: Double
  var extent: Double
  /// Pixels the extent becomes.
  var output: Int
  /// Those of them that are wanted.
  var window: Range<Int>
  var filter: ResampleFilter

  /// Whether outputs are sources, one for one.
  var isCopy: Bool { start == 0 && extent == Double(output) && input == output }
}

/// For some outputs along one axis: which sources each one is made of, and with what weights.
///
/// Weights are those of Pillow: computed in Float64, normalised to sum 1, rounded to 22 fractional bits.
struct ResampleAxis {
  private(set) var plan: AxisPlan?
  /// The first source of each output.
  private(set) var first: [Int32] = []
  /// The number of sources of each output.
  private(set) var count: [Int32] = []
  /// The groups of weights of each output, laid out as `tamis_axis` says.
  private(set) var weights: [Int16] = []
  /// Groups for each output.
  private(set) var groups = 1
  /// The sources that are used at all.
  private(set) var sources = 0..<0
  private var line: [Double] = []

  /// Pixels of the window.
  var outputs: Int { first.count }
  /// The largest of `count`.
  var taps: Int { Int(count.max() ?? 1) }

  /// Computes the weights, unless the plan is that of the last time; the arrays are reused.
  mutating func prepare(_ plan: AxisPlan) {
    if plan == self.plan { return }
    precondition(plan.input > 0 && plan.output > 0, "an image has at least one pixel")
    self.plan = plan
    first.removeAll(keepingCapacity: true)
    count.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    if plan.isCopy {
      groups = 1
      for source in plan.window { append(first: source) { $0.append(1) } }
    } else {
      resample(plan)
    }
    var end = 0
    for i in first.indices { end = max(end, Int(first[i] + count[i])) }
    sources = min(Int(first.min() ?? 0), end)..<end
  }

  private mutating func resample(_ plan: AxisPlan) {
    let scale = plan.extent / Double(plan.output)
    let filterScale = max(scale, 1)
    let inverse = 1 / filterScale
    let support = plan.filter.support * filterScale
    groups = (min(Int(support.rounded(.up)) * 2 + 1, plan.input) + 3) / 4
    for target in plan.window {
      let centre = plan.start + (Double(target) + 0.5) * scale
      let start = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), plan.input)
      append(first: start) { line in
        var sum = 0.0
        for source in start..<max(end, start) {
          let weight = plan.filter.weight((Double(source) - centre + 0.5) * inverse)
          line.append(weight)
          sum += weight
        }
        if sum != 0 { for i in line.indices { line[i] /= sum } }
      }
    }
  }

  private mutating func append(first start: Int, _ fill: (inout [Double]) -> Void) {
    line.removeAll(keepingCapacity: true)
    fill(&line)
    first.append(Int32(start))
    count.append(Int32(line.count))
    let base = weights.count
    weights.append(contentsOf: repeatElement(0, count: groups * 8))
    for tap in line.indices {
      let scaled = line[tap] * Double(1 << 22)
      let fixed = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
      precondition(abs(fixed) < 1 << 23, "a weight of 2 or more")
      let place = base + tap / 4 * 8 + tap % 4
      weights[place] = Int16(fixed >> 8)
      weights[place + 4] = Int16(fixed & 0xFF)
    }
  }
}
