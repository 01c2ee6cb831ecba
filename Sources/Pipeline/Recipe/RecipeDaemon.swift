import Yams

extension Recipe {
  /// How `tamis serve` works.
  public struct Daemon: Sendable, Equatable, Encodable {
    /// Address of status and metrics; nil opens no port.
    public var listen: String? = Daemon.defaultListen
    /// File whose first line lets requests over TCP ask for work; nil: only those over the workspace's socket may.
    public var tokenFile: String?
    /// Accepted samples after which the first plan is fitted.
    public var fitAfterSamples = 10_000
    /// Whether drift makes a new generation of the plan; otherwise it is only told.
    public var refitsOnDrift = true
    /// A shard written in place is taken when it did not change for so long; kept samples that wait for their shard to
    /// fill are published when nothing came for so long.
    public var quietSeconds = 5
    /// After SIGTERM, the shard in work may take so long.
    public var drainSeconds = 60
    /// What becomes of an input shard whose samples are published.
    public var onSuccess = OnSuccess.keep
    /// Scans the input every so many seconds, without inotify; nil: inotify.
    public var pollSeconds: Int?
    /// With inotify, the input is scanned at least so often.
    public var rescanSeconds = 30
    /// No shard is taken while less than this is free on the disks of OUT and of the workspace.
    public var minFree = 256 << 20

    public static let defaultListen = "127.0.0.1:8088"

    public enum OnSuccess: Sendable, Equatable {
      case keep
      case delete
      /// Into this directory, under its path below the input's root.
      case move(String)
    }

    enum CodingKeys: String, CodingKey {
      case listen, fit
      case tokenFile = "token_file"
      case quietSeconds = "quiet_seconds"
      case drainSeconds = "drain_seconds"
      case onSuccess = "on_success"
      case pollSeconds = "poll_seconds"
      case rescanSeconds = "rescan_seconds"
      case minFree = "min_free"
    }

    private struct FitKeys: Encodable {
      var afterSamples: Int
      var onDrift: Bool
      enum CodingKeys: String, CodingKey {
        case afterSamples = "after_samples"
        case onDrift = "on_drift"
      }
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(listen ?? "none", forKey: .listen)
      try values.encodeIfPresent(tokenFile, forKey: .tokenFile)
      try values.encode(FitKeys(afterSamples: fitAfterSamples, onDrift: refitsOnDrift), forKey: .fit)
      try values.encode(quietSeconds, forKey: .quietSeconds)
      try values.encode(drainSeconds, forKey: .drainSeconds)
      switch onSuccess {
      case .keep: try values.encode("keep", forKey: .onSuccess)
      case .delete: try values.encode("delete", forKey: .onSuccess)
      case .move(let path): try values.encode(["move": path], forKey: .onSuccess)
      }
      try values.encodeIfPresent(pollSeconds, forKey: .pollSeconds)
      try values.encode(rescanSeconds, forKey: .rescanSeconds)
      try values.encode(minFree, forKey: .minFree)
    }
  }
}

extension RecipeFile {
  static func readDaemon(_ root: inout RecipeSection, _ daemon: inout Recipe.Daemon, _ directory: String) {
    var section = root.section("daemon")
    if section.has("listen") {
      let listen = section.string("listen", "")
      daemon.listen = listen.isEmpty || listen == "none" ? nil : listen
    }
    if section.has("token_file") { daemon.tokenFile = resolve(section.string("token_file", ""), directory) }
    var fit = section.section("fit")
    daemon.fitAfterSamples = fit.integer("after_samples", daemon.fitAfterSamples, in: 2...Int(Int32.max))
    daemon.refitsOnDrift = fit.bool("on_drift", daemon.refitsOnDrift)
    fit.finish()
    daemon.quietSeconds = section.integer("quiet_seconds", daemon.quietSeconds, in: 0...86_400)
    daemon.drainSeconds = section.integer("drain_seconds", daemon.drainSeconds, in: 1...86_400)
    readOnSuccess(&section, &daemon, directory)
    if section.has("poll_seconds") {
      daemon.pollSeconds = section.integer("poll_seconds", 10, in: 1...86_400)
    }
    daemon.rescanSeconds = section.integer("rescan_seconds", daemon.rescanSeconds, in: 1...86_400)
    daemon.minFree = section.bytes("min_free", daemon.minFree)
    section.finish()
  }

  private static func readOnSuccess(
    _ section: inout RecipeSection, _ daemon: inout Recipe.Daemon, _ directory: String
  ) {
    guard section.has("on_success") else { return }
    if section.node("on_success")?.mapping != nil {
      var inner = section.section("on_success")
      let path = inner.string("move", "")
      if path.isEmpty { inner.report("move", "missing: where to?") }
      daemon.onSuccess = .move(resolve(path, directory))
      inner.finish()
      return
    }
    switch section.string("on_success", "keep") {
    case "keep": daemon.onSuccess = .keep
    case "delete": daemon.onSuccess = .delete
    case "move": section.report("on_success", "move where to? { move: done/ }")
    default: section.report("on_success", "expected keep, delete or { move: PATH }")
    }
  }
}
