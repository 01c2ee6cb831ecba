import Foundation
import Pipeline
import Prune

/// What happened, in plain words.
enum Summary {
  static func text(_ report: RunReport, workspace: String) -> String {
    if report.didNothing {
      return
        "Nothing to do: \(report.publish.samples) samples are published in \(report.publish.path) already."
    }
    let rate = Double(report.ingest.samples) / max(report.seconds, 0.001)
    let speed = String(format: "%.2f s, %.0f samples/s", report.seconds, rate)
    let stages = [
      text(report.ingest), text(report.fit), text(report.prune), text(report.publish),
    ].compactMap { $0 }
    return """
      \(stages.joined(separator: "\n"))
      Time: \(speed).

      Where to look:
        \(report.publish.path)  the published shards, sizes.json, MANIFEST.json
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
    if report.shardsSalvaged > 0 {
      lines.append("Broken shards, whole samples before the fault kept: \(report.shardsSalvaged).")
    }
    if report.rejected.total > 0 {
      lines.append("Samples rejected: \(report.rejected.total)")
      for (code, count) in report.rejected.occurring {
        lines.append("  \(code.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)) \(count)")
      }
    }
    if report.skippedMembers > 0 {
      lines.append("Members that belong to no sample, passed over: \(report.skippedMembers).")
    }
    if report.renamed > 0 { lines.append("Keys made safe: \(report.renamed).") }
    if report.renamedFields > 0 {
      lines.append("Fields made safe: \(report.renamedFields), see renamed.jsonl.")
    }
    return lines.joined(separator: "\n")
  }

  static func text(_ report: PublishReport) -> String {
    let size = ByteSize.text(Int(report.bytes))
    let place = "\(count(report.shards, "shard")), \(size), in \(report.path)"
    return report.wasCurrent
      ? "Published before: \(report.samples) samples in \(place)."
      : "Published \(report.samples) samples: \(place)."
  }

  /// nil when the recipe asks for no model.
  static func text(_ report: FitReport) -> String? {
    let captions = report.shardsWithCaptionsEmbedded.map {
      $0 == 0 ? "Captions: embedded before." : "Captions of \(count($0, "shard")) embedded."
    }
    let imported = report.columnsImported.map {
      $0 == 0 ? "Embeddings: imported before." : "Embeddings imported: \(count($0, "column"))."
    }
    let lines = [captions, imported, pca(report)].compactMap { $0 }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  private static func pca(_ report: FitReport) -> String? {
    guard let samples = report.samples, let components = report.components else { return nil }
    let known = report.wasCurrent ? " (known from before)" : ""
    let share =
      report.componentsFor90Percent.map { "\($0) of them hold 90 % of the variance" }
      ?? "together less than 90 % of the variance"
    return "PCA of \(samples) thumbnails: \(components) components, \(share)\(known)."
  }

  /// nil when nothing is pruned.
  static func text(_ report: PruneReport) -> String? {
    guard report.isActive else { return nil }
    let known = report.wasCurrent ? " (known from before)" : ""
    var lines = ["Pruning keeps \(report.kept) of \(report.samples) samples\(known)."]
    for (reason, words) in reasons {
      if let number = report.dropped[reason] {
        lines.append("  \(words.padding(toLength: 28, withPad: " ", startingAt: 0)) \(number)")
      }
    }
    if !report.concepts.isEmpty {
      lines.append("Concepts, the most complex first (of \(report.concepts.count)):")
      lines.append("  concept  samples  complexity  quota")
      let ranked = report.concepts.filter { $0.size > 0 }.sorted {
        ($1.complexity, $0.cluster) < ($0.complexity, $1.cluster)
      }
      for line in ranked.prefix(8) {
        lines.append(
          String(format: "  %7d  %7d  %10.4f  %5d", line.cluster, line.size, line.complexity, line.quota))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// How sure a head is of each class.
  static func text(_ report: DomainTrain.Report) -> String {
    var lines: [String] = []
    if report.rounds > 0 {
      let counts = zip(report.classes, report.trained).map { "\($1) \($0)" }.joined(separator: ", ")
      lines.append("Trained on \(counts) in \(report.rounds) rounds.")
    }
    lines.append("Held out: \(report.heldOut) samples, \(report.ambiguous) of them ambiguous.")
    return (lines + [text(report.classes, report.calibration)]).joined(separator: "\n")
  }

  /// A line for each class.
  static func text(_ classes: [String], _ calibration: DomainHeadFile.Calibration) -> String {
    let width = max(5, classes.map(\.count).max() ?? 0)
    func padded(_ name: String) -> String { name.padding(toLength: width, withPad: " ", startingAt: 0) }
    var lines = ["  \(padded("class"))  from        of class  called  right  precision  95 % bound  recall"]
    for (name, line) in zip(classes, calibration.lines) {
      if line.threshold.isInfinite {
        lines.append("  \(padded(name))  claims nothing (\(line.positives) held out)")
        continue
      }
      let numbers = String(
        format: "%.8f  %8d  %6d  %5d  %9.4f  %10.4f  %6.4f", line.threshold, line.positives, line.called,
        line.right, line.precision, line.bound, line.recall)
      lines.append("  \(padded(name))  \(numbers)")
    }
    return lines.joined(separator: "\n")
  }

  private static let reasons: [(Reason, String)] = [
    (.filter, "dropped by the filter"), (.domain, "outside the domain"), (.duplicate, "near-duplicates"),
    (.score, "low image-text score"), (.reference, "reference similarity"),
    (.quota, "beyond their concept's quota"),
  ]

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
