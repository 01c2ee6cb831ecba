package import Prune
import Shards

/// What a part of `WORKSPACE/index` holds, written last (`record.json`). The index is a cache: what is not as the record
/// says is made again from columns and verdicts, never trusted.
///
/// Nothing is synced while a stream runs. A record counts if it was written since the machine started (then all writes
/// before it are there, whatever was killed), or after all files were synced.
struct IndexRecord: Codable, Equatable {
  var version = 1
  /// What the content depends on beside the shards.
  var identity: String
  /// Shards inside, and the chain of their names and digests.
  var shards: Int
  var chain: String
  /// The start of the machine in which it was written; nil once everything is synced.
  var boot: String?
  /// Rows by cluster.
  var counts: [Int]?
  var runs: [KeyRun.Entry]?

  private static let file = "record.json"

  /// The record of a directory; nil if there is none that counts.
  static func read(_ directory: String, identity: String) throws -> IndexRecord? {
    guard let bytes = try readFile(directory + "/" + file),
      let record = try? JSON.decode(IndexRecord.self, from: bytes), record.version == 1,
      record.identity == identity
    else { return nil }
    guard let boot = record.boot else { return record }
    return boot == thisBoot ? record : nil
  }

  /// Replaces the record by one rename.
  func write(_ directory: String, synced: Bool) throws {
    var record = self
    record.boot = synced ? nil : Self.thisBoot ?? "unknown"
    if synced {
      try AtomicFile.write(try JSON.line(record), to: directory + "/" + Self.file)
    } else {
      let temporary = directory + "/.record.tmp"
      let file = try File(path: temporary, .create)
      try file.write(try JSON.line(record))
      try Directory.move(temporary, to: directory + "/" + Self.file)
    }
  }

  /// Names the running system; nil where it does not tell.
  static let thisBoot: String? = {
    guard let file = try? File(path: "/proc/sys/kernel/random/boot_id", .read),
      let bytes = try? file.read(at: 0, count: 64), bytes.count >= 36
    else { return nil }
    return String(decoding: bytes.prefix(36), as: UTF8.self)
  }()
}

/// Shards in the order in which they were claimed, each with a digest of what of it is in an index.
struct ShardChain {
  private(set) var count = 0
  private(set) var digest = ""

  mutating func add(_ name: String, _ digest: String) {
    count += 1
    self.digest = sha256(Array("\(self.digest)\n\(name)\n\(digest)".utf8))
  }

  /// The chain of shards by a file of their columns.
  ///
  /// - Parameter count: shards from the first on; nil for all.
  init(_ shards: [String] = [], first count: Int? = nil, file: String = "", workspace: String = "") throws {
    for name in shards.prefix(count ?? shards.count) {
      add(name, try Self.digest(of: file, shard: name, workspace))
    }
  }

  /// The SHA-256 of a column of a shard, as its manifest says; empty if there is none.
  static func digest(of file: String, shard: String, _ workspace: String) throws -> String {
    guard let bytes = try readFile(workspace + "/columns/\(shard)/manifest.json"),
      let manifest = try? JSON.decode(ColumnManifest.self, from: bytes)
    else { return "" }
    return manifest.files[file]?.sha256 ?? ""
  }
}

/// Translates between the order of the claims and the lines of `verdicts/shards.txt`.
package struct ShardOrdinals {
  private let lines: [Int32]
  private let ordinals: [Int32]

  /// - Parameters:
  ///   - shards: in the order in which they were decided, as a ``FrozenPlan`` counts them.
  ///   - names: the lines of `shards.txt`.
  package init(shards: [String], names: [String]) {
    let places = Dictionary(zip(names, 0...)) { first, _ in first }
    var ordinals = [Int32](repeating: -1, count: names.count)
    lines = shards.enumerated().map { ordinal, name in
      guard let line = places[name] else { return -1 }
      ordinals[line] = Int32(ordinal)
      return Int32(line)
    }
    self.ordinals = ordinals
  }

  /// Verdicts as a plan gives them, with the lines of the shards that they name.
  package func asLines(_ verdicts: [Verdict]) -> [Verdict] { verdicts.map { translated($0, lines) } }

  /// A verdict as its file has it, with the ordinal of the shard that it names.
  package func asOrdinal(_ verdict: Verdict) -> Verdict { translated(verdict, ordinals) }

  private func translated(_ verdict: Verdict, _ table: [Int32]) -> Verdict {
    guard table.indices.contains(Int(verdict.duplicateShard)) else { return verdict }
    var verdict = verdict
    verdict.duplicateShard = table[Int(verdict.duplicateShard)]
    return verdict
  }
}
