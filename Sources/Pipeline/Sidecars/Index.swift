import Shards
import Synchronization

/// `tamis index`: the sidecars of a directory of tars that others made.
///
/// Every shard is read once, to its end. One fault anywhere, and nothing is written: readers want every shard in
/// `sizes.json`, with a number they will find.
public enum Index {
  public struct Request: Sendable {
    /// The directory of the shards; directories in it are not looked at.
    public var directory: String
    /// Where to write; nil for beside the shards.
    public var output: String?
    /// What to write; nil for all that apply.
    public var sidecars: [Sidecar]?
    /// Overwrites files that tamis did not write.
    public var replaces = false
    /// Worker threads; nil for one a core.
    public var jobs: Int?

    public init(directory: String) { self.directory = directory }
  }

  public struct Report: Sendable, Equatable {
    public var shards = 0
    public var samples = 0
    /// Of the shards.
    public var bytes: UInt64 = 0
    /// Files written, sorted by name; empty when there was a fault.
    public var written: [String] = []
    /// Faults, in all shards together.
    public var faults = 0
  }

  /// What became of one shard.
  public struct Shard: Sendable, Equatable {
    public var name: String
    public var samples = 0
    public var bytes: UInt64 = 0
    /// Lower-case hex; nil for a shard that could not be read to its end.
    public var sha256: String?
    /// The first of them, at most 20.
    public var faults: [Reject] = []
    /// How many there are.
    public var faultCount = 0
  }

  /// Reads the shards and writes the sidecars, `MANIFEST.json` among them.
  ///
  /// - Parameter onShard: called for each shard in the order of the names, one at a time.
  /// - Throws: ``PipelineError`` (usage) for a directory that tamis published, files in the way, or two shards of one
  ///   name; (bad data) without any shard, or with unfinished ones of img2dataset.
  public static func run(
    _ request: Request, events: @escaping EventHandler, onShard: @escaping @Sendable (Shard) -> Void
  ) throws -> Report {
    let place = try IndexPlace(request)
    var directory = try SidecarDirectory(path: place.output)
    let folder = try IndexFolder(place, request, directory.manifest, events)
    let wanted = try folder.wanted(request, directory, events)
    try directory.begin()

    let total = folder.shards.reduce(0) { $0 + $1.size }
    events(.began(stage: "index", shards: folder.shards.count, bytes: total, samples: nil))
    let staging = directory.staged("")
    let progress = IndexProgress(events)
    let result: IndexedShards
    do {
      result = try orderedMap(
        from: ListSource(folder.shards),
        into: IndexSink(wanted: wanted, subset: directory.staged(Sidecar.subset.fileName!), onShard: onShard),
        workers: request.jobs ?? Recipe.Limits.defaultJobs, window: .max,
        makeWorker: {
          IndexWorker(directory: place.directory, staging: staging, wanted: wanted, progress: progress)
        },
        finish: { try $0.finish() })
    } catch {
      try directory.discard()
      throw error
    }
    events(.ended(stage: "index"))
    var report = Report(
      shards: result.shards.count, samples: result.samples, bytes: total, faults: result.faults)
    for notice in result.notices { events(.notice(notice)) }
    guard result.faults == 0 else {
      try directory.discard()
      return report
    }
    try folder.stage(wanted, result, place, in: &directory, events)
    report.written = directory.entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    try directory.commit()
    return report
  }
}

/// Where shards are and where sidecars go.
struct IndexPlace {
  let directory: String
  let output: String
  /// The shards as seen from the sidecars; nil for the same directory.
  let root: String?

  init(_ request: Index.Request) throws {
    guard let status = try FileStatus(path: request.directory) else {
      throw PipelineError(.usage, "\(request.directory): no such directory")
    }
    guard status.isDirectory else { throw PipelineError(.usage, "\(request.directory): not a directory") }
    directory = request.directory
    output = request.output ?? request.directory
    try Directory.create(output)
    root = Self.relative(try Directory.resolved(directory), from: try Directory.resolved(output))
  }

  /// `/a/b` from `/a/c` is `../b`; nil for equal paths.
  static func relative(_ path: String, from base: String) -> String? {
    let path = path.split(separator: "/")
    let base = base.split(separator: "/")
    let common = zip(path, base).prefix { $0 == $1 }.count
    let parts = base[common...].map { _ in ".." } + path[common...].map(String.init)
    return parts.isEmpty ? nil : parts.joined(separator: "/")
  }
}

/// Counts over all workers; the handler hears of one at a time.
final class IndexProgress: Sendable {
  private let totals = Mutex((samples: 0, bytes: UInt64(0)))
  private let events: EventHandler

  init(_ events: @escaping EventHandler) { self.events = events }

  func add(samples: Int, bytes: UInt64) {
    totals.withLock { totals in
      totals.samples += samples
      totals.bytes += bytes
      events(.progress(samples: totals.samples, bytes: totals.bytes))
    }
  }
}
