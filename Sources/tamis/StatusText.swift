import Daemon
import Foundation
import Pipeline

/// A daemon's status for people.
enum StatusText {
  /// - Parameter now: seconds since 1970.
  static func text(_ status: DaemonStatus, isRunning: Bool, now: Double = Date().timeIntervalSince1970)
    -> String
  {
    var lines = [head(status, isRunning: isRunning, now: now)]
    for pause in status.paused { lines.append("Paused:     " + words(pause, status)) }
    lines.append("Plan:       " + plan(status))
    lines += [waiting(status, now), "Shards:     " + shards(status), "Samples:    " + samples(status)]
    lines += table("  rejected", status.samplesRejected) + table("  dropped", status.samplesDropped)
    lines.append("Published:  " + published(status, now))
    if isRunning, let rate = rate(status, now) { lines.append("Rate:       " + rate) }
    if let drift = status.drift, drift.samples > 0 { lines.append("Drift:      " + words(drift)) }
    lines.append("Room:       " + room(status))
    if let problem = status.reloadProblem {
      lines.append("Reload:     refused, the old recipe is in force: \(problem)")
    }
    if let failure = status.failure, !status.paused.contains(.inputOutput) {
      lines.append("Last fault: \(failure)")
    }
    lines.append("Recipe:     \(status.recipe)\nOutput:     \(status.output)")
    return lines.flatMap { $0.split(separator: "\n") }.map { visible($0) }.joined(separator: "\n")
  }

  /// Without what would act on a terminal: names of files may hold anything.
  static func visible(_ line: some StringProtocol) -> String {
    String(
      String.UnicodeScalarView(
        line.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }

  private static func head(_ status: DaemonStatus, isRunning: Bool, now: Double) -> String {
    guard isRunning else {
      return
        "Not running. What follows was written \(ago(status.updatedAt, now)), by tamis \(status.version)."
    }
    let phase =
      switch status.phase {
      case .starting: "finishing what the last process left"
      case .bootstrap: "gathering samples for the first plan"
      case .fitting: "fitting a plan"
      case .streaming: "streaming"
      case .draining: "ending: finishing what is in work"
      case .stopped: "stopped"
      }
    return
      "Running:    \(phase) (pid \(status.pid), tamis \(status.version), up \(span(now - status.startedAt)))"
  }

  private static func words(_ pause: DaemonStatus.Pause, _ status: DaemonStatus) -> String {
    switch pause {
    case .asked: "asked for; `POST /resume` ends it"
    case .disk: "too little free space (\(bytes(status.outputFreeBytes)) beside the output)"
    case .inputOutput: status.failure ?? "files could not be read or written"
    }
  }

  private static func plan(_ status: DaemonStatus) -> String {
    if status.generation > 0 {
      return "generation \(status.generation), fitted on the first \(count(status.fittedClaims, "shard"))"
    }
    return status.phase == .bootstrap || status.phase == .fitting
      ? "none yet; fitted after \(status.fitAfterSamples) samples, \(status.samplesAccepted) are there"
      : "none"
  }

  private static func waiting(_ status: DaemonStatus, _ now: Double) -> String {
    var text = "Waiting:    \(count(status.shardsWaiting, "shard")), \(status.shardsInWork) in work"
    if let since = status.oldestWaitingSince { text += "; the oldest for \(span(now - since))" }
    return text
  }

  private static func shards(_ status: DaemonStatus) -> String {
    let rest = status.shards.filter { $0.key != "done" && $0.value > 0 }.sorted { $0.key < $1.key }
    return (["\(status.shards["done"] ?? 0) done"] + rest.map { "\($0.value) \($0.key)" }).joined(
      separator: ", ")
  }

  private static func samples(_ status: DaemonStatus) -> String {
    let dropped = status.samplesDropped.values.reduce(0, +)
    let rejected = status.samplesRejected.values.reduce(0, +)
    return "\(status.samplesRead) read: \(status.samplesKept) kept, \(dropped) dropped, \(rejected) rejected"
  }

  private static func table(_ title: String, _ counts: [String: Int]) -> [String] {
    counts.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      "\(title.padding(toLength: 12, withPad: " ", startingAt: 0))"
        + "\($0.key.padding(toLength: 18, withPad: " ", startingAt: 0)) \($0.value)"
    }
  }

  private static func published(_ status: DaemonStatus, _ now: Double) -> String {
    var text = "\(status.samplesPublished) samples in \(count(status.shardsPublished, "shard"))"
    if status.samplesPending > 0 { text += ", \(status.samplesPending) more are kept" }
    if status.samplesLost > 0 { text += ", \(status.samplesLost) lost with their shards" }
    if let last = status.lastPublishedAt { text += "; the last \(ago(last, now))" }
    return text
  }

  /// Of the stage that reads, while this process runs.
  private static func rate(_ status: DaemonStatus, _ now: Double) -> String? {
    guard let ingest = status.stages["ingest"], ingest.runs > 0, ingest.seconds > 0 else { return nil }
    let perShard = String(format: "%.1f s", ingest.seconds / Double(ingest.runs))
    let up = max(1, now - status.startedAt)
    return
      "\(perShard) a shard to ingest; at work \(Int((min(1, ingest.seconds / up) * 100).rounded())) % of the time"
  }

  private static func words(_ drift: DaemonStatus.Drift) -> String {
    String(
      format: "KS %.3f (limit %.3f), PSI %.3f (limit %.3f) over %d samples%@", drift.ks, drift.ksLimit,
      drift.psi,
      drift.psiLimit, drift.samples, drift.isAlarmed ? ": the stream has left the plan" : "")
  }

  private static func room(_ status: DaemonStatus) -> String {
    "\(bytes(status.outputFreeBytes)) free beside the output, \(bytes(status.workspaceFreeBytes)) beside the workspace; "
      + "\(bytes(status.quarantineBytes)) in quarantine; memory \(bytes(UInt64(max(0, status.residentBytes))))"
  }

  private static func bytes(_ number: UInt64) -> String { ByteSize.text(Int(clamping: number)) }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  private static func ago(_ time: Double, _ now: Double) -> String { span(now - time) + " ago" }

  /// Such as `3 d 4 h`, `12 min`, `5 s`.
  static func span(_ seconds: Double) -> String {
    let seconds = Int(max(0, seconds))
    return switch seconds {
    case ..<60: "\(seconds) s"
    case ..<3600: "\(seconds / 60) min"
    case ..<86_400: "\(seconds / 3600) h \(seconds / 60 % 60) min"
    default: "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
    }
  }
}
