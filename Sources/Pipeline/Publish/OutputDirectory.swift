import Shards

/// OUT while it is made: shards are committed one by one into a hidden sibling directory, which takes the name OUT
/// in one step when everything is in it. A killed run finds the shards it had finished.
struct OutputDirectory: ~Copyable {
  private static let keyFile = ".publish-key"

  let path: String
  let staging: String

  /// What is at OUT before publishing.
  enum Existing: Equatable {
    case nothing
    /// Finished with this key.
    case published(PublishManifest)
    /// Not ours.
    case foreign
  }

  /// Looks at OUT without changing it.
  static func existing(_ path: String) throws -> Existing {
    guard let status = try FileStatus(path: path) else { return .nothing }
    guard status.isDirectory else { return .foreign }
    if let bytes = try readFile(path + "/" + PublishManifest.file),
      let manifest = try? JSON.decode(PublishManifest.self, from: bytes)
    {
      // Of shards that others made, `tamis index` wrote the sidecars alone.
      return manifest.key == PublishManifest.indexKey ? .foreign : .published(manifest)
    }
    return try Directory.names(in: path)?.isEmpty == true ? .nothing : .foreign
  }

  /// True if every file the manifest stands for is there with its size. (Hashes are for a verification.)
  static func isIntact(_ path: String, _ manifest: PublishManifest) throws -> Bool {
    for shard in manifest.shards where try !isIntact(path, shard) { return false }
    for (name, entry) in manifest.files ?? [:]
    where try FileStatus(path: path + "/" + name)?.size != entry.bytes {
      return false
    }
    return true
  }

  /// True if the files of one shard are there with their sizes.
  static func isIntact(_ path: String, _ shard: PublishManifest.Shard) throws -> Bool {
    guard let files = shard.files else {
      return try FileStatus(path: path + "/" + shard.name)?.size == shard.bytes
    }
    for (name, entry) in files
    where try FileStatus(path: path + "/" + shard.name + "/" + name)?.size != entry.bytes {
      return false
    }
    return true
  }

  /// OUT holds files of someone else: never touched.
  static func foreign(_ path: String) -> PipelineError {
    PipelineError(.usage, "\(path): holds files that tamis did not write; choose another place")
  }

  /// Opens the staging directory; what another publish left there is removed.
  init(path: String, key: String) throws {
    let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = trimmed
    staging = Directory.parent(of: trimmed) + "/." + Directory.name(of: trimmed) + ".tmp"
    if try readFile(staging + "/" + Self.keyFile) != Array(key.utf8) {
      try Directory.remove(staging)
      try Directory.create(staging)
      try AtomicFile.write(Array(key.utf8), to: staging + "/" + Self.keyFile)
    }
  }

  /// Writes a small file durably.
  func write(_ bytes: [UInt8], as name: String) throws {
    try AtomicFile.write(bytes, to: staging + "/" + name)
  }

  /// Gives the directory its name; an older OUT is swapped out and removed.
  consuming func commit() throws {
    try Directory.remove(staging + "/" + Self.keyFile)
    try OutputJournal.remove(staging: staging)
    try Directory.sync(staging)
    if let names = try Directory.names(in: path), !names.isEmpty {
      try Directory.exchange(staging, path)
      try Directory.remove(staging)
    } else {
      try Directory.rename(staging, to: path)
    }
  }
}
