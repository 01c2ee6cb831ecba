import Foundation
import Testing

/// `tamis serve`, which goes on until it is told to end.
final class RunningServer {
  let process = Process()
  private let folder: TemporaryFolder

  init(_ recipe: String, in folder: TemporaryFolder, environment: [String: String] = [:]) throws {
    self.folder = folder
    process.executableURL = URL(fileURLWithPath: Repository.tamis)
    process.arguments = ["serve", recipe]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let log = try folder.write("serve-\(UUID().uuidString).log", "")
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
  }

  func end(_ number: Int32) -> Int32 {
    kill(process.processIdentifier, number)
    for _ in 0..<300 where process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }
}

extension TemporaryFolder {
  /// What the daemons of this folder have logged, in the order of their logs' names.
  var daemonLog: String {
    let names = files("").keys.filter { $0.hasPrefix("serve-") }.sorted()
    return names.map { String(decoding: data($0) ?? Data(), as: UTF8.self) }.joined()
  }

  /// What `tamis status` says of the workspace's daemon.
  func daemonStatus() throws -> [String: Any] {
    let result = try tamis("status", "-w", path + "/.tamis", "--json")
    return try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] ?? [:]
  }
}

/// Polls a condition for at most a minute.
func waitUntil(_ condition: () -> Bool) throws {
  for _ in 0..<600 {
    if condition() { return }
    Thread.sleep(forTimeInterval: 0.1)
  }
  Issue.record("the server did not get there within a minute")
}
