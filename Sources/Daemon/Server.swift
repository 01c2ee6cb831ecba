import Foundation
import GRDB
public import Pipeline
import Shards

/// `tamis serve`: watches the input directories and hands new shards to a ``StreamSession``.
///
/// One thread does the work, in the order that the journal has; whatever else there is (signals, HTTP, the watchdog)
/// reads the ``StatusBoard`` or leaves a request. Every wait has an end.
///
/// After an error of the disk or the catalog the session is thrown away and opened again after a pause, which is the
/// way a start after `kill -9` goes.
public final class Server {
  /// What can change while the daemon runs, and where it works.
  public struct Setup: Sendable {
    /// Reads the recipe: at the start, and on SIGHUP.
    public var recipe: @Sendable () throws -> Recipe
    /// Its path, for the status.
    public var recipePath: String
    public var workspace: String
    public var events: EventHandler
    /// Where the metrics are written for node_exporter's textfile collector; nil: nowhere.
    public var metricsTextfile: String?

    public init(
      recipePath: String, workspace: String, events: @escaping EventHandler,
      recipe: @escaping @Sendable () throws -> Recipe
    ) {
      (self.recipePath, self.workspace, self.events, self.recipe) = (recipePath, workspace, events, recipe)
    }
  }

  let setup: Setup
  var recipe: Recipe
  let board = StatusBoard()
  private let wakeup: Wakeup
  private let requests: OperatorRequests
  let heartbeat = Heartbeat()
  let notifier = ServiceNotifier()
  /// Held as long as the value: one daemon a workspace.
  private let lock: NameLock
  private let events: EventHandler

  private var watcher: DirectoryWatcher
  private var pauses: Set<DaemonStatus.Pause> = []
  /// How often each claimed shard could not be read.
  private var failures: [String: Int] = [:]
  private var toldPassedOver: Set<String> = []
  /// Shards that are ready and not taken, by path, with the time at which they were.
  var waitingSince: [String: Double] = [:]
  var lastSave = 0.0
  /// The status in the catalog.
  var saved = DaemonStatus()
  /// Whether the first session is open.
  private var hasBegun = false
  private var lastFailure = -Server.longestPause
  /// Of the last shard taken, by the monotonic clock.
  private var lastWork = monotonicSeconds()

  /// Shards and bytes that are claimed at once, so that they are read side by side.
  private static let batchShards = 8
  private static let batchBytes: UInt64 = 512 << 20
  /// Reading a claimed shard fails so often before it is rejected.
  private static let attempts = 5
  /// Longest pause after an error, seconds.
  private static let longestPause = 60.0

  /// - Throws: ``PipelineError`` (temporary) while another daemon works in the workspace; `RecipeError`.
  public init(_ setup: Setup) throws {
    recipe = try setup.recipe()
    try StreamSession.check(recipe)
    try Directory.create(setup.workspace)
    guard let lock = try NameLock.take(setup.workspace + "/.serve.lock") else {
      throw PipelineError(.temporary, "\(setup.workspace): another `tamis serve` works in this workspace")
    }
    self.lock = lock
    self.setup = setup
    let wakeup = try Wakeup()
    self.wakeup = wakeup
    requests = OperatorRequests { wakeup.ring() }
    watcher = Self.watcher(recipe)
    events = Self.handler(setup.events, board, heartbeat)
  }

  private static func watcher(_ recipe: Recipe) -> DirectoryWatcher {
    var options = DirectoryWatcher.Options()
    options.quietSeconds = Double(recipe.daemon.quietSeconds)
    options.rescanSeconds = Double(recipe.daemon.rescanSeconds)
    options.polls = recipe.daemon.pollSeconds != nil
    options.pollSeconds = Double(recipe.daemon.pollSeconds ?? 5)
    return DirectoryWatcher(recipe.input.path, options)
  }

  /// Works until a signal asks for the end. Returns the number of samples published in all.
  public func run() throws -> Int {
    ProcessSignals.install(waking: wakeup, drainSeconds: recipe.daemon.drainSeconds)
    begin()
    let web = try openStatusServer()
    defer { web.stop(deadline: 1) }
    let (events, board, heartbeat) = (events, board, heartbeat)
    let textfile = setup.metricsTextfile.map { path in
      MetricsTextfile(path, board: board) { events(.notice($0)) }
    }
    textfile?.start()
    defer { textfile?.stop() }
    let watchdog = Watchdog(heartbeat, notifier)
    watchdog?.start()
    defer { watchdog?.stop() }
    let pulse = FitPulse(while: { board.status.phase == .fitting }) {
      heartbeat.beat()
      board.beat()
    }
    defer { withExtendedLifetime(pulse) {} }
    var pause = 0.0
    var hasWorked = false
    while true {
      do {
        let published = try serve { hasWorked = true }
        return published
      } catch let loss as StreamLoss {
        events(.problem("\(loss)"))
        pause = 0
      } catch {
        guard let failure = Failure(error, isFirst: !hasWorked) else { throw error }
        guard !ProcessSignals.isEndAsked else { throw error }
        noteFailure(failure)
        if monotonicSeconds() - lastFailure > Self.longestPause { pause = 0 }
        lastFailure = monotonicSeconds()
        pause = min(Self.longestPause, max(1, pause * 2))
        wait(seconds: pause)
        if ProcessSignals.isEndAsked { throw error }
      }
    }
  }

  /// One session, from its recovery to the drain.
  private func serve(_ worked: () -> Void) throws -> Int {
    let catalog = try Catalog(workspace: setup.workspace)
    defer { try? catalog.close() }
    let refused = Set(failures.filter { $0.value >= Self.attempts }.keys)
    heartbeat.setIdle(false)
    let session: StreamSession
    do {
      session = try StreamSession.open(
        recipe, workspace: setup.workspace, catalog, refusing: refused, until: { ProcessSignals.isEndAsked },
        events: events)
    } catch {
      blame(error, catalog)
      throw error
    }
    worked()
    set(.inputOutput, false)
    board.update { $0.failure = nil }
    try show(session, catalog)
    notifier.ready(status: statusLine)
    if !hasBegun {
      hasBegun = true
      events(.notice("watching \(recipe.input.path)"))
    }
    do { return try loop(session, catalog) } catch {
      blame(error, catalog)
      throw error
    }
  }

  /// Status, metrics and operators' requests, over TCP and over the workspace's socket.
  private func openStatusServer() throws -> StatusServer {
    let events = events
    let web = try StatusServer(
      board: board, requests: requests, listen: recipe.daemon.listen, socket: setup.workspace + "/serve.sock",
      token: try recipe.daemon.tokenFile.map { try OperatorToken(file: $0) },
      allowsPortInUse: recipe.daemon.listen == Recipe.Daemon.defaultListen, notice: { events(.notice($0)) })
    try web.start()
    if let listen = recipe.daemon.listen, let port = web.port {
      events(
        .notice("status and metrics at http://\(listen.hasSuffix(":0") ? "127.0.0.1:\(port)" : listen)/"))
    }
    return web
  }

  /// Counts a failure against the shard that could not be read.
  private func blame(_ error: any Error, _ catalog: Catalog) {
    guard let claim = try? StreamSession.unreadable(catalog, workspace: setup.workspace) else { return }
    let isOfInput =
      switch error {
      case let error as PipelineError: error.kind == .temporary && error.description.hasPrefix(claim.path)
      case let error as FileError: error.path == claim.path
      default: false
      }
    if isOfInput { failures[claim.name, default: 0] += 1 }
  }

  private func loop(_ session: StreamSession, _ catalog: Catalog) throws -> Int {
    var ready: [ShardFile] = []
    watcher.lookAgain()
    while !ProcessSignals.isEndAsked {
      try takeRequests(session)
      checkDisk()
      if watcher.look() {
        let input = try session.look()
        tell(passedOver: input.passedOver)
        ready = watcher.complete(of: input.shards).filter(isReadable)
        note(waiting: input.shards.count, ready: ready)
      }
      for notice in watcher.takeNotices() { events(.notice(notice)) }
      if pauses.isEmpty, !ready.isEmpty {
        let batch = takeBatch(&ready)
        heartbeat.setIdle(false)
        try process(batch, session)
        note(waiting: ready.count, ready: ready)
        try show(session, catalog)
        lastWork = monotonicSeconds()
        continue
      }
      if session.openSamples > 0, monotonicSeconds() - lastWork >= Double(recipe.daemon.quietSeconds) {
        try session.seal()
      }
      try session.catchUp()
      try show(session, catalog)
      heartbeat.setIdle(true)
      _ = wakeup.wait(seconds: secondsToWait(session), descriptor: watcher.descriptor)
    }
    return try drain(session, catalog)
  }

  private func process(_ batch: [ShardFile], _ session: StreamSession) throws {
    board.update {
      $0.lastClaimAt = Date().timeIntervalSince1970
      $0.shardsInWork = batch.count
    }
    notifier.status(statusLine)
    try session.process(batch)
    for shard in batch { tell("shard", ["shard": shard.name]) }
    let names =
      batch.count == 1 ? batch[0].name : "\(batch[0].name) to \(batch.last!.name), \(batch.count) shards"
    events(
      .notice(
        "\(names): taken; \(session.publishedSamples) samples published, \(session.pendingSamples) pending"))
  }

  /// After SIGTERM: what is kept is published.
  private func drain(_ session: StreamSession, _ catalog: Catalog) throws -> Int {
    heartbeat.setIdle(false)
    board.update { $0.phase = .draining }
    notifier.stopping(status: "draining")
    notifier.extendTimeout(seconds: Double(recipe.daemon.drainSeconds))
    if !session.isStreaming { events(.notice("ended before the plan was fitted: nothing is published yet")) }
    try session.finish()
    board.update { $0.phase = .stopped }
    try show(session, catalog, saving: true)
    ProcessSignals.cancelDeadline()
    return session.publishedSamples
  }

  private func takeBatch(_ ready: inout [ShardFile]) -> [ShardFile] {
    var bytes: UInt64 = 0
    var count = 0
    for shard in ready.prefix(Self.batchShards) {
      bytes += shard.status.size
      if count > 0, bytes > Self.batchBytes { break }
      count += 1
    }
    defer { ready.removeFirst(count) }
    return Array(ready.prefix(count))
  }

  /// A file that we may not read is left where it is, and looked at again.
  private func isReadable(_ shard: ShardFile) -> Bool {
    do {
      _ = try File(path: shard.path, .read)
      return true
    } catch {
      if toldPassedOver.insert(shard.path).inserted { events(.notice("\(error): left where it is")) }
      return false
    }
  }

  private func tell(passedOver files: [ShardSet.PassedOver]) {
    for file in files where toldPassedOver.insert(file.path).inserted {
      events(.notice("\(file.path): passed over: \(file.reason)"))
    }
    // What is there no more may come again.
    if toldPassedOver.count > 10_000 { toldPassedOver = Set(files.map(\.path)) }
  }

  private func secondsToWait(_ session: StreamSession) -> Double {
    var seconds = min(10, watcher.secondsToLook())
    if hasNews { seconds = min(1, seconds) }
    if !pauses.isEmpty { seconds = min(2, max(seconds, 0.5)) }
    if session.openSamples > 0 {
      let quiet = Double(recipe.daemon.quietSeconds) - (monotonicSeconds() - lastWork)
      seconds = min(seconds, max(0.01, quiet))
    }
    return seconds
  }
}

// MARK: - Requests

extension Server {
  private func takeRequests(_ session: StreamSession) throws {
    if ProcessSignals.takeReload() { reload(session) }
    tellState()
    for request in requests.take() {
      switch request {
      case .pause: set(.asked, true)
      case .resume: set(.asked, false)
      case .fit:
        board.update { $0.phase = .fitting }
        heartbeat.setIdle(false)
        if !session.canRefit { events(.notice("asked to fit: there is nothing to fit a plan on")) }
        _ = try session.refit(.request)
      }
    }
  }

  private func tellState() {
    if ProcessSignals.takeDump() { events(.notice("state: \(StatusJSON.line(board.status))")) }
  }

  /// Takes the recipe anew, as a whole or not at all.
  private func reload(_ session: StreamSession) {
    notifier.reloading()
    defer { notifier.ready(status: statusLine) }
    do {
      let new = try setup.recipe()
      try session.reload(new)
      let old = recipe.daemon
      let watches = new.daemon != recipe.daemon || new.input != recipe.input
      recipe = new
      if watches { watcher = Self.watcher(new) }
      ProcessSignals.drainSeconds = new.daemon.drainSeconds
      board.update { $0.reloaded(at: Date().timeIntervalSince1970, problem: nil) }
      events(.notice("the recipe was read again"))
      if (new.daemon.listen, new.daemon.tokenFile) != (old.listen, old.tokenFile) {
        events(.notice("daemon.listen and daemon.token_file are taken at the next start"))
      }
    } catch {
      let problem = (error as? RecipeError).map { $0.problems.joined(separator: "; ") } ?? "\(error)"
      board.update { $0.reloaded(at: Date().timeIntervalSince1970, problem: problem) }
      events(.problem("the recipe was not taken, the one before stays in force: \(problem)"))
    }
  }

  private func set(_ pause: DaemonStatus.Pause, _ isSet: Bool) {
    guard pauses.contains(pause) != isSet else { return }
    if isSet { pauses.insert(pause) } else { pauses.remove(pause) }
    board.update { $0.paused = pauses.sorted { $0.rawValue < $1.rawValue } }
    events(.notice(isSet ? "paused: \(pause.rawValue)" : "goes on, was paused: \(pause.rawValue)"))
    notifier.status(statusLine)
  }

  /// Pauses below `daemon.min_free`, and goes on a quarter above it.
  private func checkDisk() {
    let free = [recipe.publish.path, setup.workspace].compactMap(DiskSpace.free)
    let least = UInt64(recipe.daemon.minFree)
    let limit = pauses.contains(.disk) ? least + least / 4 : least
    set(.disk, free.contains { $0 < limit })
  }
}

// MARK: - Failures

extension Server {
  private func noteFailure(_ failure: Failure) {
    events(.problem("\(failure.text); trying again"))
    set(.inputOutput, true)
    board.update { $0.failure = failure.text }
    if let catalog = try? Catalog(workspace: setup.workspace) {
      try? catalog.save(board.status)
      try? catalog.close()
    }
  }

  /// Waits before the next attempt; a signal ends it.
  private func wait(seconds: Double) {
    heartbeat.setIdle(true)
    let end = monotonicSeconds() + seconds
    while !ProcessSignals.isEndAsked {
      board.beat()
      tellState()
      let left = end - monotonicSeconds()
      if left <= 0 { return }
      _ = wakeup.wait(seconds: min(1, left))
    }
  }
}
