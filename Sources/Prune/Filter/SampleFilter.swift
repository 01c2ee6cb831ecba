/// A condition on the numbers known of a sample, such as `min(width, height) >= 200 and words > 2`.
///
/// Numbers are Float64. A comparison with a value that is missing (NaN) is false, `!=` too: what is not known passes no
/// test. Columns are names, or `json.` and names joined by dots. The grammar is in docs/filters.md.
public struct SampleFilter: Sendable, Equatable {
  /// As it was written.
  public let text: String
  /// The columns it reads, each once, in the order in which they occur.
  public let columns: [String]
  private let program: [FilterStep]
  /// Most values at once.
  private let depth: Int

  /// Longest text read, in bytes.
  public static let maximumBytes = 4096

  /// Parses an expression.
  ///
  /// - Throws: ``FilterError`` with the place of the first mistake.
  public init(_ text: String) throws(FilterError) {
    var parser = try FilterParser(text)
    let (program, columns) = try parser.parse()
    self.text = text
    self.columns = columns
    self.program = program
    var held = 0
    var most = 0
    for step in program {
      held += step.growth
      most = max(most, held)
    }
    depth = most
  }

  public static func == (a: SampleFilter, b: SampleFilter) -> Bool { a.text == b.text }

  /// Whether a sample passes.
  ///
  /// - Parameter values: of ``columns``, in their order.
  public func keeps(_ values: [Double]) -> Bool {
    var stack: [Double] = []
    stack.reserveCapacity(depth)
    for step in program { step.run(values, &stack) }
    return stack[0] != 0
  }
}

/// A mistake in a filter expression.
public struct FilterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The character where it is, counted from 1.
  public let position: Int
  public let message: String

  public var description: String { "at \(position): \(message)" }
}

/// One step on a stack of numbers; truth is 1 and 0.
enum FilterStep: Sendable {
  case number(Double)
  case column(Int)
  case one(@Sendable (Double) -> Double)
  case two(@Sendable (Double, Double) -> Double)

  var growth: Int {
    switch self {
    case .number, .column: 1
    case .one: 0
    case .two: -1
    }
  }

  func run(_ values: [Double], _ stack: inout [Double]) {
    switch self {
    case .number(let value): stack.append(value)
    case .column(let index): stack.append(values[index])
    case .one(let function): stack[stack.count - 1] = function(stack[stack.count - 1])
    case .two(let function):
      let right = stack.removeLast()
      stack[stack.count - 1] = function(stack[stack.count - 1], right)
    }
  }
}
