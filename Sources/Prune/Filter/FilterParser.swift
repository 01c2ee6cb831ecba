import Glibc

/// A recursive descent over the tokens of an expression; knows of each part whether it is a number or a condition.
struct FilterParser {
  private enum Kind: String { case number, condition }

  private var tokens: [FilterToken]
  private var next = 0
  private var depth = 0
  private var program: [FilterStep] = []
  private var columns: [String] = []

  private static let deepest = 64

  init(_ text: String) throws(FilterError) {
    guard text.utf8.count <= SampleFilter.maximumBytes else {
      throw FilterError(position: 1, message: "longer than \(SampleFilter.maximumBytes) bytes")
    }
    tokens = try FilterToken.scan(text)
  }

  mutating func parse() throws(FilterError) -> (program: [FilterStep], columns: [String]) {
    let start = token.position
    let kind = try disjunction()
    guard case .end = token.kind else { throw unexpected("the end, and or or") }
    try check(kind, is: .condition, at: start)
    return (program, columns)
  }

  private var token: FilterToken { tokens[next] }

  private func unexpected(_ wanted: String) -> FilterError {
    FilterError(position: token.position, message: "expected \(wanted), found \(token.kind.name)")
  }

  private mutating func take(_ symbol: String) -> Bool {
    guard case .symbol(let found) = token.kind, found == symbol else { return false }
    next += 1
    return true
  }

  private mutating func takeWord(_ word: String, _ symbol: String) -> Bool {
    if case .name(let found) = token.kind, found == word {
      next += 1
      return true
    }
    return take(symbol)
  }

  private func check(_ kind: Kind, is wanted: Kind, at position: Int) throws(FilterError) {
    guard kind == wanted else {
      throw FilterError(position: position, message: "expected a \(wanted), this is a \(kind)")
    }
  }

  // MARK: From the loosest to the tightest

  private mutating func disjunction() throws(FilterError) -> Kind {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else {
      throw FilterError(position: token.position, message: "more than \(Self.deepest) levels of parentheses")
    }
    let start = token.position
    let kind = try conjunction()
    while true {
      let position = token.position
      guard takeWord("or", "||") else { return kind }
      try check(kind, is: .condition, at: start)
      try check(try conjunction(), is: .condition, at: position)
      program.append(.two { $0 != 0 || $1 != 0 ? 1 : 0 })
    }
  }

  private mutating func conjunction() throws(FilterError) -> Kind {
    let start = token.position
    let kind = try negation()
    while true {
      guard takeWord("and", "&&") else { return kind }
      try check(kind, is: .condition, at: start)
      let position = token.position
      try check(try negation(), is: .condition, at: position)
      program.append(.two { $0 != 0 && $1 != 0 ? 1 : 0 })
    }
  }

  private mutating func negation() throws(FilterError) -> Kind {
    var times = 0
    while takeWord("not", "!") { times += 1 }
    let position = token.position
    let kind = try comparison()
    guard times > 0 else { return kind }
    try check(kind, is: .condition, at: position)
    if !times.isMultiple(of: 2) { program.append(.one { $0 != 0 ? 0 : 1 }) }
    return .condition
  }

  private static let comparisons: [(symbol: String, holds: @Sendable (Double, Double) -> Bool)] = [
    ("<=", { $0 <= $1 }), (">=", { $0 >= $1 }), ("==", { $0 == $1 }),
    ("!=", { $0 < $1 || $0 > $1 }), ("<", { $0 < $1 }), (">", { $0 > $1 }),
  ]

  private mutating func comparison() throws(FilterError) -> Kind {
    let start = token.position
    let kind = try sum()
    for (symbol, holds) in Self.comparisons where take(symbol) {
      try check(kind, is: .number, at: start)
      let position = token.position
      try check(try sum(), is: .number, at: position)
      program.append(.two { holds($0, $1) ? 1 : 0 })
      if case .symbol(let other) = token.kind, Self.comparisons.contains(where: { $0.symbol == other }) {
        throw FilterError(position: token.position, message: "join two comparisons by and")
      }
      return .condition
    }
    return kind
  }

  private typealias Operator = (symbol: String, step: FilterStep)
  private static let sums: [Operator] = [("+", .two { $0 + $1 }), ("-", .two { $0 - $1 })]
  private static let products: [Operator] = [
    ("*", .two { $0 * $1 }), ("/", .two { $0 / $1 }), ("%", .two { fmod($0, $1) }),
  ]

  private mutating func sum() throws(FilterError) -> Kind {
    try chain(Self.sums) { parser throws(FilterError) in try parser.product() }
  }

  private mutating func product() throws(FilterError) -> Kind {
    try chain(Self.products) { parser throws(FilterError) in try parser.factor() }
  }

  /// Operands with operators of one level between them, from left to right.
  private mutating func chain(
    _ operators: [Operator], _ operand: (inout FilterParser) throws(FilterError) -> Kind
  ) throws(FilterError) -> Kind {
    let start = token.position
    var kind = try operand(&self)
    while let step = takeOne(of: operators) {
      try check(kind, is: .number, at: start)
      let position = token.position
      kind = try operand(&self)
      try check(kind, is: .number, at: position)
      program.append(step)
    }
    return kind
  }

  private mutating func takeOne(of operators: [Operator]) -> FilterStep? {
    for (symbol, step) in operators where take(symbol) { return step }
    return nil
  }

  private mutating func factor() throws(FilterError) -> Kind {
    var isNegative = false
    while take("-") { isNegative.toggle() }
    let position = token.position
    let kind = try primary()
    guard isNegative else { return kind }
    try check(kind, is: .number, at: position)
    program.append(.one { -$0 })
    return .number
  }

  private mutating func primary() throws(FilterError) -> Kind {
    switch token.kind {
    case .number(let value):
      next += 1
      program.append(.number(value))
      return .number
    case .name(let name) where !["and", "or", "not"].contains(name):
      let position = token.position
      next += 1
      if take("(") { return try call(name, at: position) }
      if name == "true" || name == "false" {
        program.append(.number(name == "true" ? 1 : 0))
        return .condition
      }
      let index = columns.firstIndex(of: name) ?? columns.count
      if index == columns.count { columns.append(name) }
      program.append(.column(index))
      return .number
    case .symbol("("):
      next += 1
      let kind = try disjunction()
      guard take(")") else { throw unexpected(")") }
      return kind
    default: throw unexpected("a number, a column or (")
    }
  }

  private static let one: [String: @Sendable (Double) -> Double] = [
    "abs": { abs($0) }, "sqrt": { $0.squareRoot() }, "log": { log($0) }, "floor": { $0.rounded(.down) },
  ]
  /// NaN where one of the two is.
  private static let two: [String: @Sendable (Double, Double) -> Double] = [
    "min": { $0.isNaN ? $0 : $1 < $0 || $1.isNaN ? $1 : $0 },
    "max": { $0.isNaN ? $0 : $1 > $0 || $1.isNaN ? $1 : $0 },
  ]

  private mutating func call(_ name: String, at position: Int) throws(FilterError) -> Kind {
    var count = 0
    if !take(")") {
      repeat {
        let start = token.position
        try check(try disjunction(), is: .number, at: start)
        count += 1
        if count > 1, let function = Self.two[name] { program.append(.two(function)) }
      } while take(",")
      guard take(")") else { throw unexpected(", or )") }
    }
    if let function = Self.one[name] {
      guard count == 1 else {
        throw FilterError(position: position, message: "\(name) takes one number, not \(count)")
      }
      program.append(.one(function))
    } else if Self.two[name] != nil {
      guard count > 0 else { throw FilterError(position: position, message: "\(name) of nothing") }
    } else {
      let known = (Array(Self.one.keys) + Self.two.keys).sorted().joined(separator: ", ")
      throw FilterError(position: position, message: "unknown function \(name); there are \(known)")
    }
    return .number
  }
}
