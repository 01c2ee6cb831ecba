import Glibc
import Shards

/// The text forms that name several shards: `a::b` (sets), `{00000..00041}` (braces), `*`, `?`, `[…]` (globs).
package enum ShardPatterns {
  /// Most names one pattern may expand to.
  static let maximumExpansion = 1_000_000

  /// The sets of `a::b`.
  package static func sets(_ text: String) -> [String] {
    var sets: [String] = [""]
    var rest = text[...]
    while let first = rest.first {
      if rest.hasPrefix("::") {
        sets.append("")
        rest = rest.dropFirst(2)
      } else {
        sets[sets.count - 1].append(first)
        rest = rest.dropFirst()
      }
    }
    return sets
  }

  /// Applies `resolve` to each set that is a path (all but `-`).
  package static func mapSets(_ text: String, _ resolve: (String) -> String) -> String {
    sets(text).map { $0 == "-" || $0.isEmpty ? $0 : resolve($0) }.joined(separator: "::")
  }

  static func hasGlob(_ text: some StringProtocol) -> Bool { text.contains { "*?[".contains($0) } }

  /// The longest leading directory without pattern characters: `a/b{1,2}/c` → `a`, `*.tar` → `.`.
  package static func root(_ pattern: String) -> String {
    var root: [Substring] = []
    for component in pattern.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      if component.contains(where: { "*?[{".contains($0) }) { break }
      root.append(component)
    }
    let text = root.joined(separator: "/")
    return text.isEmpty ? (pattern.hasPrefix("/") ? "/" : ".") : text
  }

  /// The paths that a pattern without braces matches, sorted bytewise; a dot file only where the pattern has the dot.
  static func glob(_ pattern: String) throws(FileError) -> [String] {
    var found = [pattern.hasPrefix("/") ? "/" : ""]
    for component in pattern.split(separator: "/") {
      var next: [String] = []
      for base in found {
        guard hasGlob(component) else {
          next.append(base + component)
          continue
        }
        let directory = base.isEmpty ? "." : base
        guard try FileStatus(path: directory)?.isDirectory == true else { continue }
        for name in try Directory.names(in: directory) ?? []
        where unsafe fnmatch(String(component), name, FNM_PERIOD) == 0 { next.append(base + name) }
      }
      found = next.map { $0 + "/" }
    }
    return found.map { String($0.dropLast()) }.filter(mayExist)
  }

  /// False if there is nothing; true also for what cannot be looked at, such as a link to itself.
  private static func mayExist(_ path: String) -> Bool {
    do throws(FileError) { return try FileStatus(path: path) != nil } catch { return true }
  }

  /// True when a search by the pattern (absolute, without braces) may read files that are written to `place`, a
  /// directory's components: the pattern matches it, a directory above it, or by a glob what lies in it.
  package static func mayReach(_ pattern: String, _ place: [String]) -> Bool {
    let parts = pattern.split(separator: "/").map(String.init)
    guard zip(parts, place).allSatisfy({ unsafe $0 == $1 || fnmatch($0, $1, FNM_PERIOD) == 0 }) else {
      return false
    }
    if place.count < parts.count { return hasGlob(parts[place.count]) }
    return !place.dropFirst(parts.count).contains { $0.hasPrefix(".") }
  }

  /// `x{,.gz}` → `x`, `x.gz`; also `{a,b}` nested, and ranges `{00..12}` (zero-padded), `{9..0}`, `{0..9..3}`,
  /// `{a..e}`, as in a shell.
  ///
  /// - Throws: ``PipelineError`` above a million names.
  package static func braceExpansion(_ pattern: String) throws(PipelineError) -> [String] {
    guard let open = pattern.firstIndex(of: "{"), let close = matchingBrace(pattern, open) else {
      return [pattern]
    }
    let head = pattern[..<open]
    let body = pattern[pattern.index(after: open)..<close]
    let tails = try braceExpansion(String(pattern[pattern.index(after: close)...]))
    var choices: [String] = []
    if let alternatives = try range(body, of: pattern) ?? alternatives(body) {
      for alternative in alternatives {
        choices += try braceExpansion(alternative)
        try checkCount(choices.count, of: pattern)
      }
    } else {
      choices = try braceExpansion(String(body)).map { "{\($0)}" }
    }
    try checkCount(choices.count * tails.count, of: pattern)
    return choices.flatMap { choice in tails.map { head + choice + $0 } }
  }

  private static func checkCount(_ count: Int, of pattern: String) throws(PipelineError) {
    guard count <= maximumExpansion else {
      throw PipelineError(.usage, "\(pattern): more than \(maximumExpansion) names")
    }
  }

  private static func matchingBrace(_ text: String, _ open: String.Index) -> String.Index? {
    var depth = 0
    for index in text.indices[open...] {
      if text[index] == "{" { depth += 1 }
      if text[index] == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// The choices of `a,b`; nil without a comma: the braces are then part of the name, as in a shell.
  private static func alternatives(_ body: Substring) -> [String]? {
    var parts = [""]
    var depth = 0
    for character in body {
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.count > 1 ? parts : nil
  }

  /// `low..high` or `low..high..step` of numbers or letters; nil if it is none.
  private static func range(_ body: Substring, of pattern: String) throws(PipelineError) -> [String]? {
    let ends = body.split(separator: "..", omittingEmptySubsequences: false)
    guard (2...3).contains(ends.count), let step = ends.count == 3 ? number(ends[2]) : 1, step > 0 else {
      return nil
    }
    if let low = number(ends[0]), let high = number(ends[1]) {
      try checkCount(abs(high - low) / step + 1, of: pattern)
      let isPadded = [ends[0], ends[1]].contains { $0.count > 1 && $0.hasPrefix("0") }
      let width = isPadded ? max(ends[0].count, ends[1].count) : 0
      return stride(from: low, through: high, by: low <= high ? step : -step).map { value in
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
      }
    }
    guard ends[0].count == 1, ends[1].count == 1, let low = ends[0].first?.asciiValue,
      let high = ends[1].first?.asciiValue, ends[0].first!.isLetter, ends[1].first!.isLetter
    else { return nil }
    let signed = low <= high ? step : -step
    return stride(from: Int(low), through: Int(high), by: signed).map {
      String(Character(Unicode.Scalar(UInt8($0))))
    }
  }

  /// Up to 15 decimal digits.
  private static func number(_ text: Substring) -> Int? {
    guard (1...15).contains(text.count), text.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
    return Int(text)
  }
}
