import ArgumentParser
import Foundation
import Pipeline
import Shards

/// How a run talks.
struct LogOptions: ParsableArguments {
  @Option(help: "Lines on standard error: text (with a progress bar on a terminal) or json.")
  var logFormat = LogFormat.text

  @Flag(name: .shortAndLong, help: "Only errors.")
  var quiet = false

  var log: RunLog { RunLog(logFormat, quiet: quiet) }
}

/// The recipe, the workspace and what overrides the recipe.
struct RecipeOptions: ParsableArguments {
  @Argument(help: "The recipe, a YAML file. Left out: the one in force in the workspace.")
  var recipe: String?

  @Option(name: .shortAndLong, help: "The workspace. Default: .tamis beside the recipe.")
  var workspace: String?

  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  /// Reads the recipe with flags and environment applied.
  func load(output: String? = nil) throws -> (recipe: Recipe, workspace: String) {
    guard let path = recipe ?? workspace.map({ $0 + "/recipe.yaml" }) else {
      throw ValidationError("Give a recipe, or a workspace with -w.")
    }
    var overrides: [String: String] = [:]
    if let jobs { overrides["limits.jobs"] = "\(jobs)" }
    var recipe = try RecipeFile.load(
      path, overrides: overrides, environment: ProcessInfo.processInfo.environment)
    if let output { recipe.publish.path = output }
    recipe.input.path = Self.absolute(recipe.input.path)
    if !recipe.publish.path.isEmpty { recipe.publish.path = Self.absolute(recipe.publish.path) }
    return (recipe, workspace ?? Directory.parent(of: path) + "/.tamis")
  }

  /// So that the recipe recorded in the workspace means the same from anywhere.
  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
