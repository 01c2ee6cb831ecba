import ArgumentParser
import Daemon
import Foundation
import Logging
import Pipeline
import Synchronization

/// `--log-format`.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
  /// Plain lines, and a progress bar on a terminal.
  case text
  /// One JSON object a line.
  case json
}

/// Turns the events of a run into a progress bar or log lines on standard error.
///
/// A daemon's log lives for weeks: of each reject code, and of each notice, the first 20 in an hour are shown, then every
/// 1000th; how many were kept back is said when the hour is over. All rejects are in `rejects.jsonl` anyway.
final class RunLog: Sendable {
  private struct State {
    var bar: ProgressBar?
    var limit: RepeatLimit
    var stage: String?
    var stageBegan = SuspendingClock.now
  }

  private let logger: Logger
  private let isBarShown: Bool
  private let isDaemon: Bool
  private let start = SuspendingClock.now
  private let state: Mutex<State>

  init(_ format: LogFormat, quiet: Bool, isDaemon: Bool = false) {
    let isInJournal = Console.isInJournal
    var logger = Logger(label: "tamis") { _ -> any LogHandler in
      if format == .json {
        JSONLogHandler(hasPriorities: isInJournal)
      } else {
        TextLogHandler(hasPriorities: isInJournal)
      }
    }
    logger.logLevel = quiet ? .error : format == .json ? .debug : .info
    self.logger = logger
    self.isDaemon = isDaemon
    isBarShown = format == .text && !quiet && !isDaemon && Console.isTerminal
    let limit = isDaemon ? RepeatLimit() : RepeatLimit(every: nil, window: nil)
    state = Mutex(State(limit: limit))
  }

  /// The handler to give to the pipeline.
  var handler: EventHandler { { self.handle($0) } }

  /// A line that `--quiet` lets through.
  func error(_ text: String) {
    state.withLock { state in
      state.bar?.clear()
      logger.error("\(text)")
    }
  }

  private func handle(_ event: RunEvent) {
    state.withLock { state in
      let now = (SuspendingClock.now - start) / .seconds(1)
      for (kind, count) in state.limit.turn(now: now) {
        logger.notice("\(count) further messages like '\(kind)' were not shown in the last hour")
      }
      switch event {
      case .began(let stage, let shards, let bytes, let samples):
        if isBarShown { state.bar = ProgressBar(stage, bytes: bytes, samples: samples) }
        (state.stage, state.stageBegan) = (stage, .now)
        logger.debug(
          "\(stage) begins",
          metadata: ["component": "\(stage)", "shards": "\(shards)", "bytes": "\(bytes)"])
      case .progress(let samples, let bytes):
        state.bar?.update(samples: samples, bytes: bytes)
      case .step(let name):
        state.bar?.show(step: name)
        logger.debug("\(name)", metadata: ["component": "\(state.stage ?? "")"])
      case .rejected(let reject): show(reject, &state, now)
      case .committed(let path, let samples):
        logger.debug(
          "committed",
          metadata: ["component": "\(state.stage ?? "")", "path": "\(path)", "samples": "\(samples)"])
      case .published(let path, let samples):
        logger.debug(
          "published", metadata: ["component": "publish", "path": "\(path)", "samples": "\(samples)"])
      case .notice(let text):
        let decision = isDaemon ? state.limit.decide(RepeatLimit.kind(ofText: text), now: now) : .show
        guard decision != .skip else { return }
        state.bar?.clear()
        logger.notice("\(text)", metadata: isDaemon ? ["component": "daemon"] : nil)
      case .problem(let text):
        guard !isDaemon || state.limit.decide(RepeatLimit.kind(ofText: text), now: now) != .skip else {
          return
        }
        state.bar?.clear()
        logger.error("\(text)", metadata: isDaemon ? ["component": "daemon"] : nil)
      case .timed(let stage, let seconds):
        logger.debug(
          "\(stage) done", metadata: ["component": "\(stage)", "dur_ms": "\(Int(seconds * 1000))"])
      case .ended(let stage):
        state.bar?.clear()
        state.bar = nil
        let took = Int((SuspendingClock.now - state.stageBegan) / .milliseconds(1))
        state.stage = nil
        logger.debug("\(stage) ended", metadata: ["component": "\(stage)", "dur_ms": "\(took)"])
      }
    }
  }

  private func show(_ reject: Reject, _ state: inout State, _ now: Double) {
    let decision = state.limit.decide(reject.code.rawValue, now: now)
    // A shard as a whole is always shown by a run; a daemon may get thousands of those too.
    guard decision != .skip || (reject.key == nil && !isDaemon) else { return }
    state.bar?.clear()
    logger.warning(
      "\(reject.description)",
      metadata: [
        "component": "\(state.stage ?? "ingest")", "shard": "\(reject.shard)", "offset": "\(reject.offset)",
        "member": "\(reject.member)", "key": "\(reject.key ?? "")", "code": "\(reject.code.rawValue)",
      ])
    switch decision {
    case .showLast:
      logger.warning("further \(reject.code.rawValue) are counted, not shown; see rejects.jsonl")
    case .showCounted(let count):
      logger.warning("that was number \(count) of \(reject.code.rawValue) in this hour")
    case .show, .skip: break
    }
  }
}

/// `tamis: message` lines.
private struct TextLogHandler: LogHandler {
  var hasPriorities: Bool
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let prefix = hasPriorities ? "<\(LogLine.priority(level: event.level.rawValue))>" : ""
    Console.raw(prefix + "tamis: " + LogLine.text("\(event.message)"))
  }
}

/// JSON lines, see ``LogLine``.
private struct JSONLogHandler: LogHandler {
  var hasPriorities: Bool
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).mapValues { "\($0)" }
    let prefix = hasPriorities ? "<\(LogLine.priority(level: event.level.rawValue))>" : ""
    Console.raw(
      prefix + LogLine.json(level: event.level.rawValue, message: "\(event.message)", fields: fields))
  }
}
