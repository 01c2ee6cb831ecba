import ArgumentParser
import Pipeline
import Shards

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Lint shards: structure, keys, and every image decoded. Writes nothing.",
    discussion: """
      Faults go to standard error as shard:offset:member: code: message; a line a shard to standard output.
      Exit 65 if anything is wrong.

      Examples:
        tamis check 00000.tar shards/
        tamis check 'data/{00000..00041}.tar' 'more/*/part-?.tar.zst'
        tamis check --json - < 00000.tar.zst
      """)

  @Argument(help: "Shards, directories of shards, patterns ({00..41}, *, ?), or - for standard input.")
  var shards: [String]

  @Flag(help: "JSON lines on standard output: one a fault, one a shard.")
  var json = false

  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    var recipe = Recipe()
    recipe.limits.jobs = jobs
    recipe.input.salvage = reading.salvage
    recipe.input.ignoresZeros = reading.ignoreZeros
    let json = json
    let found = try ShardSet.list(shards)
    if let notice = found.notice { Console.error(notice) }
    let isClean = try Check.run(
      found.shards, recipe: recipe,
      events: { event in
        switch event {
        case .rejected(let reject):
          if json { Console.printJSON(RejectLine(reject)) } else { Console.error(reject.description) }
        case .notice(let text): if !json { Console.error(text) }
        default: break
        }
      },
      onShard: { check in
        if json { Console.printJSON(ShardLine(check)) } else { print(Self.text(check)) }
      })
    if !isClean { throw ExitCode(ExitStatus.badData.rawValue) }
  }

  private static func text(_ check: ShardCheck) -> String {
    let verdict =
      check.fault.map { "\($0.code.rawValue) at \($0.offset)" }
      ?? (check.rejected.total == 0 ? "ok" : "\(check.rejected.total) rejected")
    let skipped = check.summary.skippedMembers
    let passedOver = skipped > 0 ? ", \(skipped) members belong to no sample" : ""
    return "\(check.shard): \(check.samples) samples, \(verdict)\(passedOver)"
  }

  private struct ShardLine: Encodable {
    var shard: String
    var samples: Int
    var rejected: Int
    var fault: String?
    var skippedMembers: Int
    var trailingDataOffset: UInt64?
    var ok: Bool

    init(_ check: ShardCheck) {
      (shard, samples, rejected) = (check.shard, check.samples, check.rejected.total)
      fault = check.fault?.code.rawValue
      (skippedMembers, trailingDataOffset) = (check.summary.skippedMembers, check.summary.trailingDataOffset)
      ok = rejected == 0 && fault == nil && trailingDataOffset == nil
    }
  }
}
