import ArgumentParser
import Pipeline
import Shards

struct CatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat", abstract: "Print any shard (tar, tar.gz, tar.zst) as a plain tar on standard output.",
    discussion: """
      Exit 65 if the shard is not complete, after what could be read.

      Examples:
        tamis cat 00000.tar.zst | tar t
        wds.WebDataset("pipe:tamis cat 00000.tar.zst")
      """)

  @Argument(help: "The shard, or - for standard input.")
  var shard: String

  @Flag(help: "Read concatenated tars on through their end markers, and print one tar.")
  var ignoreZeros = false

  func run() throws {
    do {
      let input = shard == "-" ? File.standardInput() : try File(path: shard, .read)
      let trailing = try PlainTarCopy.run(
        from: input, to: .standardOutput(), ignoringZeros: ignoreZeros)
      if let trailing {
        Console.error("\(shard):\(trailing): data behind the end of the tar; see --ignore-zeros")
      }
    } catch let fault as ShardFault {
      let member = fault.member.isEmpty ? "-" : fault.member
      throw PipelineError(
        .badData, "\(shard):\(fault.offset):\(member): \(fault.code.rawValue): \(fault.message)")
    }
  }
}
