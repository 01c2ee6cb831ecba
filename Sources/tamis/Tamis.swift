import Algebra
import ArgumentParser
import Foundation
import Pipeline
import Shards

/// The command line: arguments and printing, nothing else.
@main
struct Tamis: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tamis",
    abstract: "Sieve image/caption shards: decode, check, filter and publish WebDataset tars.",
    discussion: """
      Examples:
        tamis recipe init > recipe.yaml       a recipe to start from
        tamis run recipe.yaml                 shards in, verified shards out
        tamis check shards/                   what is wrong with these shards?
        tamis cat 00000.tar.zst | tar t       any shard as a plain tar
        tamis index shards/                   the files that trainers look for beside shards

      Exit codes: 0 ok, 1 done but something was rejected (--strict), 2 usage, 65 bad data, 70 internal,
      74 input/output, 75 try again later, 141 the reader of a pipe has gone.
      """,
    version: tamisVersion,
    subcommands: [
      RunCommand.self, IngestCommand.self, FitCommand.self, PruneCommand.self, PublishCommand.self,
      ExplainCommand.self, PcaCommand.self, MasksCommand.self, EmbedCommand.self, ExportCommand.self,
      DomainCommand.self,
      CheckCommand.self,
      VerifyCommand.self,
      CatCommand.self, IndexCommand.self, QuarantineCommand.self,
      DoctorCommand.self, RecipeCommand.self, ServeCommand.self, StatusCommand.self, PipeCommand.self,
    ])

  static func main() {
    // Workers call BLAS side by side. With threads of its own, OpenBLAS makes such calls wait for each other.
    OpenBLAS.setThreads(1)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Foundation.exit(report(error))
    }
  }

  /// Says what went wrong and gives the exit code for it.
  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case let code as ExitCode: return code.rawValue
    case let error as RecipeError:
      for problem in error.problems { Console.error("\(error.path): \(problem)") }
      return ExitStatus.usage.rawValue
    case let error as PipelineError:
      Console.error(error.description)
      return ExitStatus(error.kind).rawValue
    case let error as FileError:
      Console.error(error.description)
      return ExitStatus(error).rawValue
    case let error as NpyError:
      Console.error(error.description)
      return ExitStatus.badData.rawValue
    case let fault as ShardFault:
      Console.error("\(fault.offset):\(fault.member): \(fault.code.rawValue): \(fault.message)")
      return ExitStatus.badData.rawValue
    default: break
    }
    if exitCode(for: error) == .success {
      print(fullMessage(for: error))
      return ExitStatus.ok.rawValue
    }
    Console.error(message(for: error).replacingOccurrences(of: "\n", with: " "))
    let isUsage = exitCode(for: error) == .validationFailure
    return isUsage ? ExitStatus.usage.rawValue : ExitStatus.internalError.rawValue
  }
}
