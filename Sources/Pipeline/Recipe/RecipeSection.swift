import Foundation
import Yams

/// Collects what is wrong with a recipe while it is read.
final class RecipeProblems {
  var all: [String] = []
  func add(_ path: String, _ text: String) { all.append("\(path): \(text)") }
}

/// One mapping of the recipe. Each accessor takes a key, checks its value, and falls back to the default on a
/// missing or wrong one; keys that nobody asked for are reported by ``finish()``.
struct RecipeSection {
  let path: String
  private let values: [String: Node]
  private let problems: RecipeProblems
  private var known: Set<String> = []

  init(_ node: Node?, path: String, problems: RecipeProblems) {
    self.path = path
    self.problems = problems
    var values: [String: Node] = [:]
    switch node {
    case nil: break
    case .scalar(let scalar)? where scalar.string.isEmpty || scalar.string == "null": break
    case .mapping(let mapping)?:
      for (key, value) in mapping {
        let name = key.string ?? "?"
        if values[name] != nil { problems.add(Self.join(path, name), "given twice") }
        values[name] = value
      }
    default: problems.add(path.isEmpty ? "recipe" : path, "expected keys and values")
    }
    self.values = values
  }

  private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : path + "." + key }

  func has(_ key: String) -> Bool { values[key] != nil }

  mutating func section(_ key: String) -> RecipeSection {
    known.insert(key)
    return RecipeSection(values[key], path: Self.join(path, key), problems: problems)
  }

  /// The raw node of a key that has more than one form.
  mutating func node(_ key: String) -> Node? {
    known.insert(key)
    return values[key]
  }

  func report(_ key: String, _ text: String) { problems.add(Self.join(path, key), text) }

  mutating func string(_ key: String, _ fallback: String) -> String {
    guard let node = node(key) else { return fallback }
    guard let text = node.scalar?.string else {
      report(key, "expected a text")
      return fallback
    }
    return text
  }

  mutating func bool(_ key: String, _ fallback: Bool) -> Bool {
    guard let node = node(key) else { return fallback }
    guard let value = Bool.construct(from: node.scalar ?? .init("")) else {
      report(key, "expected true or false")
      return fallback
    }
    return value
  }

  mutating func integer(_ key: String, _ fallback: Int, in range: ClosedRange<Int>) -> Int {
    guard let node = node(key) else { return fallback }
    guard let value = node.scalar.flatMap({ Int($0.string.replacingOccurrences(of: "_", with: "")) }) else {
      report(key, "expected a whole number")
      return fallback
    }
    guard range.contains(value) else {
      report(key, "\(value) is out of range (\(range.lowerBound) to \(range.upperBound))")
      return fallback
    }
    return value
  }

  /// A whole number or `auto` (nil).
  mutating func integerOrAuto(_ key: String, in range: ClosedRange<Int>) -> Int? {
    if values[key]?.scalar?.string == "auto" {
      known.insert(key)
      return nil
    }
    return has(key) ? integer(key, range.lowerBound, in: range) : nil
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ fallback: Choice) -> Choice
  where Choice.RawValue == String {
    guard let node = node(key) else { return fallback }
    let text = node.scalar?.string ?? ""
    guard let value = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue)
      report(key, "unknown value '\(text)'; expected \(names.joined(separator: " or "))")
      return fallback
    }
    return value
  }

  mutating func number(_ key: String, _ fallback: Double) -> Double {
    guard let node = node(key) else { return fallback }
    guard let value = node.scalar.flatMap({ Double($0.string) }), value.isFinite else {
      report(key, "expected a number")
      return fallback
    }
    return value
  }

  /// A number or `auto` (nil).
  mutating func numberOrAuto(_ key: String) -> Double? {
    if values[key]?.scalar?.string == "auto" {
      known.insert(key)
      return nil
    }
    return has(key) ? number(key, 0) : nil
  }

  /// A key of which this version has one value only.
  mutating func only(_ key: String, _ value: String) {
    guard let node = node(key), node.scalar?.string != value else { return }
    report(key, "only '\(value)' is available in this version")
  }

  /// A list of texts, or one text.
  mutating func strings(_ key: String, _ fallback: [String]) -> [String] {
    guard let node = node(key) else { return fallback }
    let items = node.sequence.map { Array($0) } ?? [node]
    let texts = items.compactMap { $0.scalar?.string }
    guard texts.count == items.count, !texts.isEmpty || fallback.isEmpty else {
      report(key, "expected a list of texts")
      return fallback
    }
    return texts
  }

  /// A size such as `2GiB`, `500MB` or a number of bytes.
  mutating func bytes(_ key: String, _ fallback: Int) -> Int {
    guard let node = node(key) else { return fallback }
    guard let value = node.scalar.flatMap({ ByteSize.parse($0.string) }), value > 0 else {
      report(key, "expected a size such as 2GiB")
      return fallback
    }
    return value
  }

  /// Reports the keys that no accessor asked for.
  func finish() {
    for key in values.keys.sorted() where !known.contains(key) {
      let near = known.min { Self.distance($0, key) < Self.distance($1, key) }
      let hint = near.flatMap { Self.distance($0, key) <= 2 ? "; did you mean '\($0)'?" : nil } ?? ""
      report(key, "unknown key\(hint)")
    }
  }

  /// Levenshtein distance, for the hint.
  private static func distance(_ a: String, _ b: String) -> Int {
    let target = Array(b)
    var row = Array(0...target.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in target.enumerated() {
        (diagonal, row[j + 1]) = (row[j + 1], min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1)))
      }
    }
    return row[target.count]
  }
}

/// Sizes in bytes as people write them.
public enum ByteSize {
  private static let units: [(String, Double)] = [
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
    ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
  ]

  /// `2GiB` → 2 147 483 648; nil if it is no size.
  public static func parse(_ text: String) -> Int? {
    let compact = text.replacingOccurrences(of: " ", with: "")
    if let plain = Int(compact) { return plain }
    for (unit, factor) in units where compact.lowercased().hasSuffix(unit.lowercased()) {
      guard let number = Double(compact.dropLast(unit.count)), number >= 0, number * factor < 9e18 else {
        return nil
      }
      return Int(number * factor)
    }
    return nil
  }

  /// 2 147 483 648 → `2.0 GiB`.
  public static func text(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 { return unit == "B" ? "\(bytes) B" : String(format: "%.1f %@", value, unit) }
      value /= 1024
    }
    return String(format: "%.1f TiB", value)
  }

  /// A size that a limit has to reach, rounded up, so that the number that is read is enough: 1.01 GiB → `1.1 GiB`.
  public static func needed(_ bytes: Int) -> String {
    guard let unit = [1 << 40, 1 << 30, 1 << 20, 1 << 10].first(where: { bytes >= $0 }) else {
      return text(bytes)
    }
    let tenths = (Double(bytes) * 10 / Double(unit)).rounded(.up)
    return text(Int((tenths * Double(unit) / 10).rounded(.up)))
  }
}
