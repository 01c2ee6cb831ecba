/// Brings a grey picture to a small size as its rows come: bit for bit what Pillow 13's `Image.resize` gives for
/// mode `L`.
///
/// One axis after the other, rounded to 8 bits between them, in Pillow's order (see `resize`); held are 4 bytes for
/// each output of the axis that goes first, and nothing of the picture.
package struct GreyReduction {
  private let plan: ResizePlan
  private let x: FlatWeights
  private let y: FlatWeights
  private var row = 0
  /// Along x first: the rows resized along x.
  private var bytes: [UInt8]
  /// Along y first: the running sum of each output row.
  private var sums: [Int32]

  /// - Parameters:
  ///   - width: of the picture, as `height`; all sizes are positive.
  ///   - size: of the result (width, height).
  package init(width: Int, height: Int, to size: (width: Int, height: Int), filter: ResampleFilter) {
    plan = ResizePlan(
      from: (width, height), to: (size.width, size.height), columns: 0..<size.width, rows: 0..<size.height,
      filter: filter)
    x = FlatWeights(plan.x)
    y = FlatWeights(plan.y)
    bytes = plan.isYFirst ? [] : [UInt8](repeating: 0, count: height * size.width)
    sums = plan.isYFirst ? [Int32](repeating: 1 << 21, count: size.height * width) : []
  }

  /// Takes the next row, `width` bytes; there must be `height` of them.
  package mutating func add(_ source: Span<UInt8>) {
    precondition(source.count == plan.x.input && row < plan.y.input, "a row of another picture")
    if plan.isYFirst { addAlongY(source) } else { addAlongX(source) }
    row += 1
  }

  private mutating func addAlongX(_ source: Span<UInt8>) {
    let outputs = x.first.count
    let (x, row) = (x, row)
    let (first, count, weights) = (x.first.span, x.count.span, x.weights.span)
    var target = bytes.mutableSpan
    for output in 0..<outputs {
      var sum: Int32 = 1 << 21
      let window = source.extracting(first[output]..<first[output] &+ count[output])
      let line = weights.extracting(output &* x.taps..<output &* x.taps &+ count[output])
      for tap in window.indices { sum &+= Int32(window[tap]) &* line[tap] }
      target[row &* outputs &+ output] = Self.rounded(sum)
    }
  }

  private mutating func addAlongY(_ source: Span<UInt8>) {
    let (width, y, row) = (plan.x.input, y, row)
    var target = sums.mutableSpan
    for output in y.first.indices {
      let tap = row - y.first[output]
      guard tap >= 0, tap < y.count[output] else { continue }
      let weight = y.weights[output * y.taps + tap]
      let start = output * width
      for i in source.indices { target[start &+ i] &+= Int32(source[i]) &* weight }
    }
  }

  /// The result, rows from the top.
  package consuming func finish() -> [UInt8] {
    precondition(row == plan.y.input, "rows are missing")
    let (columns, rows) = (x.first.count, y.first.count)
    var result = [UInt8](repeating: 0, count: columns * rows)
    for output in 0..<rows {
      for column in 0..<columns {
        var sum: Int32 = 1 << 21
        if plan.isYFirst {
          let start = output * plan.x.input + x.first[column]
          for tap in 0..<x.count[column] {
            sum &+= Int32(Self.rounded(sums[start + tap])) &* x.weights[column * x.taps + tap]
          }
        } else {
          for tap in 0..<y.count[output] {
            let byte = bytes[(y.first[output] + tap) * columns + column]
            sum &+= Int32(byte) &* y.weights[output * y.taps + tap]
          }
        }
        result[output * columns + column] = Self.rounded(sum)
      }
    }
    return result
  }

  private static func rounded(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> 22) }
}

/// The weights of an axis as plain numbers of 22 fractional bits.
private struct FlatWeights {
  var first: [Int] = []
  var count: [Int] = []
  /// `taps` for each output, 0 behind its count.
  var weights: [Int32] = []
  var taps: Int

  init(_ plan: AxisPlan) {
    var axis = ResampleAxis()
    axis.prepare(plan)
    taps = axis.groups * 4
    first = axis.first.map(Int.init)
    count = axis.count.map(Int.init)
    weights.reserveCapacity(first.count * taps)
    for output in first.indices {
      for tap in 0..<taps {
        let place = output * axis.groups * 8 + tap / 4 * 8 + tap % 4
        weights.append(Int32(axis.weights[place]) * 256 + Int32(axis.weights[place + 4]))
      }
    }
  }
}

/// Grey as Pillow's `convert("L")` has it: (19595 R + 38470 G + 7471 B + 32768) div 65536.
@inline(__always)
package func grey(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
  UInt8(
    truncatingIfNeeded: (UInt32(red) &* 19595 &+ UInt32(green) &* 38470 &+ UInt32(blue) &* 7471 &+ 32768)
      >> 16)
}
