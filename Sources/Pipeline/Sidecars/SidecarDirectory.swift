import Shards

/// Sidecars on their way into a directory that others read: all are written and synced below a hidden directory, then
/// each takes its name.
///
/// The manifest among them names the others and comes last. After a crash the next attempt finds it, hidden or not, and
/// knows by it which files are its own.
struct SidecarDirectory: ~Copyable {
  let path: String
  private let staging: String
  /// Held as long as the value: one process at a time.
  private let lock: NameLock
  /// What an earlier attempt wrote, by name.
  private var own: [String: ColumnManifest.FileEntry] = [:]
  /// Hashes of the manifests that say so.
  private var manifests: Set<String> = []
  /// Manifest of an earlier attempt that came to its end.
  let manifest: PublishManifest?
  /// What is staged, in the order in which it gets its names.
  private var staged: [(name: String, entry: ColumnManifest.FileEntry)] = []

  /// Opens a directory, which is created if need be.
  ///
  /// - Throws: ``PipelineError`` (temporary) while another process does the same.
  init(path: String) throws {
    try Directory.create(path)
    guard let lock = try NameLock.take(path + "/.tamis-index.lock") else {
      throw PipelineError(.temporary, "\(path): another tamis writes sidecars there")
    }
    let staging = path + "/.tamis-index.tmp"
    var found: [PublishManifest?] = []
    for place in [path, staging] {
      guard let bytes = try readFile(place + "/" + PublishManifest.file),
        let manifest = try? JSON.decode(PublishManifest.self, from: bytes)
      else {
        found.append(nil)
        continue
      }
      // A manifest is only a file: no name in it leads elsewhere.
      own.merge((manifest.files ?? [:]).filter { !$0.key.contains("/") }) { $1 }
      manifests.insert(sha256(bytes))
      found.append(manifest)
    }
    self.path = path
    self.staging = staging
    self.lock = lock
    manifest = found[0]
  }

  /// Whether a file is there that an earlier attempt did not write, or that was changed since.
  func isForeign(_ name: String) throws -> Bool {
    guard let status = try FileStatus(path: path + "/" + name) else { return false }
    if let entry = own[name], status.isRegular, status.size == entry.bytes {
      return try FileDigest(path: path + "/" + name).sha256 != entry.sha256
    }
    if name == PublishManifest.file { return manifest == nil }
    if name == Sidecar.sums.fileName, let bytes = try readFile(path + "/" + name) {
      // No manifest can hold its hash, as it holds the manifest's.
      return !manifests.contains(ChecksumFile.files(bytes)?[PublishManifest.file] ?? "")
    }
    return true
  }

  /// Empties the place where sidecars are written.
  func begin() throws(FileError) {
    try Directory.remove(staging)
    try Directory.create(staging)
  }

  /// Where to write a file that ``stage(written:)`` is told of.
  func staged(_ name: String) -> String { staging + "/" + name }

  /// Writes and syncs a small file.
  mutating func stage(_ bytes: [UInt8], as name: String) throws {
    let file = try File(path: staged(name), .create)
    try file.write(bytes)
    try file.sync()
    staged.append((name, ColumnManifest.FileEntry(bytes: UInt64(bytes.count), sha256: sha256(bytes))))
  }

  /// Takes a file that was written and synced at ``staged(_:)``.
  mutating func stage(written name: String) throws {
    staged.append((name, try ColumnManifest.FileEntry(path: staged(name))))
  }

  /// What is staged so far.
  var entries: [String: ColumnManifest.FileEntry] {
    Dictionary(staged.map { ($0.name, $0.entry) }) { $1 }
  }

  /// Files that an earlier attempt wrote and this one does not, `SHA256SUMS` aside.
  func outdated() throws -> [String] {
    let names = Set(staged.map(\.name))
    return try own.keys.filter { !names.contains($0) }.filter {
      try FileStatus(path: path + "/" + $0) != nil && !isForeign($0)
    }
  }

  /// Gives all their names, the last two groups (`sizes.json` with `__len__`, then the manifest) after all others are
  /// durable; what an earlier attempt wrote and this one does not is removed.
  consuming func commit() throws {
    try Directory.sync(staging)
    let last = [Sidecar.sizes.fileName!, Sidecar.length.fileName!]
    let groups = [
      staged.map(\.name).filter { !last.contains($0) && $0 != PublishManifest.file }, last,
      [PublishManifest.file],
    ]
    let names = Set(staged.map(\.name))
    let sums = Sidecar.sums.fileName!
    var outdated = try outdated()
    if !names.contains(sums), try FileStatus(path: path + "/" + sums) != nil, try !isForeign(sums) {
      outdated.append(sums)
    }
    for name in outdated { try Directory.remove(path + "/" + name) }
    for group in groups {
      for name in group where names.contains(name) { try Directory.move(staged(name), to: path + "/" + name) }
      try Directory.sync(path)
    }
    try Directory.remove(staging)
  }

  /// Gives up: removes what was staged.
  consuming func discard() throws(FileError) { try Directory.remove(staging) }
}
