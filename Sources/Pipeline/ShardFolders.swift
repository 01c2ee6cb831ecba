import Shards

/// Where shards may appear: the directories whose entries decide what ``ShardSet/find(_:match:spool:waits:)`` finds.
public enum ShardFolders {
  /// The directories to watch for `text`, one or more sets joined by `::`, as `ShardSet.find` reads them: those that a
  /// search goes through, and of what is not there yet the nearest directory above.
  ///
  /// - Returns: sorted, each once; spelled as the paths that are found begin.
  /// - Throws: ``PipelineError`` for a pattern of too many names, or `FileError`.
  public static func find(_ text: String) throws -> [String] {
    var folders = FolderSearch()
    for set in ShardPatterns.sets(text) where set != "-" && !set.isEmpty {
      if try FileStatus(path: set) != nil {
        try folders.add(there: set)
      } else {
        for name in try ShardPatterns.braceExpansion(set) { try folders.add(pattern: name) }
      }
    }
    return folders.found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

private struct FolderSearch {
  var found: Set<String> = []

  /// A path that is there.
  mutating func add(there path: String) throws {
    guard let status = try FileStatus(path: path) else { return }
    if status.isDirectory { try walk(path, above: []) } else { found.insert(Directory.parent(of: path)) }
  }

  /// A name without braces, with or without globs.
  mutating func add(pattern: String) throws {
    var bases = [pattern.hasPrefix("/") ? "/" : ""]
    for component in pattern.split(separator: "/") {
      var next: [String] = []
      for base in bases {
        let directory = base.isEmpty ? "." : base
        if ShardPatterns.hasGlob(component) {
          // Further names may match.
          guard try FileStatus(path: directory)?.isDirectory == true else { continue }
          found.insert(directory)
          next += try ShardPatterns.glob(base + component)
        } else if try FileStatus(path: base + component) != nil {
          next.append(base + component)
        } else if try FileStatus(path: directory)?.isDirectory == true {
          found.insert(directory)
        }
      }
      bases = next.map { $0 + "/" }
    }
    for path in bases where path != "/" { try add(there: String(path.dropLast())) }
  }

  private mutating func walk(_ directory: String, above: [String]) throws {
    // Links may lead back up; what goes away meanwhile will be reported by the directory above.
    guard let resolved = try? Directory.resolved(directory), !above.contains(resolved) else { return }
    found.insert(directory)
    for name in try Directory.names(in: directory) ?? [] where !name.hasPrefix(".") {
      let path = directory + (directory.hasSuffix("/") ? "" : "/") + name
      if try FileStatus(path: path)?.isDirectory == true { try walk(path, above: above + [resolved]) }
    }
  }
}
