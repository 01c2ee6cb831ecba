import ArgumentParser
import Pipeline
import Shards

struct CatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat", abstract: "Print shards (tar, tar.gz, tar.zst) as one plain tar on standard output.",
    discussion: """
      One shard comes out byte for byte, decompressed. Several, or --ignore-zeros, give one tar with the members of all.
      Exit 65 if a shard is not complete, after what could be read.

      Examples:
        tamis cat 00000.tar.zst | tar t
        tamis cat 'shards/{00000..00003}.tar' | tamis check -
        wds.WebDataset("pipe:tamis cat 00000.tar.zst")
      """)

  @Argument(help: "Shards, directories, patterns, or - for standard input.")
  var shards: [String]

  @Flag(help: "Read concatenated tars on through their end markers, and print one tar.")
  var ignoreZeros = false

  func run() throws {
    let found = try ShardSet.list(shards)
    if let notice = found.notice { Console.error(notice) }
    let paths = found.shards.map(\.path)
    if paths.count == 1, !ignoreZeros {
      try reporting(paths[0]) { try PlainTarCopy.run(from: try open(paths[0]), to: .standardOutput()) }
      return
    }
    var tar = TarJoin(.standardOutput())
    do {
      for path in paths {
        try reporting(path) { try tar.add(try open(path), ignoringZeros: ignoreZeros) }
      }
    } catch let error as PipelineError {
      try tar.finish(complete: false)
      throw error
    }
    try tar.finish()
  }

  private func open(_ path: String) throws -> File {
    path == "-" ? .standardInput() : try File(path: path, .read)
  }

  /// Copies one shard and says what is wrong with it.
  private func reporting(_ path: String, _ copy: () throws -> UInt64?) throws {
    do {
      if let trailing = try copy() {
        Console.error("\(path):\(trailing): data behind the end of the tar; see --ignore-zeros")
      }
    } catch let fault as ShardFault {
      let member = fault.member.isEmpty ? "-" : fault.member
      throw PipelineError(
        .badData, "\(path):\(fault.offset):\(member): \(fault.code.rawValue): \(fault.message)")
    }
  }
}
