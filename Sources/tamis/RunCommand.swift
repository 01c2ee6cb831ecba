import ArgumentParser
import Daemon
import Foundation
import Pipeline

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "One-shot: read the recipe's shards, keep what it says, write shards for trainers.",
    discussion: """
      Continues where an interrupted run stopped; does nothing when everything is there.

      Examples:
        tamis run recipe.yaml
        tamis run recipe.yaml -w /fast/ws -o /data/out -j 8
        tamis run recipe.yaml --replace       over the output of another run
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var models: ModelOptions
  @OptionGroup var logging: LogOptions

  @Option(name: .shortAndLong, help: "Where to publish. Default: the recipe's publish.path.")
  var output: String?

  @Flag(help: "Swap out what another run published there.")
  var replace = false

  @Flag(help: "Exit 1 if anything was rejected.")
  var strict = false

  @Option(
    help: "At the end, write the run's metrics for node_exporter's textfile collector, such as tamis.prom.")
  var metricsTextfile: String?

  func run() throws {
    let (recipe, workspace) = try options.load(output: output, reading: reading, models: models)
    let began = Date()
    let report = try Run.run(recipe, workspace: workspace, replacing: replace, events: logging.log.handler)
    if let metricsTextfile {
      let status = DaemonStatus(report, recipe: options.recipe ?? "", workspace: workspace, began: began)
      try MetricsPage.write(status, to: metricsTextfile)
    }
    if !logging.quiet { print(Summary.text(report, workspace: workspace)) }
    if strict, report.ingest.hasRejects { throw ExitCode(ExitStatus.rejected.rawValue) }
  }
}

struct IngestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ingest", abstract: "First stage of run: shards into columns.",
    discussion: "Example: tamis ingest recipe.yaml -w ws")

  @OptionGroup var options: RecipeOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var models: ModelOptions
  @OptionGroup var logging: LogOptions

  @Flag(help: "Exit 1 if anything was rejected.")
  var strict = false

  func run() throws {
    let (recipe, path) = try options.load(reading: reading, models: models)
    let workspace = try Workspace(path: path)
    try workspace.checkIsNoStreams()
    let report = try Ingest.run(recipe, in: workspace, events: logging.log.handler)
    if !logging.quiet { print(Summary.text(report)) }
    if strict, report.hasRejects { throw ExitCode(ExitStatus.rejected.rawValue) }
  }
}

struct PublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Last stage of run: the kept samples into shards.",
    discussion: "Example: tamis publish -w ws -o out")

  @OptionGroup var options: RecipeOptions
  @OptionGroup var logging: LogOptions

  @Option(name: .shortAndLong, help: "Where to publish. Default: the recipe's publish.path.")
  var output: String?

  @Flag(help: "Swap out what another run published there.")
  var replace = false

  func run() throws {
    let (recipe, path) = try options.load(output: output)
    let workspace = try Workspace(path: path)
    try workspace.checkIsNoStreams()
    let report = try Publish.run(recipe, in: workspace, replacing: replace, events: logging.log.handler)
    if !logging.quiet { print(Summary.text(report)) }
  }
}

extension IngestReport {
  var hasRejects: Bool { rejected.total > 0 || shardsRejected > 0 || shardsSalvaged > 0 }
}
