import Shards

/// Verifies the columns, models and verdicts of a workspace: every file that a manifest gives a hash for.
enum VerifyWorkspace {
  /// Any manifest that lists the files beside it.
  private struct FileList: Decodable {
    var files: [String: ColumnManifest.FileEntry]?
  }

  /// One file to hash.
  fileprivate struct Job: Sendable {
    var file: String
    var path: String
    var entry: ColumnManifest.FileEntry
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
    var jobs: [Job] = []
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
          Job(file: directory + "/" + file, path: root + "/" + directory + "/" + file, entry: entry))
      }
    }
    let hashed = try orderedMap(
      from: ListSource(jobs), into: HashSink(onFile: onFile), workers: workers, window: .max,
      makeWorker: { HashWorker() }, finish: { $0.report })
    report.files += hashed.files
    report.bytes += hashed.bytes
    report.faults += hashed.faults
    return report
  }
}

/// Hashes one file.
private struct HashWorker: MapWorker, ~Copyable {
  mutating func map(_ job: VerifyWorkspace.Job) throws -> VerifiedFile {
    var result = VerifiedFile(file: job.file)
    guard try FileStatus(path: job.path) != nil else {
      result.faults.append(VerifyFault(job.file, .missing, "named by its manifest.json, not there"))
      return result
    }
    let digest = try FileDigest(path: job.path)
    result.bytes = digest.bytes
    if digest.bytes != job.entry.bytes {
      result.faults.append(
        VerifyFault(job.file, .wrongSize, "\(digest.bytes) bytes, the manifest says \(job.entry.bytes)"))
    } else if digest.sha256 != job.entry.sha256 {
      result.faults.append(
        VerifyFault(job.file, .wrongHash, "SHA-256 \(digest.sha256), the manifest says \(job.entry.sha256)"))
    }
    return result
  }
}

private struct HashSink: OrderedSink, ~Copyable {
  let onFile: @Sendable (VerifiedFile) -> Void
  private(set) var report = VerifyReport()

  init(onFile: @escaping @Sendable (VerifiedFile) -> Void) { self.onFile = onFile }

  mutating func consume(_ file: VerifiedFile) {
    report.add(file)
    onFile(file)
  }
}
