/// What the daemon knows of itself: one value behind `/status`, `/metrics`, `tamis status`, the systemd status line and the
/// dump on SIGUSR1. It is written to the catalog at every commit, so that it can be read when the daemon is down.
///
/// Counts are totals over the life of the workspace, not of the process. Times are seconds since 1970.
public struct DaemonStatus: Codable, Sendable, Equatable {
  /// What the loop does.
  public enum Phase: String, Codable, Sendable, CaseIterable {
    /// Recovery; no shard is taken yet.
    case starting
    /// Shards are ingested until there are enough samples to fit the first plan.
    case bootstrap
    case fitting
    /// Samples are kept or dropped as they come.
    case streaming
    /// After SIGTERM.
    case draining
    case stopped
  }

  /// Why no new shard is taken.
  public enum Pause: String, Codable, Sendable, CaseIterable {
    /// `POST /pause`.
    case asked
    /// Less than `daemon.min_free` is free on the disk of OUT or of the workspace.
    case disk
    /// A file or the catalog could not be written or read; tried again with growing pauses.
    case inputOutput = "io"
  }

  /// How the stream compares with the plan.
  public struct Drift: Codable, Sendable, Equatable {
    /// Samples in the window.
    public var samples = 0
    public var ks = 0.0
    public var ksLimit = 0.0
    public var psi = 0.0
    public var psiLimit = 0.0
    public var isAlarmed = false
    public init() {}

    enum CodingKeys: String, CodingKey {
      case samples, ks, psi
      case ksLimit = "ks_limit"
      case psiLimit = "psi_limit"
      case isAlarmed = "is_alarmed"
    }
  }

  /// A stage's work in this process.
  public struct Stage: Codable, Sendable, Equatable {
    public var runs = 0
    /// In all.
    public var seconds = 0.0
    /// Runs by the least bound in ``bounds`` that they did not exceed; the last entry counts those above all bounds.
    public var counts = [Int](repeating: 0, count: Stage.bounds.count + 1)
    /// Upper bounds of the histogram, seconds.
    public static let bounds = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]
    public init() {}

    /// Adds one run.
    public mutating func add(seconds: Double) {
      runs += 1
      self.seconds += seconds
      counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
    }
  }

  public var version = ""
  public var pid: Int32 = 0
  public var startedAt = 0.0
  /// When this value was last changed.
  public var updatedAt = 0.0
  /// Absolute paths.
  public var recipe = ""
  public var workspace = ""
  public var output = ""
  public var phase = Phase.starting
  /// Reasons to wait, sorted; empty while shards are taken.
  public var paused: [Pause] = []
  /// Text of the last failure behind ``Pause/inputOutput``.
  public var failure: String?

  /// The plan in force; 0 before the first.
  public var generation = 0
  /// Claims that it was fitted on.
  public var fittedClaims = 0
  /// Accepted samples that the first plan is fitted on.
  public var fitAfterSamples = 0
  public var drift: Drift?

  /// Shards that are in the input and not claimed yet.
  public var shardsWaiting = 0
  /// Claimed shards without all their verdicts yet.
  public var shardsInWork = 0
  /// Input shards by result: `done`, `rejected`, `lost`.
  public var shards: [String: Int] = [:]
  /// Of claimed shards that have their verdicts: `read` = `accepted` + all rejected; `accepted` = `kept` + all dropped
  /// (from the first plan on).
  public var samplesRead = 0
  public var samplesAccepted = 0
  public var samplesKept = 0
  /// By the name of the reason.
  public var samplesDropped: [String: Int] = [:]
  /// By the reject code.
  public var samplesRejected: [String: Int] = [:]
  /// Kept, not published yet.
  public var samplesPending = 0
  public var samplesPublished = 0
  /// Kept, but their input shard was gone or changed before they could be published.
  public var samplesLost = 0
  public var shardsPublished = 0
  public var bytesRead: UInt64 = 0
  public var bytesWritten: UInt64 = 0

  /// Bytes of samples and pixels in flight, and the most that may be.
  public var inflightBytes = 0
  public var memoryBudgetBytes = 0
  /// When the oldest shard that waits was seen first; nil while none waits.
  public var oldestWaitingSince: Double?
  public var lastClaimAt: Double?
  public var lastPublishedAt: Double?
  public var quarantineBytes: UInt64 = 0
  public var outputFreeBytes: UInt64 = 0
  public var workspaceFreeBytes: UInt64 = 0
  /// Resident set of the process.
  public var residentBytes = 0
  public var openFiles = 0

  /// The last reload of the recipe, the one at the start included.
  public var reloadedAt: Double?
  public var reloadSucceeded = true
  public var reloadProblem: String?
  /// The last reload that succeeded.
  public var reloadSucceededAt: Double?

  /// By stage: `ingest`, `fit`, `decide`, `publish`.
  public var stages: [String: Stage] = [:]

  public init() {}

  /// Notes a reload of the recipe; `problem` says why the old one stays in force, nil for success.
  public mutating func reloaded(at time: Double, problem: String?) {
    (reloadedAt, reloadSucceeded, reloadProblem) = (time, problem == nil, problem)
    if problem == nil { reloadSucceededAt = time }
  }

  enum CodingKeys: String, CodingKey {
    case version, pid, recipe, workspace, output, phase, paused, failure, generation, drift, shards, stages
    case startedAt = "started_at"
    case updatedAt = "updated_at"
    case fittedClaims = "fitted_claims"
    case fitAfterSamples = "fit_after_samples"
    case shardsWaiting = "shards_waiting"
    case shardsInWork = "shards_in_work"
    case samplesRead = "samples_read"
    case samplesAccepted = "samples_accepted"
    case samplesKept = "samples_kept"
    case samplesDropped = "samples_dropped"
    case samplesRejected = "samples_rejected"
    case samplesPending = "samples_pending"
    case samplesPublished = "samples_published"
    case samplesLost = "samples_lost"
    case shardsPublished = "shards_published"
    case bytesRead = "bytes_read"
    case bytesWritten = "bytes_written"
    case inflightBytes = "inflight_bytes"
    case memoryBudgetBytes = "memory_budget_bytes"
    case oldestWaitingSince = "oldest_waiting_since"
    case lastClaimAt = "last_claim_at"
    case lastPublishedAt = "last_published_at"
    case quarantineBytes = "quarantine_bytes"
    case outputFreeBytes = "output_free_bytes"
    case workspaceFreeBytes = "workspace_free_bytes"
    case residentBytes = "resident_bytes"
    case openFiles = "open_files"
    case reloadedAt = "reloaded_at"
    case reloadSucceeded = "reload_succeeded"
    case reloadProblem = "reload_problem"
    case reloadSucceededAt = "reload_succeeded_at"
  }
}
