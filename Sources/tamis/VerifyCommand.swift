import ArgumentParser
import Pipeline

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Compare what tamis wrote with its manifests: sizes, hashes, numbers of samples. Writes nothing.",
    discussion: """
      DIR is a published directory, a workspace, or one directory of a workspace. Published shards are read to their
      end: hash, structure, keys and number of samples. Faults go to standard error as
      file:offset:member: code: message; a line a published shard to standard output. Exit 65 if anything is wrong.

      Examples:
        tamis verify out/
        tamis verify --json .tamis | jq .
      """)

  @Argument(help: "A directory that tamis wrote.")
  var directory: String

  @Flag(help: "JSON lines on standard output: one a file, then the totals.")
  var json = false

  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  func run() throws {
    let json = json
    let report = try Verify.run(directory, jobs: jobs) { file in
      if json {
        Console.printJSON(FileLine(file))
      } else {
        for fault in file.faults { Console.error(fault.description) }
        if let samples = file.samples {
          let verdict = file.faults.isEmpty ? "ok" : "faults: \(file.faults.count)"
          print("\(file.file): \(samples) samples, \(verdict)")
        }
      }
    }
    if json {
      Console.printJSON(TotalLine(report))
    } else {
      let size = ByteSize.text(Int(report.bytes))
      let samples = report.samples > 0 ? ", \(report.samples) samples" : ""
      let verdict = report.faults == 0 ? "all as their manifests say" : "faults: \(report.faults)"
      print("\(report.files) files, \(size)\(samples): \(verdict)")
    }
    if report.faults > 0 { throw ExitCode(ExitStatus.badData.rawValue) }
  }

  private struct FileLine: Encodable {
    struct Fault: Encodable {
      var offset: UInt64?
      var member: String
      var code: String
      var message: String
    }

    var file: String
    var bytes: UInt64
    var samples: Int?
    var ok: Bool
    var faults: [Fault]

    init(_ verified: VerifiedFile) {
      (file, bytes, samples) = (verified.file, verified.bytes, verified.samples)
      ok = verified.faults.isEmpty
      faults = verified.faults.map {
        Fault(offset: $0.offset, member: $0.member, code: $0.code.rawValue, message: $0.message)
      }
    }
  }

  private struct TotalLine: Encodable {
    var files: Int
    var bytes: UInt64
    var samples: Int
    var faults: Int
    var ok: Bool

    init(_ report: VerifyReport) {
      (files, bytes, samples, faults) = (report.files, report.bytes, report.samples, report.faults)
      ok = report.faults == 0
    }
  }
}
