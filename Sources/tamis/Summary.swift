import Foundation
import Pipeline

/// What happened, in plain words.
enum Summary {
  static func text(_ report: RunReport, workspace: String) -> String {
    if report.didNothing {
      return
        "Nothing to do: \(report.publish.samples) samples are published in \(report.publish.path) already."
    }
    let rate = Double(report.ingest.samples) / max(report.seconds, 0.001)
    let speed = String(format: "%.2f s, %.0f samples/s", report.seconds, rate)
    return """
      \(text(report.ingest))
      \(text(report.publish))
      Time: \(speed).

      Where to look:
        \(report.publish.path)  the published shards, sizes.json, manifest.json
        \(workspace)/columns  one directory a shard: keys.txt, samples.npy, thumbnail.npy, rejects.jsonl
        \(workspace)/quarantine  what was rejected, with its reasons
      """
  }

  static func text(_ report: IngestReport) -> String {
    var lines = [
      "Read \(report.samples) samples from \(count(report.shards, "shard")): \(report.accepted) accepted."
    ]
    if report.shardsKnown > 0 { lines[0] += " (\(count(report.shardsKnown, "shard")) known from before.)" }
    if report.shardsRejected > 0 { lines.append("Shards rejected as a whole: \(report.shardsRejected).") }
    if report.rejected.total > 0 {
      lines.append("Samples rejected: \(report.rejected.total)")
      for (code, count) in report.rejected.occurring {
        lines.append("  \(code.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)) \(count)")
      }
    }
    if report.renamed > 0 { lines.append("Keys made safe: \(report.renamed).") }
    return lines.joined(separator: "\n")
  }

  static func text(_ report: PublishReport) -> String {
    let size = ByteSize.text(Int(report.bytes))
    let place = "\(count(report.shards, "shard")), \(size), in \(report.path)"
    return report.wasCurrent
      ? "Published before: \(report.samples) samples in \(place)."
      : "Published \(report.samples) samples: \(place)."
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
