import Shards

/// Verifies the columns, models and verdicts of a workspace: every file that a manifest gives a hash for.
enum VerifyWorkspace {
  /// Any manifest that lists the files beside it.
  private struct FileList: Decodable {
    var files: [String: ColumnManifest.FileEntry]?
  }

  /// The whole workspace.
  static func run(
    _ path: String, workers: Int, _ onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    var directories: [String] = []
    for parent in ["columns", "models"] {
      for name in try Directory.names(in: path + "/" + parent) ?? [] where !name.hasPrefix(".") {
        directories.append(parent + "/" + name)
      }
    }
    var report = try run(path, directories, workers: workers, onFile)
    for file in try verdicts(path) {
      report.add(file)
      onFile(file)
    }
    return report
  }

  /// Verdict files have no hashes (a stream rewrites their shard indices): one row for each accepted sample.
  private static func verdicts(_ path: String) throws -> [VerifiedFile] {
    try FrozenPlan.shardNames(path).map { shard in
      let name = "verdicts/" + shard + ".npy"
      var file = VerifiedFile(file: name)
      guard let status = try FileStatus(path: path + "/" + name) else {
        file.faults.append(VerifyFault(name, .missing, "named by verdicts/shards.txt, not there"))
        return file
      }
      file.bytes = status.size
      guard let bytes = try readFile(path + "/columns/" + shard + "/manifest.json"),
        let accepted = try? JSON.decode(ColumnManifest.self, from: bytes).accepted
      else { return file }
      do {
        let rows = try NpyReader(path: path + "/" + name).rowCount
        if rows != accepted {
          file.faults.append(
            VerifyFault(name, .wrongCount, "\(rows) rows, the shard has \(accepted) accepted samples"))
        }
      } catch let error as NpyError {
        file.faults.append(VerifyFault(name, .unreadable, error.description))
      }
      return file
    }
  }

  /// One directory with a manifest.
  static func run(
    directory path: String, workers: Int, _ onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    try run(Directory.parent(of: path), [Directory.name(of: path)], workers: workers, onFile)
  }

  private static func run(
    _ root: String, _ directories: [String], workers: Int,
    _ onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    var report = VerifyReport()
    var jobs: [VerifyHashes.Job] = []
    for directory in directories {
      let name = directory + "/manifest.json"
      guard let bytes = try readFile(root + "/" + name) else {
        let fault = VerifyFault(name, .missing, "every directory of a workspace has one")
        let file = VerifiedFile(file: name, faults: [fault])
        report.add(file)
        onFile(file)
        continue
      }
      guard let list = try? JSON.decode(FileList.self, from: bytes) else {
        let file = VerifiedFile(file: name, faults: [VerifyFault(name, .badManifest, "no such manifest")])
        report.add(file)
        onFile(file)
        continue
      }
      for (file, entry) in (list.files ?? [:]).sorted(by: { $0.key < $1.key }) {
        jobs.append(
          .init(file: directory + "/" + file, path: root + "/" + directory + "/" + file, entry: entry))
      }
    }
    report += try VerifyHashes.run(jobs, workers: workers, onFile)
    return report
  }
}
