import Foundation
import Shards

/// A run must not read what it writes.
enum Places {
  /// - Throws: ``PipelineError`` when OUT, the workspace or what inputs are moved to lies where shards are looked for. (Hidden directories are
  ///   not searched, so `.tamis` beside the shards is fine.)
  static func check(_ recipe: Recipe, workspace: String) throws {
    var places = [("publish.path", recipe.publish.path), ("the workspace", workspace)]
    if case .move(let directory) = recipe.daemon.onSuccess { places.append(("daemon.on_success", directory)) }
    places.removeAll { $0.1.isEmpty }
    let components = places.map { resolved($0.1).split(separator: "/").map(String.init) }
    for set in ShardPatterns.sets(recipe.input.path) where set != "-" {
      for pattern in try searched(set) {
        for (index, (name, path)) in places.enumerated()
        where ShardPatterns.mayReach(pattern, components[index]) {
          throw PipelineError(
            .usage, "\(path): \(name) lies inside input.path, its files would be read as input")
        }
      }
    }
  }

  /// The absolute paths and patterns of a set.
  private static func searched(_ set: String) throws -> [String] {
    if try FileStatus(path: set) != nil { return [resolved(set)] }
    let root = ShardPatterns.root(set)
    let base = resolved(root)
    return try ShardPatterns.braceExpansion(set).map { pattern in
      base + "/" + (root == "." ? pattern : String(pattern.dropFirst(root.count)))
    }
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }
}
