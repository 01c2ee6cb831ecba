import Foundation
import Prune

/// `--what-if` for people.
enum WhatIfTable {
  static func text(_ lines: [WhatIf.Line]) -> String {
    if lines.isEmpty { return "No concepts were fitted." }
    let table = lines.map { line in
      let seen = line.diagnostics
      let temperature = line.temperature.map { String(format: "%11.4g", $0) } ?? "          -"
      let spread =
        seen.leastShare > 0 ? String(format: "%9.4g", seen.largestShare / seen.leastShare) : "      inf"
      return String(
        format: "%@%@  %5.4g  %7d  %@  %9d  %8d  %8d  %7d  %8.1f %%", line.isPresent ? "*" : " ", temperature,
        line.keep, line.kept, spread, seen.saturated, seen.atFloor, seen.smallestQuota, seen.largestQuota,
        100 * Double(line.changed) / Double(max(1, line.rows)))
    }
    return """
      What other settings would do to \(lines[0].diagnostics.concepts) concepts of \(lines[0].rows) rows (* is the plan):
       temperature   keep     kept  max/min P  saturated  at floor  smallest  largest   changed
      \(table.joined(separator: "\n"))
      """
  }
}
