public import Shards

/// What a stream writes down, each row before it takes effect (design.md 7.1 and 7.2): a killed process continues by it,
/// and the same journal gives the same bytes.
///
/// Every call is one transaction that is durable when it returns. The daemon keeps it in the catalog.
public protocol StreamJournal: AnyObject {
  /// Everything that was written.
  func load() throws -> StreamRecord
  /// Input shards, in the order in which their samples will get their verdicts.
  func add(claims: [StreamClaim]) throws
  /// What became of a claim.
  func update(_ claim: StreamClaim, at ordinal: Int) throws
  /// A plan is about to be fitted on the claims so far.
  func begin(_ generation: StreamGeneration) throws
  /// The plan is in force; `claims` got their verdicts with it.
  func finish(generation number: Int, claims: [Int: StreamClaim]) throws
  /// The plan could not be fitted.
  func abandon(generation number: Int) throws
  /// The fields of every published sample are fixed: ``StreamRecord/fields``.
  func fix(fields: String) throws
  /// A shard is complete and durable under a hidden name.
  func add(_ seal: StreamSeal) throws
  /// It has its name.
  func published(seal number: Int) throws
}

/// The content of a journal.
public struct StreamRecord: Sendable, Equatable {
  /// By ordinal.
  public var claims: [StreamClaim] = []
  /// By number, from 1.
  public var generations: [StreamGeneration] = []
  /// By number, from 0.
  public var seals: [StreamSeal] = []
  /// The fields that all published samples have, as JSON; nil before the first, and where they may differ.
  public var fields: String?

  public init() {}
}

/// One input shard that was taken.
public struct StreamClaim: Sendable, Equatable {
  public enum State: Int, Sendable {
    /// Its samples have no verdicts yet.
    case taken = 0
    /// They have.
    case decided = 1
    /// Rejected as a whole.
    case rejected = 2
  }

  /// Workspace name.
  public var name: String
  public var path: String
  /// Of the file, when it was taken.
  public var status: FileStatus
  public var state = State.taken
  /// Samples read.
  public var samples = 0
  public var accepted = 0
  public var kept = 0
  /// To be published, but the file was gone or changed before they were: the last ones of them.
  public var lost = 0
  /// By reject code.
  public var rejected: [String: Int] = [:]
  /// By reason.
  public var dropped: [String: Int] = [:]
  /// Whether the input file was moved or deleted as `daemon.on_success` says.
  public var isDisposed = false

  public init(name: String, path: String, status: FileStatus) {
    (self.name, self.path, self.status) = (name, path, status)
  }
}

/// One fitted plan.
public struct StreamGeneration: Sendable, Equatable {
  /// Why it is made.
  public enum Cause: String, Sendable { case start, request, drift }

  /// From 1.
  public var number: Int
  /// Claims that it is fitted on: the first so many.
  public var claims: Int
  public var cause: Cause
  /// The recipe it is fitted by, as YAML.
  public var recipe: String
  public var isFitted = false

  public init(number: Int, claims: Int, cause: Cause, recipe: String) {
    (self.number, self.claims, self.cause, self.recipe) = (number, claims, cause, recipe)
  }
}

/// One published shard.
public struct StreamSeal: Sendable, Equatable {
  /// From 0.
  public var number: Int
  public var name: String
  public var samples: Int
  public var bytes: UInt64
  /// Its entry of `MANIFEST.json`.
  public var entry: String
  /// Whether it has its name.
  public var isPublished = false

  public init(number: Int, name: String, samples: Int, bytes: UInt64, entry: String) {
    (self.number, self.name, self.samples, self.bytes) = (number, name, samples, bytes)
    self.entry = entry
  }
}
