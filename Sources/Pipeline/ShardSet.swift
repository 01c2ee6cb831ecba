import Glibc
public import Shards

/// One input shard: its workspace name, its path and what the file system says of it.
public struct ShardFile: Sendable, Equatable {
  /// Path under the input root, `/` → `__`, `.tar*` removed.
  public var name: String
  public var path: String
  public var status: FileStatus
}

/// The shards a recipe's input names.
public enum ShardSet {
  /// Finds the shards under `root` whose name matches, sorted by workspace name, bytewise.
  ///
  /// Dot files and dot directories are passed over; links are followed.
  ///
  /// - Throws: ``PipelineError`` when there is none, or when two give one name.
  public static func find(root: String, match: String) throws -> [ShardFile] {
    let found = try all(root: root, match: match)
    guard !found.isEmpty else { throw PipelineError(.badData, "\(root): no shards match \(match)") }
    return found
  }

  /// As ``find(root:match:)``, but none is no error.
  static func all(root: String, match: String) throws -> [ShardFile] {
    guard let status = try FileStatus(path: root) else {
      throw PipelineError(.usage, "\(root): no such file or directory")
    }
    if status.isRegular {
      return [ShardFile(name: workspaceName(Directory.name(of: root)), path: root, status: status)]
    }
    guard status.isDirectory else { throw PipelineError(.usage, "\(root): neither a directory nor a file") }
    let patterns = braceExpansion(match)
    var found: [ShardFile] = []
    try walk(root, prefix: "") { relative, path, status in
      let subject = match.contains("/") ? relative : Directory.name(of: relative)
      guard patterns.contains(where: { unsafe fnmatch($0, subject, FNM_PATHNAME | FNM_PERIOD) == 0 }) else {
        return
      }
      found.append(ShardFile(name: workspaceName(relative), path: path, status: status))
    }
    found.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (first, second) in zip(found, found.dropFirst()) where first.name == second.name {
      throw PipelineError(.usage, "\(first.path) and \(second.path) would both be shard \(first.name)")
    }
    return found
  }

  /// The shards that paths name: files as they are, directories searched for tars, `-` standard input.
  public static func list(_ paths: [String]) throws -> [ShardFile] {
    try paths.flatMap { path in
      path == "-"
        ? [ShardFile(name: "stdin", path: "-", status: FileStatus())]
        : try find(root: path, match: Recipe.Input().match)
    }
  }

  private static func walk(
    _ directory: String, prefix: String, _ visit: (String, String, FileStatus) throws -> Void
  ) throws {
    for name in try Directory.names(in: directory) ?? [] where !name.hasPrefix(".") {
      let path = directory + "/" + name
      guard let status = try FileStatus(path: path) else { continue }
      if status.isDirectory {
        try walk(path, prefix: prefix + name + "/", visit)
      } else if status.isRegular {
        try visit(prefix + name, path, status)
      }
    }
  }

  /// `a/b.tar.gz` → `a__b`.
  package static func workspaceName(_ relative: String) -> String {
    relative.dropLast(suffix(of: relative).count).split(separator: "/").joined(separator: "__")
  }

  /// What makes a file name that of a shard.
  static let suffixes = [".tar", ".tar.gz", ".tar.zst", ".tgz", ".tzst", ".tar.zstd"]

  /// `a/b.tar.gz` → `.tar.gz`; empty for other names.
  static func suffix(of path: String) -> String { suffixes.first { path.hasSuffix($0) } ?? "" }

  /// `x{,.gz}` → `x`, `x.gz`; also `{a,b}` nested and `{00..12}` ranges, zero-padded.
  package static func braceExpansion(_ pattern: String) -> [String] {
    guard let open = pattern.firstIndex(of: "{"), let close = matchingBrace(pattern, open) else {
      return [pattern]
    }
    let head = pattern[..<open]
    let tails = braceExpansion(String(pattern[pattern.index(after: close)...]))
    let choices = alternatives(pattern[pattern.index(after: open)..<close]).flatMap { braceExpansion($0) }
    return choices.flatMap { choice in tails.map { head + choice + $0 } }
  }

  private static func matchingBrace(_ text: String, _ open: String.Index) -> String.Index? {
    var depth = 0
    for index in text.indices[open...] {
      if text[index] == "{" { depth += 1 }
      if text[index] == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  private static func alternatives(_ body: Substring) -> [String] {
    let ends = body.split(separator: "..", omittingEmptySubsequences: false)
    if ends.count == 2, !ends[0].contains("."), let low = Int(ends[0]), let high = Int(ends[1]), low <= high,
      high - low < 1_000_000
    {
      let width = ends[0].count
      return (low...high).map { number in
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
      }
    }
    var parts = [""]
    var depth = 0
    for character in body {
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }
}
