import ArgumentParser
import Foundation
import Pipeline
import Shards

struct QuarantineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quarantine", abstract: "Look at what was rejected, try it again, or delete it.",
    discussion: """
      Rejected samples are kept in WORKSPACE/quarantine as <shard>.tar, a shard like any other, beside
      <shard>.tar.reason.json; shards rejected as a whole are kept whole. The tars together take at most
      limits.quarantine bytes (1 GiB).

      Examples:
        tamis quarantine list -w .tamis
        tamis quarantine list -w .tamis --json | jq -r 'select(.code == "truncated_image") | .key'
        tamis quarantine retry recipe.yaml -w .tamis
        tamis quarantine purge -w .tamis --older-than 30
      """,
    subcommands: [List.self, Retry.self, Purge.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Every reject with its reason, then the totals.")

    @Option(name: .shortAndLong, help: "The workspace.")
    var workspace: String

    @Argument(help: "Shards by their workspace names. Default: all.")
    var shards: [String] = []

    @Flag(help: "JSON lines on standard output, one a reject.")
    var json = false

    func run() throws {
      let entries = try QuarantineStore.list(workspace).filter { shards.isEmpty || shards.contains($0.shard) }
      var counts = RejectCounts()
      for entry in entries {
        for reject in entry.rejects {
          counts.add(reject.code)
          if json {
            Console.printJSON(RejectLine(reject))
          } else {
            print(StatusText.visible(reject.description))
          }
        }
      }
      if json { return }
      let bytes = entries.reduce(0) { $0 + $1.bytes }
      print("\(counts.total) rejects of \(entries.count) shards, \(ByteSize.text(Int(bytes))) kept")
      for (code, count) in counts.occurring {
        print("  \(code.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)) \(count)")
      }
    }
  }

  struct Retry: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "retry", abstract: "Read the shards with rejects again, with the recipe as it is now.",
      discussion: """
        A sample that passes this time takes its place in its own shard; `tamis run` then brings the later stages up
        to date.
        """)

    @OptionGroup var options: RecipeOptions
    @OptionGroup var logging: LogOptions

    @Option(name: .customLong("shard"), help: "Only this shard, by its workspace name. May be repeated.")
    var shards: [String] = []

    func run() throws {
      let (recipe, path) = try options.load()
      let workspace = try Workspace(path: path)
      try workspace.checkIsNoStreams()
      let wanted = Set(shards)
      let (tried, again) = try QuarantineStore.retry(
        recipe, in: workspace, where: { wanted.isEmpty || wanted.contains($0.shard) },
        events: logging.log.handler)
      print("\(tried) rejects tried again: \(max(0, tried - again)) accepted now, \(again) rejected.")
    }
  }

  struct Purge: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "purge", abstract: "Delete what the quarantine keeps; the reasons in columns/ stay.")

    @Option(name: .shortAndLong, help: "The workspace.")
    var workspace: String

    @Argument(help: "Shards by their workspace names.")
    var shards: [String] = []

    @Flag(help: "Everything.")
    var all = false

    @Option(help: "Only what is older than so many days.")
    var olderThan: Double?

    func validate() throws {
      if shards.isEmpty, !all, olderThan == nil {
        throw ValidationError("Name shards, or give --all or --older-than.")
      }
    }

    func run() throws {
      guard try FileStatus(path: workspace + "/quarantine")?.isDirectory == true else {
        throw PipelineError(.usage, "\(workspace): not a workspace")
      }
      let wanted = Set(shards)
      let newest = Date().timeIntervalSince1970 - (olderThan ?? 0) * 86_400
      let purged = try QuarantineStore.purge(try Workspace(path: workspace)) { entry in
        (wanted.isEmpty || wanted.contains(entry.shard)) && (olderThan == nil || entry.modified < newest)
      }
      let bytes = purged.reduce(0) { $0 + $1.bytes }
      print("Deleted the rejects of \(purged.count) shards, \(ByteSize.text(Int(bytes))).")
    }
  }
}
