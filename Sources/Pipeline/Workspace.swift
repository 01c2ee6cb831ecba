import Shards

/// The directory with columns, models, verdicts and state (design.md 4). Holding a value holds its lock.
public struct Workspace: ~Copyable {
  public let path: String
  /// The shards that the stages see; nil: all. A stream fits on those that have had their turn.
  var visible: Set<String>?
  private let lock: File

  /// Opens or creates a workspace.
  ///
  /// - Throws: ``PipelineError`` (temporary) when another process works in it.
  public init(path: String) throws {
    try Directory.create(path + "/columns")
    try Directory.create(path + "/quarantine")
    let lock = try File(path: path + "/.lock", .create)
    guard try lock.tryLock() else {
      throw PipelineError(.temporary, "\(path): another tamis works in this workspace")
    }
    self.path = path
    self.lock = lock
  }

  /// - Throws: ``PipelineError`` (usage) in the workspace of a daemon: what its journal says was done must stay so.
  public func checkIsNoStreams() throws {
    guard try FileStatus(path: path + "/catalog.sqlite") == nil else {
      throw PipelineError(
        .usage, "\(path): the workspace belongs to `tamis serve`; give this command its own with -w")
    }
  }

  func columns(_ shard: String) -> String { path + "/columns/" + shard }
  var quarantine: String { path + "/quarantine" }

  /// The manifest of a shard's columns; nil if it has none, or none that can be read.
  func manifest(_ shard: String) throws -> ColumnManifest? {
    guard let bytes = try readFile(columns(shard) + "/manifest.json") else { return nil }
    return try? JSON.decode(ColumnManifest.self, from: bytes)
  }

  /// Writes the recipe in force.
  func record(_ recipe: Recipe) throws {
    let text =
      "# The recipe in force, defaults filled in. Written by tamis.\n" + (try RecipeFile.text(of: recipe))
    let bytes = Array(text.utf8)
    if try readFile(path + "/recipe.yaml") != bytes { try AtomicFile.write(bytes, to: path + "/recipe.yaml") }
  }

  /// The recipe in force, as it was written; nil if none was.
  func recordedRecipe() throws -> Recipe? {
    let place = path + "/recipe.yaml"
    return try FileStatus(path: place) == nil ? nil : try RecipeFile.load(place)
  }

  /// What is known of the input files, so that a finished shard is recognised without reading it again.
  func inputState() throws -> [String: InputState] {
    guard let bytes = try readFile(path + "/inputs.json") else { return [:] }
    return (try? JSON.decode([String: InputState].self, from: bytes)) ?? [:]
  }

  /// Keys of what this workspace published at a place, latest last.
  func published(_ place: String) throws -> [String] {
    guard let bytes = try readFile(path + "/published.json") else { return [] }
    return (try? JSON.decode([String: [String]].self, from: bytes))?[place] ?? []
  }

  /// Notes, before it is done, that `key` is published at a place.
  func recordPublished(_ key: String, at place: String) throws {
    let bytes = try readFile(path + "/published.json")
    var all = bytes.flatMap { try? JSON.decode([String: [String]].self, from: $0) } ?? [:]
    all[place] = Array(((all[place] ?? []) + [key]).suffix(2))
    try AtomicFile.write(try JSON.file(all), to: path + "/published.json")
  }

  func record(_ state: [String: InputState]) throws {
    try AtomicFile.write(try JSON.file(state), to: path + "/inputs.json")
  }
}

/// What an input file was when it was read: kept outside the columns, as it holds clock times.
struct InputState: Codable, Equatable {
  var status: FileStatus
  var sha256: String
  /// Of img2dataset's stats file beside it.
  var stats: FileStatus?
  /// Set when the shard as a whole was rejected under this recipe hash.
  var rejected: RejectedShard?

  struct RejectedShard: Codable, Equatable {
    var recipe: String
    var code: String
    var offset: UInt64
    var member: String
    var message: String
    /// Samples read before the fault.
    var samples: Int
  }
}

/// All bytes of a small file; nil if there is none.
func readFile(_ path: String) throws(FileError) -> [UInt8]? {
  guard let status = try FileStatus(path: path) else { return nil }
  return try File(path: path, .read).read(at: 0, count: Int(status.size))
}

/// A shard whose columns are in the workspace.
struct IngestedShard {
  var name: String
  var manifest: ColumnManifest
}

extension Workspace {
  /// All shards with columns, in workspace order.
  func ingestedShards() throws -> [IngestedShard] {
    var shards: [IngestedShard] = []
    for name in try Directory.names(in: path + "/columns") ?? []
    where !name.hasPrefix(".") && visible?.contains(name) ?? true {
      if let manifest = try manifest(name) { shards.append(IngestedShard(name: name, manifest: manifest)) }
    }
    guard !shards.isEmpty else {
      throw PipelineError(.badData, "\(path): nothing was ingested; run `tamis ingest` first")
    }
    return shards
  }
}
