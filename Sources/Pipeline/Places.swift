import Foundation

/// A run must not read what it writes.
enum Places {
  /// - Throws: ``PipelineError`` when OUT or the workspace lies where shards are looked for. (Hidden directories are
  ///   not searched, so `.tamis` beside the shards is fine.)
  static func check(_ recipe: Recipe, workspace: String) throws(PipelineError) {
    let input = components(recipe.input.path)
    for (name, path) in [("publish.path", recipe.publish.path), ("the workspace", workspace)]
    where !path.isEmpty {
      let place = components(path)
      guard place.starts(with: input), !place.dropFirst(input.count).contains(where: { $0.hasPrefix(".") })
      else {
        continue
      }
      throw PipelineError(.usage, "\(path): \(name) lies inside input.path, its files would be read as input")
    }
  }

  private static func components(_ path: String) -> [String] {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().pathComponents
  }
}
