import ArgumentParser
import Daemon
import Foundation
import Shards

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What the daemon of a workspace does, or did last.",
    discussion: """
      Asks the running daemon over WORKSPACE/serve.sock. If none runs, shows what the last one wrote to the catalog
      and says so ("phase":"stopped" in JSON). Exit 75 if there is neither.

      Examples:
        tamis status -w /var/lib/tamis/ws
        tamis status -w ws --json | jq .samples_kept
      """)

  @Option(name: .shortAndLong, help: "The workspace.")
  var workspace = ".tamis"

  @Flag(help: "One line of JSON, as GET /status gives it.")
  var json = false

  func run() throws {
    if let status = try Self.ask(workspace) {
      print(json ? StatusJSON.line(status) : StatusText.text(status, isRunning: true))
      return
    }
    guard var status = try LastStatus.read(workspace: workspace) else {
      Console.error("\(workspace): no daemon runs here, and none has written its status")
      throw ExitCode(ExitStatus.temporary.rawValue)
    }
    // Killed, it could not write that it stopped.
    status.phase = .stopped
    print(json ? StatusJSON.line(status) : StatusText.text(status, isRunning: false))
  }

  /// nil if no daemon listens.
  private static func ask(_ workspace: String) throws -> DaemonStatus? {
    guard let reply = try StatusClient.ask(path: "/status", socket: StatusClient.socket(workspace: workspace))
    else {
      return nil
    }
    guard reply.status == 200, let status = try? StatusJSON.status(reply.body) else {
      throw ValidationError(
        "\(workspace): the daemon is another version of tamis; its status cannot be read.")
    }
    return status
  }
}

/// Takes a stage's request to the daemon that holds the workspace.
enum DaemonRequest {
  /// - Returns: what to print; nil if no daemon listens there.
  static func fit(workspace: String) throws -> String? {
    guard
      let reply = try StatusClient.ask(
        "POST", path: "/fit", socket: StatusClient.socket(workspace: workspace))
    else {
      return nil
    }
    guard reply.status == 202 else {
      let answer = String(decoding: reply.body, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      Console.error("\(workspace): the daemon refused the fit: \(answer)")
      throw ExitCode(ExitStatus.temporary.rawValue)
    }
    return
      "The daemon of \(workspace) was asked for a new plan; `tamis status -w \(workspace)` shows when it is there."
  }
}
