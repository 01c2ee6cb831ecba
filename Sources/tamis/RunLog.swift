import ArgumentParser
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
final class RunLog: Sendable {
  /// Rejects of one code shown one by one; the rest is counted (all are in `rejects.jsonl`).
  private static let shownPerCode = 20

  private struct State {
    var bar: ProgressBar?
    var shown: [RejectCode: Int] = [:]
  }

  private let logger: Logger
  private let isBarShown: Bool
  private let state = Mutex(State())

  init(_ format: LogFormat, quiet: Bool) {
    var logger = Logger(label: "tamis") { _ -> any LogHandler in
      if format == .json { JSONLogHandler() } else { TextLogHandler() }
    }
    logger.logLevel = quiet ? .error : format == .json ? .debug : .info
    self.logger = logger
    isBarShown = format == .text && !quiet && Console.isTerminal
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
      switch event {
      case .began(let stage, let shards, let bytes, let samples):
        if isBarShown { state.bar = ProgressBar(stage, bytes: bytes, samples: samples) }
        logger.debug(
          "\(stage) begins", metadata: ["stage": "\(stage)", "shards": "\(shards)", "bytes": "\(bytes)"])
      case .progress(let samples, let bytes):
        state.bar?.update(samples: samples, bytes: bytes)
      case .step(let name):
        state.bar?.show(step: name)
        logger.debug("\(name)")
      case .rejected(let reject):
        state.shown[reject.code, default: 0] += 1
        let shown = state.shown[reject.code]!
        guard shown <= Self.shownPerCode || reject.key == nil else { return }
        state.bar?.clear()
        log(reject)
        if shown == Self.shownPerCode {
          logger.warning("further \(reject.code.rawValue) are counted, not shown; see rejects.jsonl")
        }
      case .committed(let path, let samples):
        logger.debug("committed", metadata: ["path": "\(path)", "samples": "\(samples)"])
      case .notice(let text):
        state.bar?.clear()
        logger.notice("\(text)")
      case .timed(let stage, let seconds):
        logger.debug("\(stage) took \(seconds) s", metadata: ["stage": "\(stage)"])
      case .ended(let stage):
        state.bar?.clear()
        state.bar = nil
        logger.debug("\(stage) ended", metadata: ["stage": "\(stage)"])
      }
    }
  }

  private func log(_ reject: Reject) {
    logger.warning(
      "\(reject.description)",
      metadata: [
        "shard": "\(reject.shard)", "offset": "\(reject.offset)", "member": "\(reject.member)",
        "key": "\(reject.key ?? "")", "code": "\(reject.code.rawValue)",
      ])
  }
}

/// `tamis: message` lines.
private struct TextLogHandler: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { Console.error("\(event.message)") }
}

/// JSON lines: `ts` (RFC 3339, UTC, milliseconds), `level`, `msg`, and the metadata.
private struct JSONLogHandler: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields: [String: String] = [:]
    for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
      fields[key] = "\(value)"
    }
    fields["ts"] = Date().formatted(
      .iso8601.year().month().day().timeZone(separator: .omitted)
        .time(includingFractionalSeconds: true).timeSeparator(.colon))
    fields["level"] = event.level.rawValue
    fields["msg"] = "\(event.message)"
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if let line = try? encoder.encode(fields) { Console.raw(String(decoding: line, as: UTF8.self)) }
  }
}
