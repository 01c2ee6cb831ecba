import ArgumentParser
import Pipeline

struct IndexCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index", abstract: "Write the sidecars of a directory of tars that others made.",
    discussion: """
      Reads every shard of DIR once, to its end, and writes what readers look for beside shards: sizes.json and __len__
      (OpenCLIP), NNNNN_stats.json (DataComp), NNNNN.idx (DALI), shardindex.json (wids), README.md (Hugging Face),
      SHA256SUMS, and MANIFEST.json for `tamis verify`. subset.npy (DataComp's uids, from each sample's json) only where
      --sidecars asks for it. Shards stay as they are; .idx and shardindex.json are of plain tars only.

      Any fault, told as shard:offset:member: code: message, means exit 65, and nothing is written. Files that tamis did
      not write are left alone: without --replace they are an error, a README.md is skipped.

      In a folder of img2dataset its _stats.json are kept and their counts compared. It cannot resume in a folder with a
      sizes.json: -o writes the sidecars elsewhere, with paths to the shards.

      Examples:
        tamis index shards/
        tamis index shards/ --sidecars sizes,len,idx
        tamis index laion/ -o laion-index/
        tamis index datacomp/ --sidecars subset,sizes
        cd shards && sha256sum -c SHA256SUMS
      """)

  @Argument(help: "A directory of shards: .tar, .tar.gz, .tar.zst.")
  var directory: String

  @Option(
    help:
      "What to write, with commas: sizes, len, stats, idx, wids, sums, card, subset. Default: all but subset.",
    transform: Self.list)
  var sidecars: [Sidecar]?

  @Option(name: .shortAndLong, help: "Write into this directory instead.")
  var output: String?

  @Flag(help: "Overwrite files that tamis did not write.")
  var replace = false

  @Flag(help: "JSON lines on standard output: one a shard, then the totals.")
  var json = false

  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  @OptionGroup var logging: LogOptions

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs: 1 or more.") }
  }

  private static func list(_ text: String) throws -> [Sidecar] {
    if text == "all" { return Sidecar.allCases }
    if text == "none" { return [] }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let sidecar = Sidecar(rawValue: String(name)) else {
        let names = Sidecar.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--sidecars: unknown '\(name)'; expected \(names).")
      }
      return sidecar
    }
  }

  func run() throws {
    var request = Index.Request(directory: directory)
    request.output = output
    request.sidecars = sidecars
    request.replaces = replace
    request.jobs = jobs
    let log = logging.log
    let (json, isQuiet) = (json, logging.quiet)
    let report = try Index.run(
      request, events: log.handler,
      onShard: { shard in
        for fault in shard.faults { log.error(fault.description) }
        let hidden = shard.faultCount - shard.faults.count
        if hidden > 0 { log.error("\(shard.name): \(hidden) further faults") }
        if json { Console.printJSON(ShardLine(shard)) }
      })
    if json {
      Console.printJSON(TotalLine(report))
    } else if report.faults > 0 {
      log.error("\(directory): nothing was written, faults: \(report.faults)")
    } else if !isQuiet {
      let size = ByteSize.text(Int(report.bytes))
      let files = "\(report.written.count) files in \(output ?? directory)"
      print("\(report.samples) samples in \(report.shards) shards, \(size): \(files)")
    }
    if report.faults > 0 { throw ExitCode(ExitStatus.badData.rawValue) }
  }

  private struct ShardLine: Encodable {
    var shard: String
    var samples: Int
    var bytes: UInt64
    var sha256: String?
    var faults: Int
    var ok: Bool

    init(_ read: Index.Shard) {
      (shard, samples, bytes, sha256) = (read.name, read.samples, read.bytes, read.sha256)
      (faults, ok) = (read.faultCount, read.faultCount == 0)
    }
  }

  private struct TotalLine: Encodable {
    var shards: Int
    var samples: Int
    var bytes: UInt64
    var faults: Int
    var written: [String]
    var ok: Bool

    init(_ report: Index.Report) {
      (shards, samples, bytes) = (report.shards, report.samples, report.bytes)
      (faults, written, ok) = (report.faults, report.written, report.faults == 0)
    }
  }
}
