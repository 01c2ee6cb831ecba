import ArgumentParser
import Features
import Foundation
import Pipeline
import Shards

/// How a run talks.
struct LogOptions: ParsableArguments {
  @Option(
    help: """
      Lines on standard error: text (with a progress bar on a terminal) or json. Default: text; of the daemon json unless it \
      runs on a terminal.
      """)
  var logFormat: LogFormat?

  @Flag(name: .shortAndLong, help: "Only errors.")
  var quiet = false

  var log: RunLog { RunLog(logFormat ?? .text, quiet: quiet) }

  /// For a process that runs for weeks.
  var daemonLog: RunLog {
    RunLog(logFormat ?? (Console.isTerminal ? .text : .json), quiet: quiet, isDaemon: true)
  }
}

/// How shards are read, over what the recipe says.
struct ReadingOptions: ParsableArguments {
  @Flag(help: "Keep the whole samples before the fault of a broken shard (input.salvage).")
  var salvage = false

  @Flag(help: "Read concatenated tars on through their end markers (input.ignore_zeros).")
  var ignoreZeros = false

  /// As overrides of the recipe.
  var overrides: [String: String] {
    var overrides: [String: String] = [:]
    if salvage { overrides["input.salvage"] = "true" }
    if ignoreZeros { overrides["input.ignore_zeros"] = "true" }
    return overrides
  }
}

/// What runs the models of a recipe.
struct ModelOptions: ParsableArguments {
  @Option(help: "The library libonnxruntime.so.1 to use. Default: TAMIS_ONNXRUNTIME, .deps, the system's.")
  var onnxruntime: String?

  @Option(help: "Where models run: cpu, cuda or cuda:N. Default: TAMIS_DEVICE, else cpu.")
  var device: OnnxDevice?

  func chosen() throws -> Recipe.ModelRuntime {
    var runtime = Recipe.ModelRuntime()
    runtime.library = onnxruntime
    if let device {
      runtime.device = device
    } else if let name = ProcessInfo.processInfo.environment["TAMIS_DEVICE"] {
      guard let device = OnnxDevice(name: name) else {
        throw ValidationError("TAMIS_DEVICE: '\(name)' is not cpu, cuda or cuda:N.")
      }
      runtime.device = device
    }
    return runtime
  }
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
  func load(
    output: String? = nil, reading: ReadingOptions? = nil, models: ModelOptions? = nil
  ) throws -> (recipe: Recipe, workspace: String) {
    guard let path = recipe ?? workspace.map({ $0 + "/recipe.yaml" }) else {
      throw ValidationError("Give a recipe, or a workspace with -w.")
    }
    var overrides = reading?.overrides ?? [:]
    if let jobs { overrides["limits.jobs"] = "\(jobs)" }
    var recipe = try RecipeFile.load(
      path, overrides: overrides, environment: ProcessInfo.processInfo.environment)
    if let models { recipe.models = try models.chosen() }
    if let output { recipe.publish.path = output }
    recipe.input.path = ShardPatterns.mapSets(recipe.input.path, Self.absolute)
    if !recipe.publish.path.isEmpty { recipe.publish.path = Self.absolute(recipe.publish.path) }
    if let reference = recipe.prune.reference {
      recipe.prune.reference?.files = reference.files.map(Self.absolute)
      recipe.prune.reference?.gaps = reference.gaps.map(Self.absolute)
    }
    if let token = recipe.daemon.tokenFile { recipe.daemon.tokenFile = Self.absolute(token) }
    if case .move(let place) = recipe.daemon.onSuccess {
      recipe.daemon.onSuccess = .move(Self.absolute(place))
    }
    if let head = recipe.prune.domain?.head { recipe.prune.domain?.head = Self.absolute(head) }
    return (recipe, workspace ?? Directory.parent(of: path) + "/.tamis")
  }

  /// So that the recipe recorded in the workspace means the same from anywhere.
  static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
