/// What a run tells while it works; the caller decides what becomes of it (progress bar, log line, nothing).
public enum RunEvent: Sendable {
  /// A stage begins; `bytes` is what it will read, `samples` what it will write, where that is known.
  case began(stage: String, shards: Int, bytes: UInt64, samples: Int?)
  /// Counts since the stage began.
  case progress(samples: Int, bytes: UInt64)
  /// A stage without counts goes on to its next step.
  case step(String)
  case rejected(Reject)
  /// The columns of one shard became durable.
  case committed(path: String, samples: Int)
  /// One published shard became durable under its name.
  case published(path: String, samples: Int)
  /// Something the user should know that is no error.
  case notice(String)
  /// Something failed, and the work goes on.
  case problem(String)
  case ended(stage: String)
  /// A piece of a stream's work took so long.
  case timed(stage: String, seconds: Double)
}

/// Receives the events of a run, one at a time per stage.
public typealias EventHandler = @Sendable (RunEvent) -> Void
