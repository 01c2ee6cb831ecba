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

/// Polls a condition for at most a minute.
func waitUntil(_ condition: () -> Bool) throws {
  for _ in 0..<600 {
    if condition() { return }
    Thread.sleep(forTimeInterval: 0.1)
  }
  Issue.record("the server did not get there within a minute")
}
