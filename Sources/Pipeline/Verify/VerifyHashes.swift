import Shards

/// Compares files with the sizes and hashes that a manifest gives them.
enum VerifyHashes {
  /// One file to hash.
  struct Job: Sendable {
    /// Its name in messages.
    var file: String
    var path: String
    var entry: ColumnManifest.FileEntry
    /// Samples that it stands for, where it is a shard.
    var samples: Int?
  }

  static func run(
    _ jobs: [Job], workers: Int, _ onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    try orderedMap(
      from: ListSource(jobs), into: HashSink(onFile: onFile), workers: workers, window: .max,
      makeWorker: { HashWorker() }, finish: { $0.report })
  }
}

/// Hashes one file.
private struct HashWorker: MapWorker, ~Copyable {
  mutating func map(_ job: VerifyHashes.Job) throws -> VerifiedFile {
    var result = VerifiedFile(file: job.file, samples: job.samples)
    guard try FileStatus(path: job.path) != nil else {
      result.faults.append(VerifyFault(job.file, .missing, "named by its manifest, not there"))
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
