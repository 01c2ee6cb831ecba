import ArgumentParser
import Foundation
import Glibc
import Pipeline
import Shards

/// `--format` of the pipe.
enum PipeFormat: String, ExpressibleByArgument, CaseIterable {
  case tar
  case zstd = "tar.zst"
}

struct PipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipe", abstract: "Filter a shard from standard input to standard output in one pass.",
    discussion: """
      Verifies and decodes every sample; with --plan keeps what the workspace's frozen plan keeps. A sample goes out as
      soon as it is decided. If the input is cut off, the whole samples before go out and the exit code is 65 (0 with
      --salvage); 74 if it could not be read; 141 if the reader has gone. One pass: of a key that comes again, the first
      part has gone out when the second is rejected; with input.duplicates: rename all go out.

      Examples:
        tamis pipe < in.tar > sound.tar
        curl -s URL | tamis pipe --plan ws --add mask > out.tar
        wds.WebDataset("pipe:cat x.tar | tamis pipe --plan ws")
      """)

  @Option(help: "A workspace with a fitted plan (after tamis run).")
  var plan: String?

  @Option(
    help: "Fields to add, comma-separated: mask, embedding, coefficients, ratio, visible, target, patches.")
  var add: String?

  @Option(help: "tar or tar.zst.")
  var format = PipeFormat.tar

  @Option(help: "Write counts as JSON to this file.")
  var report: String?

  @Option(name: .shortAndLong, help: "Worker threads. Default: one a core.")
  var jobs: Int?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var models: ModelOptions
  @OptionGroup var logging: LogOptions

  func run() throws {
    guard isatty(STDIN_FILENO) == 0 else {
      throw ValidationError("Standard input is a terminal; give a shard: tamis pipe < in.tar > out.tar")
    }
    guard isatty(STDOUT_FILENO) == 0 else {
      throw ValidationError(
        "Standard output is a terminal; a tar does not go there: tamis pipe < in.tar > out.tar")
    }
    do { try runPipe() } catch let error as FileError where error.path == "stdout" && error.errno == EPIPE {
      throw ExitCode(ExitStatus.readerGone.rawValue)
    }
  }

  private func runPipe() throws {
    var options = Pipe.Options()
    options.plan = plan
    options.compression = format == .zstd ? .zstd() : .none
    options.add = try (add ?? "").split(separator: ",").map { name in
      guard let field = Pipe.Added(rawValue: String(name)) else {
        let names = Pipe.Added.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--add \(name): not available in this version; expected \(names).")
      }
      return field
    }
    if !options.add.isEmpty, plan == nil { throw ValidationError("--add needs --plan.") }
    let environment = ProcessInfo.processInfo.environment
    var overrides = reading.overrides
    if let jobs { overrides["limits.jobs"] = "\(jobs)" }
    var recipe =
      try plan.map {
        try RecipeFile.load($0 + "/recipe.yaml", overrides: overrides, environment: environment)
      }
      ?? RecipeFile.parse("input: { path: '-' }", path: "-", overrides: overrides, environment: environment)
    recipe.models = try models.chosen()
    if let report,
      try FileStatus(path: Directory.parent(of: report))?.isDirectory != true
        || !(FileStatus(path: report)?.isRegular ?? true)
    {
      throw ValidationError("--report \(report): not a file, or in no directory that is there.")
    }
    ReaderWatch.start()
    let result = try Pipe.run(options, recipe: recipe, events: logging.log.handler)
    ReaderWatch.stop()
    if let report { try AtomicFile.write(try result.json(), to: report) }
    if let error = result.readError { throw error }
    if let fault = result.fault {
      Console.error(fault.description)
      if !result.isSalvaged { throw ExitCode(ExitStatus.badData.rawValue) }
    }
  }
}
