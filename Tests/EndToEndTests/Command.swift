import Foundation

/// The repository, and the binary built beside this test bundle.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let tamis =
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("tamis")
    .path
  static let python = root + "/.venv/bin/python"
  static func oracle(_ name: String) -> String { root + "/Tests/EndToEndTests/oracle/" + name }
}

/// What a finished command left.
struct CommandResult {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs a program to its end, or kills it after `killAfter` seconds; output is gathered through files, so that it
/// never blocks.
func run(
  _ program: String, _ arguments: [String], killAfter: Double? = nil, environment: [String: String] = [:]
) throws
  -> CommandResult
{
  let folder = try TemporaryFolder()
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let paths = [folder.path + "/out", folder.path + "/err"]
  for path in paths { _ = FileManager.default.createFile(atPath: path, contents: nil) }
  process.standardOutput = FileHandle(forWritingAtPath: paths[0])
  process.standardError = FileHandle(forWritingAtPath: paths[1])
  process.standardInput = FileHandle.nullDevice
  try process.run()
  if let killAfter {
    Thread.sleep(forTimeInterval: killAfter)
    kill(process.processIdentifier, SIGKILL)
  }
  process.waitUntilExit()
  let texts = paths.map {
    String(decoding: FileManager.default.contents(atPath: $0) ?? Data(), as: UTF8.self)
  }
  let status =
    process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  return CommandResult(status: status, output: texts[0], errors: texts[1])
}

func tamis(_ arguments: String..., environment: [String: String] = [:]) throws -> CommandResult {
  try run(Repository.tamis, arguments, environment: environment)
}

/// A directory that goes with the value.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/tamis-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with its directories.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Data(text.utf8))
  }

  @discardableResult
  func write(_ name: String, _ data: Data) throws -> String {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
    return url.path
  }

  /// A copy of the samples' shards and a recipe over them.
  ///
  /// - Parameter names: new names of the four shards, without extension.
  func addSamples(names: [String] = ["00000", "00001", "00002", "00003"], publish: String = "") throws
    -> String
  {
    for (index, name) in names.enumerated() {
      let data = try Data(
        contentsOf: URL(fileURLWithPath: Repository.root + "/samples/shards/0000\(index).tar"))
      try write("in/\(name).tar", data)
    }
    return try write(
      "recipe.yaml", "input: { path: in/ }\npublish: { path: out/, samples_per_shard: 100\(publish) }\n")
  }

  func data(_ name: String) -> Data? { FileManager.default.contents(atPath: path + "/" + name) }

  /// Every file below a directory with its bytes.
  func files(_ name: String) -> [String: Data] {
    var files: [String: Data] = [:]
    for file in FileManager.default.enumerator(atPath: path + "/" + name)?.allObjects as? [String] ?? [] {
      if let data = data(name + "/" + file) { files[file] = data }
    }
    return files
  }

  /// Of a published directory the files that the samples alone decide, not the recipe or the form of the input.
  func shards(_ name: String) -> [String: Data] {
    files(name).filter { !["MANIFEST.json", "README.md", "SHA256SUMS"].contains($0.key) }
  }

  /// The same without `matches.json`, which names the files that the rows came from.
  func decisions(_ name: String) -> [String: Data] { files(name).filter { $0.key != "matches.json" } }
}
