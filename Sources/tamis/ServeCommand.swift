import ArgumentParser
import Daemon
import Pipeline

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Daemon: watch the input directory, sieve every new shard, publish.",
    discussion: """
      Shards are taken in name order once they did not change for daemon.quiet_seconds; producers should rename them
      into the directory. After daemon.fit.after_samples samples the plan is fitted and frozen; later samples are kept
      or dropped by it. SIGTERM finishes the shard in work, publishes what is kept and exits 0.

      Example:
        tamis serve recipe.yaml -w /var/lib/tamis/ws
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var models: ModelOptions
  @OptionGroup var logging: LogOptions

  func run() throws {
    let (recipe, workspace) = try options.load(reading: reading, models: models)
    var server = try Server(recipe, workspace: workspace, events: logging.log.handler)
    let published = try server.run()
    if !logging.quiet { print("Drained: \(published) samples are published in \(recipe.publish.path).") }
  }
}
