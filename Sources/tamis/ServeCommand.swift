import ArgumentParser
import Daemon
import Foundation
import Pipeline

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Daemon: watch the input directory, sieve every new shard, publish.",
    discussion: """
      Shards are taken in name order: those that are renamed into the directory at once, others when they did not
      change for daemon.quiet_seconds. After daemon.fit.after_samples samples the plan is fitted and frozen; later
      samples are kept or dropped by it, until a new one is asked for (tamis fit) or the stream drifts away from it.

      SIGTERM finishes the shard in work, publishes what is kept and exits 0; a second one ends at once (75).
      SIGHUP reads the recipe again, SIGUSR1 logs the state. Killed, the next start goes on where this one was.

      Examples:
        tamis serve recipe.yaml -w /var/lib/tamis/ws
        tamis serve recipe.yaml --poll                  network file systems, which tell nothing of new files
        tamis status -w /var/lib/tamis/ws               what it does
        tamis fit -w /var/lib/tamis/ws                  a new generation of the plan
      """)

  @OptionGroup var options: RecipeOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var models: ModelOptions
  @OptionGroup var logging: LogOptions

  @Flag(help: "Look for new shards every daemon.poll_seconds (5) instead of waiting for inotify.")
  var poll = false

  @Option(help: "Write the metrics every 15 s for node_exporter's textfile collector, such as tamis.prom.")
  var metricsTextfile: String?

  func run() throws {
    let (first, workspace) = try options.load(reading: reading, models: models)
    let (options, reading, models, poll) = (options, reading, models, poll)
    var setup = Server.Setup(
      recipePath: RecipeOptions.absolute(options.recipe ?? workspace + "/recipe.yaml"),
      workspace: RecipeOptions.absolute(workspace),
      events: logging.daemonLog.handler
    ) {
      var recipe = try options.load(reading: reading, models: models).recipe
      if poll, recipe.daemon.pollSeconds == nil { recipe.daemon.pollSeconds = 5 }
      return recipe
    }
    setup.metricsTextfile = metricsTextfile
    let published = try Server(setup).run()
    if !logging.quiet { print("Drained: \(published) samples are published in \(first.publish.path).") }
  }
}
