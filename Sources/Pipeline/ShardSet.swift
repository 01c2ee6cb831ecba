import Glibc
public import Shards

/// One input shard: its workspace name, its path and what the file system says of it.
public struct ShardFile: Sendable, Equatable {
  /// Path under the input root, `/` → `__`, `.tar*` removed.
  public var name: String
  /// `-` is standard input.
  public var path: String
  public var status: FileStatus
  /// img2dataset's `NNNNN_stats.json` beside it, if there is one.
  public var stats: StatsFile?

  public struct StatsFile: Sendable, Equatable {
    public var path: String
    public var status: FileStatus
  }

  init(name: String, path: String, status: FileStatus, stats: StatsFile? = nil) {
    (self.name, self.path, self.status, self.stats) = (name, path, status, stats)
  }

  static let standardInput = ShardFile(name: "stdin", path: "-", status: FileStatus())
}

/// The shards that paths and patterns name.
public struct ShardSet: Sendable, Equatable {
  /// Sorted by workspace name, bytewise.
  public var shards: [ShardFile] = []
  /// Shards of img2dataset folders without their `_stats.json`: not ready, left out.
  public var notReady: [String] = []

  /// A file or directory that is left alone where shards are waited for.
  public struct PassedOver: Sendable, Equatable {
    public var path: String
    public var reason: String
  }

  /// What is left alone, where shards are waited for; else each is an error.
  public var passedOver: [PassedOver] = []

  /// Longest name of a shard for which all files about it can be made, in bytes.
  private static let longestName = 220

  /// Leaves alone what could not be worked on; of shards of one name the first found stays.
  private mutating func passOverOthers() {
    var names = Set<String>()
    var passed = passedOver
    shards.removeAll { shard in
      var reason: String?
      if shard.name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
        reason = "control characters in its name; rename it"
      } else if shard.name.utf8.count > Self.longestName {
        reason = "its name is longer than \(Self.longestName) bytes; rename it"
      } else if !names.insert(shard.name).inserted {
        reason = "another file gives a shard of its name; rename it"
      }
      if let reason { passed.append(.init(path: printable(shard.path.utf8, limit: 400), reason: reason)) }
      return reason != nil
    }
    passedOver = passed
  }

  /// What was left out, in one line; nil if nothing was.
  public var notice: String? {
    guard let first = notReady.first else { return nil }
    let others = notReady.count > 1 ? " and \(notReady.count - 1) more" : ""
    return "\(first)\(others): left out, its _stats.json is not there yet (an img2dataset folder)"
  }

  /// Finds shards.
  ///
  /// `text` is one or more sets joined by `::`. A set is a directory, which is searched at any depth for files that
  /// match; a file; or a pattern with braces and globs for either. Dot files and dot directories are passed over;
  /// links are followed; what is no regular file is never opened.
  ///
  /// - Parameters:
  ///   - match: glob with braces for files of directories; without a `/` it is matched against the name alone.
  ///   - spool: what stands for standard input, where it can be read again.
  ///   - waits: missing paths and no shard at all are no error: they may come later.
  /// - Throws: ``PipelineError`` when there is none, when a path without glob characters is missing, or when two give
  ///   one name.
  public static func find(
    _ text: String, match: String, spool: String? = nil, waits: Bool = false
  ) throws -> ShardSet {
    var search = ShardSearch(match: match, patterns: try ShardPatterns.braceExpansion(match), waits: waits)
    for set in ShardPatterns.sets(text) {
      if set == "-" {
        try search.addStandardInput(spool)
      } else {
        try search.add(set)
      }
    }
    var found = search.found
    found.shards.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    if waits { found.passOverOthers() }
    for (first, second) in zip(found.shards, found.shards.dropFirst()) where first.name == second.name {
      throw PipelineError(
        .usage,
        first.path == second.path
          ? "\(first.path): given twice"
          : "\(first.path) and \(second.path) would both be shard \(first.name)")
    }
    guard waits || !found.shards.isEmpty else {
      let waiting = found.notReady.isEmpty ? "" : "; \(found.notReady.count) wait for their _stats.json"
      throw PipelineError(.badData, "\(text): no shards match \(match)\(waiting)")
    }
    return found
  }

  /// A shard that is known by name and path, as it is now.
  static func file(_ name: String, _ path: String, _ status: FileStatus) throws -> ShardFile {
    let stats = stem(of: path) + ShardStats.suffix
    let found = try FileStatus(path: stats).flatMap { $0.isRegular ? $0 : nil }
    return ShardFile(
      name: name, path: path, status: status, stats: found.map { .init(path: stats, status: $0) })
  }

  /// The shards of a recipe's input; standard input is what ``StandardInputSpool`` keeps of it.
  static func find(_ input: Recipe.Input, workspace: String, waits: Bool = false) throws -> ShardSet {
    try find(
      input.path, match: input.match, spool: StandardInputSpool.path(in: workspace), waits: waits)
  }

  /// The shards that arguments name, `-` standard input, read in one pass; in the order of the arguments.
  public static func list(_ paths: [String]) throws -> ShardSet {
    var all = ShardSet()
    for path in paths {
      let found = try find(path, match: Recipe.Input().match)
      all.shards += found.shards
      all.notReady += found.notReady
    }
    return all
  }

  /// `a/b.tar.gz` → `a__b`.
  package static func workspaceName(_ relative: String) -> String {
    stem(of: relative).split(separator: "/").joined(separator: "__")
  }

  /// What makes a file name that of a shard.
  static let suffixes = [".tar", ".tar.gz", ".tar.zst", ".tgz", ".tzst", ".tar.zstd"]

  /// `a/b.tar.gz` → `.tar.gz`; empty for other names.
  static func suffix(of path: String) -> String { suffixes.first { path.hasSuffix($0) } ?? "" }

  /// Without `.tar*`.
  static func stem(of path: String) -> String {
    String(path.dropLast(suffix(of: path).count))
  }
}

/// One search: gathers shards from set after set.
private struct ShardSearch {
  let match: String
  let patterns: [String]
  let waits: Bool
  var found = ShardSet()

  mutating func addStandardInput(_ spool: String?) throws {
    guard let spool else { return found.shards.append(.standardInput) }
    guard let status = try FileStatus(path: spool) else { return }
    found.shards.append(ShardFile(name: ShardFile.standardInput.name, path: spool, status: status))
  }

  mutating func add(_ set: String) throws {
    // A name that is there is taken as it is, whatever characters it has.
    if try FileStatus(path: set) != nil { return try add(path: set, root: nil) }
    let root = ShardPatterns.root(set)
    for name in try ShardPatterns.braceExpansion(set) {
      if ShardPatterns.hasGlob(name) {
        for path in try ShardPatterns.glob(name) { try passing(path) { try $0.add(path: path, root: root) } }
      } else {
        try add(path: name, root: name == set ? nil : root)
      }
    }
  }

  /// Adds a path that is there.
  ///
  /// - Parameter root: what workspace names leave out; nil is the directory itself, or the directory of a file.
  private mutating func add(path: String, root: String?) throws {
    guard let status = try FileStatus(path: path) else {
      if waits { return }
      throw PipelineError(.usage, "\(path): no such file or directory")
    }
    var relative = Directory.name(of: path)
    if let root, root != "." {
      relative = String(path.dropFirst(root.count))
    } else if root != nil {
      relative = path
    }
    while relative.hasPrefix("/") || relative.hasPrefix("./") {
      relative.removeFirst(relative.hasPrefix("/") ? 1 : 2)
    }
    if status.isRegular {
      return append(relative, path, status, stats: try stats(beside: path, named: nil))
    }
    guard status.isDirectory else {
      if waits { return }
      throw PipelineError(.usage, "\(path): neither a directory nor a file")
    }
    try walk(path, prefix: root == nil ? "" : relative + "/", above: [])
  }

  private mutating func append(
    _ relative: String, _ path: String, _ status: FileStatus, stats: ShardFile.StatsFile?
  ) {
    found.shards.append(
      ShardFile(name: ShardSet.workspaceName(relative), path: path, status: status, stats: stats))
  }

  private mutating func walk(_ directory: String, prefix: String, above: [String]) throws {
    // Links may lead back up.
    let resolved = try Directory.resolved(directory)
    guard !above.contains(resolved) else { return }
    let names = try Directory.names(in: directory) ?? []
    let isImg2dataset = try ShardStats.isOutputFolder(directory, names)
    for name in names where !name.hasPrefix(".") && !(isImg2dataset && name == "_tmp") {
      let path = directory + (directory.hasSuffix("/") ? "" : "/") + name
      try passing(path) { search in
        guard let status = try FileStatus(path: path) else {
          // Names are repaired where they are not UTF-8.
          guard search.waits, name.contains("\u{FFFD}") else { return }
          return search.found.passedOver.append(.init(path: path, reason: "its name is not UTF-8; rename it"))
        }
        if status.isDirectory {
          try search.walk(path, prefix: prefix + name + "/", above: above + [resolved])
        } else if status.isRegular, search.isMatch(prefix + name) {
          let stats = isImg2dataset ? try search.stats(beside: path, named: names) : nil
          if isImg2dataset, stats == nil {
            search.found.notReady.append(path)
          } else {
            search.append(prefix + name, path, status, stats: stats)
          }
        }
      }
    }
  }

  /// Looks at one file or directory; where shards are waited for, one that cannot be looked at does not stop the rest.
  private mutating func passing(_ path: String, _ body: (inout ShardSearch) throws -> Void) throws {
    do { try body(&self) } catch let error as FileError {
      guard waits, [EACCES, EPERM, ELOOP, ENAMETOOLONG].contains(error.errno) else { throw error }
      found.passedOver.append(.init(path: path, reason: unsafe String(cString: strerror(error.errno))))
    }
  }

  private func isMatch(_ relative: String) -> Bool {
    let subject = match.contains("/") ? relative : Directory.name(of: relative)
    return patterns.contains { unsafe fnmatch($0, subject, FNM_PATHNAME | FNM_PERIOD) == 0 }
  }

  /// The stats file of a shard, looked up among the names of its directory where those are known.
  private func stats(beside path: String, named names: [String]?) throws -> ShardFile.StatsFile? {
    let stats = ShardSet.stem(of: path) + ShardStats.suffix
    let name = Directory.name(of: stats)
    guard ShardStats.isStatsName(name), names?.contains(name) ?? true,
      let status = try FileStatus(path: stats), status.isRegular
    else { return nil }
    return ShardFile.StatsFile(path: stats, status: status)
  }
}
