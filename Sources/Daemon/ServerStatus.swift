import Foundation
import Pipeline
import Prune
import Shards
import Synchronization

extension Server {
  static func handler(
    _ next: @escaping EventHandler, _ board: StatusBoard, _ heartbeat: Heartbeat
  ) -> EventHandler {
    let isEnding = Atomic(false)
    return { event in
      heartbeat.beat()
      board.beat()
      if ProcessSignals.isEndAsked, !isEnding.exchange(true, ordering: .relaxed) {
        board.update { $0.phase = .draining }
        next(.notice("asked to end: what is in work is finished first"))
      }
      switch event {
      case .timed(let stage, let seconds):
        board.update { $0.stages[stage, default: .init()].add(seconds: seconds) }
      case .began(let stage, _, _, _) where stage == "prune" || stage.hasPrefix("fit"):
        board.update { $0.phase = .fitting }
      case .published(let path, let samples):
        board.update { $0.lastPublishedAt = Date().timeIntervalSince1970 }
        board.tell(.init(name: "published", data: json(["shard": path, "samples": "\(samples)"])))
      case .rejected(let reject):
        board.tell(.init(name: "rejected", data: json(["text": reject.description])))
      case .notice(let text), .problem(let text):
        board.tell(.init(name: "notice", data: json(["text": text])))
      default: break
      }
      next(event)
    }
  }

  private static func json(_ fields: [String: String]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  func tell(_ name: String, _ fields: [String: String]) {
    board.tell(.init(name: name, data: Self.json(fields)))
  }

  func begin() {
    let (workspace, path, output) = (setup.workspace, setup.recipePath, recipe.publish.path)
    let (fitAfter, memory) = (recipe.daemon.fitAfterSamples, recipe.limits.memory)
    board.update {
      $0.version = tamisVersion
      $0.pid = ProcessInfo.processInfo.processIdentifier
      $0.startedAt = Date().timeIntervalSince1970
      $0.reloaded(at: $0.startedAt, problem: nil)
      ($0.recipe, $0.workspace, $0.output) = (path, workspace, output)
      ($0.fitAfterSamples, $0.memoryBudgetBytes) = (fitAfter, memory)
    }
  }

  func note(waiting: Int, ready: [ShardFile]) {
    let now = Date().timeIntervalSince1970
    waitingSince = Dictionary(uniqueKeysWithValues: ready.map { ($0.path, waitingSince[$0.path] ?? now) })
    let oldest = waitingSince.values.min()
    board.update { ($0.shardsWaiting, $0.oldestWaitingSince) = (waiting, oldest) }
  }

  /// Brings the board up to date, and the copy of it in the catalog now and then.
  func show(_ session: StreamSession, _ catalog: Catalog, saving: Bool = false) throws {
    let totals = session.totals
    let (generation, fitted) = (session.generation, session.fittedClaims)
    let phase: DaemonStatus.Phase = session.isStreaming ? .streaming : .bootstrap
    let (pending, published) = (session.pendingSamples, session.publishedSamples)
    let (shards, bytes) = (session.publishedShards, session.publishedBytes)
    let free = (DiskSpace.free(recipe.publish.path) ?? 0, DiskSpace.free(setup.workspace) ?? 0)
    let usage = ProcessUsage.now()
    let drift = session.drift.map { report in
      var drift = DaemonStatus.Drift()
      drift.samples = report.window
      (drift.ks, drift.psi, drift.isAlarmed) = (report.ks, report.psi, report.isAlarmed)
      if report.window > 0 { (drift.ksLimit, drift.psiLimit) = (report.ksLimit, report.psiLimit) }
      return drift
    }
    board.beat()
    board.update {
      if $0.phase != .draining, $0.phase != .stopped { $0.phase = phase }
      ($0.generation, $0.fittedClaims, $0.drift) = (generation, fitted, drift)
      $0.shards = ["done": totals.shardsDone, "rejected": totals.shardsRejected, "lost": totals.shardsLost]
      $0.shardsInWork = totals.shardsInWork
      ($0.samplesRead, $0.samplesAccepted) = (totals.read, totals.accepted)
      ($0.samplesKept, $0.samplesLost) = (totals.kept, totals.lost)
      ($0.samplesDropped, $0.samplesRejected) = (totals.dropped, totals.rejected)
      ($0.samplesPending, $0.samplesPublished) = (pending, published)
      ($0.shardsPublished, $0.bytesWritten, $0.bytesRead) = (shards, bytes, totals.bytes)
      ($0.outputFreeBytes, $0.workspaceFreeBytes) = free
      ($0.residentBytes, $0.openFiles) = (usage.residentBytes, usage.openFiles)
    }
    let sinceSave = monotonicSeconds() - lastSave
    guard saving || sinceSave >= 60 || sinceSave >= 1 && hasNews else { return }
    lastSave = monotonicSeconds()
    let quarantined = try QuarantineStore.bytes(setup.workspace)
    board.update { $0.quarantineBytes = quarantined }
    let status = board.status
    saved = status
    try catalog.save(status)
    notifier.status(statusLine)
  }

  /// Whether the status is another than the one in the catalog.
  var hasNews: Bool { Self.differ(saved, board.status) }

  /// Whether something else than times and resources has changed.
  private static func differ(_ a: DaemonStatus, _ b: DaemonStatus) -> Bool {
    func work(_ status: DaemonStatus) -> DaemonStatus {
      var status = status
      (status.updatedAt, status.residentBytes, status.openFiles) = (0, 0, 0)
      (status.outputFreeBytes, status.workspaceFreeBytes) = (0, 0)
      return status
    }
    return work(a) != work(b)
  }

  var statusLine: String {
    let status = board.status
    let paused =
      status.paused.isEmpty ? "" : ", paused: " + status.paused.map(\.rawValue).joined(separator: ", ")
    return "\(status.phase.rawValue)\(paused); \(status.shardsWaiting) shards wait; "
      + "\(status.samplesPublished) samples published, \(status.samplesPending) pending"
  }
}
