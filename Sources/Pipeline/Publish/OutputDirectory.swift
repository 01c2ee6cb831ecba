import Shards

/// OUT while it is made: shards are committed one by one into a hidden sibling directory, which takes the name OUT
/// in one step when everything is in it. A killed run finds the shards it had finished.
struct OutputDirectory: ~Copyable {
  private static let keyFile = ".publish-key"

  let path: String
  let staging: String
  /// Held as long as the value.
  private let lock: NameLock

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
    for name in [PublishManifest.file, formerManifest] {
      guard let bytes = try readFile(path + "/" + name),
        let manifest = try? JSON.decode(PublishManifest.self, from: bytes)
      else { continue }
      // Sidecars of someone else's shards.
      if manifest.key == PublishManifest.indexKey { return .foreign }
      return .published(manifest)
    }
    return try Directory.names(in: path)?.isEmpty == true ? .nothing : .foreign
  }

  /// What the manifest was called before.
  private static let formerManifest = "manifest.json"

  /// Files in OUT that tamis did not write: a publish that takes the place of this one would delete them.
  static func strangers(_ path: String, _ manifest: PublishManifest) throws -> [String] {
    let listedNowhere: [Sidecar] = [.sums, .sizes, .length]
    var known = Set(listedNowhere.compactMap(\.fileName) + [PublishManifest.file, formerManifest])
    known.formUnion(manifest.shards.flatMap { $0.name == "." ? Array(($0.files ?? [:]).keys) : [$0.name] })
    known.formUnion((manifest.files ?? [:]).keys)
    let card = Sidecar.card.fileName!
    var names = try (Directory.names(in: path) ?? []).filter { !known.contains($0) }
    if let entry = manifest.files?[card], try FileStatus(path: path + "/" + card) != nil,
      try FileDigest(path: path + "/" + card).sha256 != entry.sha256
    {
      names.append(card + " (changed since)")
    }
    return names
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

  /// Where OUT is, and the beginning of the hidden names beside it. OUT may be a link to where it should be.
  private static func places(_ path: String) throws -> (out: String, hidden: String) {
    let place = try FileStatus(path: path) == nil ? path : try Directory.resolved(path)
    let trimmed = place.hasSuffix("/") ? String(place.dropLast()) : place
    return (trimmed, Directory.parent(of: trimmed) + "/." + Directory.name(of: trimmed))
  }

  /// Removes the former OUT that a publish, killed between its last two steps, left beside the finished one.
  static func removeLeftovers(_ path: String) throws {
    let hidden = try places(path).hidden
    guard try FileStatus(path: hidden + ".tmp") != nil, let lock = try NameLock.take(hidden + ".lock") else {
      return
    }
    try Directory.remove(hidden + ".tmp")
    _ = consume lock
  }

  /// Opens the staging directory; what another publish left there is removed.
  ///
  /// - Throws: ``PipelineError`` (temporary) while another process publishes to the same place.
  init(path: String, key: String) throws {
    let (trimmed, hidden) = try Self.places(path)
    try Directory.create(Directory.parent(of: trimmed))
    guard let lock = try NameLock.take(hidden + ".lock") else {
      throw PipelineError(.temporary, "\(path): another tamis publishes there")
    }
    let staging = hidden + ".tmp"
    if try readFile(staging + "/" + Self.keyFile) != Array(key.utf8) {
      try Directory.remove(staging)
      try Directory.create(staging)
      try AtomicFile.write(Array(key.utf8), to: staging + "/" + Self.keyFile)
    }
    self.path = trimmed
    self.staging = staging
    self.lock = lock
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
