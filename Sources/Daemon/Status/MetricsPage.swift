public import Foundation
import Pipeline
import Prune
public import Shards

/// The metrics of a status. Counters are totals over the life of the workspace, so they go on after a restart; every label
/// value that can occur is there from the start with 0. No label holds the name of a shard or a key.
public enum MetricsPage {
  /// The content type of ``text(_:usage:now:)``.
  public static let contentType = Exposition.contentType

  static let stages = ["ingest", "fit", "decide", "publish"]
  static let shardResults = ["done", "rejected", "lost"]

  /// - Parameter now: seconds since 1970.
  public static func text(
    _ status: DaemonStatus, usage: ProcessUsage = .now(), now: Double = Date().timeIntervalSince1970
  ) -> String {
    var page = Exposition()
    page.begin("tamis_build_info", .gauge, "The version that runs; always 1.")
    page.sample(["version": status.version], 1)
    counts(status, &page)
    queues(status, now, &page)
    limits(status, &page)
    state(status, &page)
    stages(status, &page)
    process(status, usage, &page)
    return page.text
  }

  /// Replaces a file for node_exporter's textfile collector, in one step.
  public static func write(_ status: DaemonStatus, to path: String) throws(FileError) {
    try AtomicFile.write(Array(text(status).utf8), to: path)
  }

  private static func counts(_ status: DaemonStatus, _ page: inout Exposition) {
    page.begin(
      "tamis_samples_total", .counter,
      "Samples by the stage they left, with what result and why (codes of rejects, reasons of drops).")
    page.sample(["stage": "ingest", "result": "accepted", "reason": ""], status.samplesAccepted)
    for code in RejectCode.allCases.map(\.rawValue) {
      page.sample(
        ["stage": "ingest", "result": "rejected", "reason": code], status.samplesRejected[code] ?? 0)
    }
    page.sample(["stage": "decide", "result": "kept", "reason": ""], status.samplesKept)
    for reason in Reason.allCases where reason != .kept {
      page.sample(
        ["stage": "decide", "result": "dropped", "reason": "\(reason)"],
        status.samplesDropped["\(reason)"] ?? 0)
    }
    page.sample(["stage": "publish", "result": "published", "reason": ""], status.samplesPublished)
    page.sample(["stage": "publish", "result": "lost", "reason": ""], status.samplesLost)

    page.begin("tamis_shards_total", .counter, "Input shards by result.")
    for result in shardResults { page.sample(["result": result], status.shards[result] ?? 0) }
    page.single(
      "tamis_published_shards_total", .counter, "Shards written for trainers.", Double(status.shardsPublished)
    )
    page.single("tamis_bytes_read_total", .counter, "Bytes of input shards read.", Double(status.bytesRead))
    page.single(
      "tamis_bytes_written_total", .counter, "Bytes of shards published.", Double(status.bytesWritten))
    page.single(
      "tamis_dedup_ratio", .gauge, "Near-duplicates dropped per accepted sample.",
      status.samplesAccepted == 0
        ? 0 : Double(status.samplesDropped["\(Reason.duplicate)"] ?? 0) / Double(status.samplesAccepted))
  }

  private static func queues(_ status: DaemonStatus, _ now: Double, _ page: inout Exposition) {
    page.begin(
      "tamis_queue_depth", .gauge,
      "What waits before a stage: shards to ingest, claimed shards to decide, kept samples to publish.")
    page.sample(["stage": "ingest"], status.shardsWaiting)
    page.sample(["stage": "decide"], status.shardsInWork)
    page.sample(["stage": "publish"], status.samplesPending)
    page.single(
      "tamis_oldest_pending_age_seconds", .gauge, "How long the oldest shard has waited; 0 while none waits.",
      status.oldestWaitingSince.map { max(0, now - $0) } ?? 0)
    page.single(
      "tamis_last_claim_timestamp_seconds", .gauge, "When a shard was taken last; 0 for never.",
      status.lastClaimAt ?? 0)
    page.single(
      "tamis_last_success_timestamp_seconds", .gauge, "When a shard was published last; 0 for never.",
      status.lastPublishedAt ?? 0)
  }

  private static func limits(_ status: DaemonStatus, _ page: inout Exposition) {
    page.single(
      "tamis_inflight_bytes", .gauge, "Bytes of samples and pixels in work.", Double(status.inflightBytes))
    page.single(
      "tamis_memory_budget_bytes", .gauge, "The most that tamis_inflight_bytes may be.",
      Double(status.memoryBudgetBytes))
    page.single(
      "tamis_quarantine_bytes", .gauge, "Bytes of rejected samples that are kept.",
      Double(status.quarantineBytes))
    page.begin("tamis_disk_free_bytes", .gauge, "Free space on the disk of the output and of the workspace.")
    page.sample(["place": "output"], Double(status.outputFreeBytes))
    page.sample(["place": "workspace"], Double(status.workspaceFreeBytes))
  }

  private static func state(_ status: DaemonStatus, _ page: inout Exposition) {
    page.begin("tamis_phase", .gauge, "1 for the phase that the daemon is in.")
    for phase in DaemonStatus.Phase.allCases {
      page.sample(["phase": phase.rawValue], status.phase == phase ? 1 : 0)
    }
    page.begin("tamis_paused", .gauge, "1 for each reason for which no new shard is taken.")
    for reason in DaemonStatus.Pause.allCases {
      page.sample(["reason": reason.rawValue], status.paused.contains(reason) ? 1 : 0)
    }
    page.single(
      "tamis_generation", .gauge, "The plan in force; 0 before the first.", Double(status.generation))
    let drift = status.drift ?? DaemonStatus.Drift()
    page.single(
      "tamis_drift_window_samples", .gauge, "Samples that the drift is measured on; 0: not measured.",
      Double(drift.samples))
    page.single(
      "tamis_drift_ks", .gauge, "Kolmogorov-Smirnov distance of centroid distances from the plan's.", drift.ks
    )
    page.single("tamis_drift_ks_limit", .gauge, "Above it the drift counts.", drift.ksLimit)
    page.single(
      "tamis_drift_psi", .gauge, "Population stability index of concept shares against the plan's.", drift.psi
    )
    page.single("tamis_drift_psi_limit", .gauge, "Above it the drift counts.", drift.psiLimit)
    page.single(
      "tamis_drift_alarm", .gauge, "1 while the drift is above a limit.", drift.isAlarmed ? 1 : 0)
    page.single(
      "tamis_config_last_reload_successful", .gauge,
      "0 if the last recipe was refused and the old one stays.",
      status.reloadSucceeded ? 1 : 0)
    page.single(
      "tamis_config_last_reload_success_timestamp_seconds", .gauge, "When a recipe was last taken.",
      status.reloadSucceededAt ?? (status.reloadSucceeded ? status.reloadedAt : nil) ?? 0)
  }

  private static func stages(_ status: DaemonStatus, _ page: inout Exposition) {
    page.begin(
      "tamis_stage_duration_seconds", .histogram,
      "Time of one run of a stage in this process: a shard for ingest, decide and publish, a plan for fit.")
    for name in stages {
      let stage = status.stages[name] ?? DaemonStatus.Stage()
      var below = 0
      for (bound, count) in zip(DaemonStatus.Stage.bounds, stage.counts) {
        below += count
        let text = bound == bound.rounded() ? "\(Int(bound))" : "\(bound)"
        page.sample(["stage": name, "le": text], suffix: "_bucket", below)
      }
      page.sample(["stage": name, "le": "+Inf"], suffix: "_bucket", stage.runs)
      page.sample(["stage": name], suffix: "_sum", stage.seconds)
      page.sample(["stage": name], suffix: "_count", stage.runs)
    }
  }

  private static func process(_ status: DaemonStatus, _ usage: ProcessUsage, _ page: inout Exposition) {
    page.single("process_cpu_seconds_total", .counter, "User and system time.", usage.cpuSeconds)
    page.single("process_resident_memory_bytes", .gauge, "Resident set.", Double(usage.residentBytes))
    page.single("process_open_fds", .gauge, "Open file descriptors.", Double(usage.openFiles))
    page.single("process_max_fds", .gauge, "The most that may be open.", Double(usage.openFilesLimit))
    page.single(
      "process_start_time_seconds", .gauge, "When the process started, since 1970.", status.startedAt)
  }
}
