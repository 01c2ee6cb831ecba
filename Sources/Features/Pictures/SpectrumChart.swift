import Glibc

/// The cumulative explained variance of a basis as a small SVG: how many components hold which share.
public enum SpectrumChart {
  /// Shares that are marked and counted.
  public static let marks = [0.5, 0.9, 0.95, 0.99]

  private static let size = (width: 720, height: 420)
  /// The plot within the drawing.
  private static let plot = (left: 64.0, right: 580.0, top: 24.0, bottom: 364.0)
  /// Points of the curve at most; components are on a logarithmic axis.
  private static let points = 400

  /// The leading components that together hold at least `share` of the variance; nil if all hold less.
  public static func count(_ ratios: [Float], holding share: Double) -> Int? {
    var sum = 0.0
    for (index, ratio) in ratios.enumerated() {
      sum += Double(ratio)
      // Ratios are stored rounded to Float32: a sum of all of them may fall short of 1 by as much.
      if sum >= share - 1e-9 { return index + 1 }
    }
    return nil
  }

  /// The drawing; text with a final newline.
  public static func svg(_ ratios: [Float]) -> String {
    var cumulative: [Double] = []
    var sum = 0.0
    for ratio in ratios {
      sum += Double(ratio)
      cumulative.append(min(1, sum))
    }
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(size.width)" height="\(size.height)" \
      viewBox="0 0 \(size.width) \(size.height)" font-family="sans-serif" font-size="13" fill="#222">
      <rect width="\(size.width)" height="\(size.height)" fill="#fff"/>

      """
    svg += axes(ratios.count)
    svg += curve(cumulative)
    svg += markLines(ratios)
    let captured = BasisPictures.percent(sum)
    svg += text(
      (plot.left + plot.right) / 2, plot.bottom + 44, "middle",
      "leading components (\(ratios.count) hold \(captured) of the variance)")
    svg += """
      <text transform="translate(16 \(number((plot.top + plot.bottom) / 2))) rotate(-90)" text-anchor="middle">\
      cumulative explained variance</text>
      </svg>

      """
    return svg
  }

  private static func axes(_ count: Int) -> String {
    var svg = ""
    for percent in stride(from: 0, through: 100, by: 20) {
      let height = y(Double(percent) / 100)
      svg += path("M\(number(plot.left)) \(number(height))H\(number(plot.right))", "#e4e4e4")
      svg += text(plot.left - 8, height + 4, "end", "\(percent)%")
    }
    var decade = 1
    while decade <= count {
      let across = x(decade, count)
      svg += path("M\(number(across)) \(number(plot.top))V\(number(plot.bottom))", "#e4e4e4")
      svg += text(across, plot.bottom + 20, "middle", "\(decade)")
      decade *= 10
    }
    return svg
      + path("M\(number(plot.left)) \(number(plot.top))V\(number(plot.bottom))H\(number(plot.right))", "#888")
  }

  private static func curve(_ cumulative: [Double]) -> String {
    let count = cumulative.count
    var steps: [Int] = []
    for i in 0...points {
      let component = Int(pow(Double(count), Double(i) / Double(points)).rounded())
      if component > steps.last ?? 0, component <= count { steps.append(component) }
    }
    let places = steps.map { "\(number(x($0, count))) \(number(y(cumulative[$0 - 1])))" }
    guard places.count > 1 else {
      return places.map { dot($0) }.joined()
    }
    return path("M" + places.joined(separator: "L"), "#1f5fa8", " stroke-width=\"2\"")
  }

  /// A dot on the curve, a dashed line to the right, and its count in the margin.
  private static func markLines(_ ratios: [Float]) -> String {
    var svg = ""
    var lowest = Double.infinity
    for share in marks {
      guard let count = count(ratios, holding: share) else { continue }
      let (across, height) = (x(count, ratios.count), y(share))
      svg += path(
        "M\(number(across)) \(number(plot.bottom))V\(number(height))H\(number(plot.right + 4))", "#c2571a",
        " stroke-dasharray=\"3 3\"")
      svg += dot("\(number(across)) \(number(height))")
      // Marks close together keep a line of text apart, upwards.
      lowest = min(height + 4, lowest - 15)
      svg += text(
        plot.right + 8, lowest, "start", "\(Int((share * 100).rounded()))%: \(count)")
    }
    return svg
  }

  private static func x(_ component: Int, _ count: Int) -> Double {
    guard count > 1 else { return plot.left }
    return plot.left + (plot.right - plot.left) * log(Double(component)) / log(Double(count))
  }

  private static func y(_ share: Double) -> Double { plot.bottom - (plot.bottom - plot.top) * share }

  private static func text(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(text)</text>\n"
  }

  private static func path(_ data: String, _ stroke: String, _ more: String = "") -> String {
    "<path d=\"\(data)\" fill=\"none\" stroke=\"\(stroke)\"\(more)/>\n"
  }

  private static func dot(_ place: String) -> String {
    let parts = place.split(separator: " ")
    return "<circle cx=\"\(parts[0])\" cy=\"\(parts[1])\" r=\"3\" fill=\"#c2571a\"/>\n"
  }

  /// Tenths of a pixel.
  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
