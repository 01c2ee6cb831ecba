public import Foundation
import Glibc
public import Pipeline

extension DaemonStatus {
  /// A finished one-shot run in the same terms, for ``MetricsPage``.
  public init(_ report: RunReport, recipe: String, workspace: String, began: Date, ended: Date = Date()) {
    self.init()
    (version, pid, phase) = (tamisVersion, getpid(), .stopped)
    (startedAt, updatedAt) = (began.timeIntervalSince1970, ended.timeIntervalSince1970)
    (self.recipe, self.workspace, output) = (recipe, workspace, report.publish.path)
    (reloadedAt, reloadSucceededAt) = (startedAt, startedAt)
    let ingest = report.ingest
    shards = ["done": ingest.shards - ingest.shardsRejected, "rejected": ingest.shardsRejected]
    (samplesRead, samplesAccepted) = (ingest.samples, ingest.accepted)
    for (code, count) in ingest.rejected.occurring { samplesRejected[code.rawValue] = count }
    samplesKept = report.prune.kept
    for (reason, count) in report.prune.dropped { samplesDropped["\(reason)"] = count }
    (samplesPublished, shardsPublished) = (report.publish.samples, report.publish.shards)
    bytesWritten = report.publish.bytes
    lastPublishedAt = updatedAt
    residentBytes = ProcessUsage.now().residentBytes
  }
}
