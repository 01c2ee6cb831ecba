import Shards

/// One thing that is wrong with a directory that Tamis wrote.
public struct VerifyFault: Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    /// Named by a manifest and not there.
    case missing
    case wrongSize = "wrong_size"
    case wrongHash = "wrong_hash"
    /// Another number of samples or rows than the manifest says.
    case wrongCount = "wrong_count"
    /// A manifest or sidecar that cannot be read, or that contradicts another.
    case badManifest = "bad_manifest"
    /// A shard that no manifest names: trainers would read it.
    case unexpectedFile = "unexpected_file"
    /// One key in two samples.
    case duplicateKey = "duplicate_key"
    /// A published shard that a reader would reject, or a part of one.
    case unreadable
  }

  /// Path below the verified directory.
  public var file: String
  /// In the decompressed tar, where there is one.
  public var offset: UInt64?
  public var member: String
  public var code: Code
  public var message: String

  init(_ file: String, _ code: Code, _ message: String, offset: UInt64? = nil, member: String = "") {
    (self.file, self.code, self.message) = (file, code, message)
    (self.offset, self.member) = (offset, member)
  }

  init(_ file: String, _ fault: ShardFault) {
    self.init(
      file, .unreadable, "\(fault.code.rawValue): \(fault.message)", offset: fault.offset,
      member: fault.member)
  }

  /// `file:offset:member: code: message`.
  public var description: String {
    let place = offset.map { String($0) } ?? "-"
    return "\(file):\(place):\(member.isEmpty ? "-" : member): \(code.rawValue): \(message)"
  }
}

/// What became of one file.
public struct VerifiedFile: Sendable, Equatable {
  /// Path below the verified directory.
  public var file: String
  public var bytes: UInt64 = 0
  /// Samples of a shard; nil for other files.
  public var samples: Int?
  public var faults: [VerifyFault] = []
}

/// Totals of a verification.
public struct VerifyReport: Sendable, Equatable {
  public var files = 0
  public var bytes: UInt64 = 0
  /// Of published shards.
  public var samples = 0
  public var faults = 0

  public init() {}

  static func += (total: inout VerifyReport, part: VerifyReport) {
    total.files += part.files
    total.bytes += part.bytes
    total.samples += part.samples
    total.faults += part.faults
  }

  mutating func add(_ file: VerifiedFile) {
    files += 1
    bytes += file.bytes
    samples += file.samples ?? 0
    faults += file.faults.count
  }
}

/// Compares a directory with the manifests in it: every file's size and SHA-256, and for published shards what a
/// reader would see (structure, keys, number of samples). Writes nothing.
public enum Verify {
  /// - Parameters:
  ///   - path: a published directory, a workspace, or one directory of a workspace (`models/pca`).
  ///   - jobs: worker threads; nil for one a core.
  ///   - onFile: called for each file in a fixed order, one at a time.
  /// - Throws: ``PipelineError`` when the directory holds no manifest.
  public static func run(
    _ path: String, jobs: Int? = nil, onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    guard let status = try FileStatus(path: path) else {
      throw PipelineError(.usage, "\(path): no such directory")
    }
    guard status.isDirectory else { throw PipelineError(.usage, "\(path): not a directory") }
    let workers = jobs ?? Recipe.Limits.defaultJobs
    if try FileStatus(path: path + "/columns") != nil {
      return try VerifyWorkspace.run(path, workers: workers, onFile)
    }
    if let bytes = try readFile(path + "/" + PublishManifest.file),
      let manifest = try? JSON.decode(PublishManifest.self, from: bytes)
    {
      return try VerifyOutput.run(path, manifest, workers: workers, onFile)
    }
    guard try FileStatus(path: path + "/manifest.json") != nil else {
      throw PipelineError(
        .badData,
        "\(path): holds no \(PublishManifest.file) that can be read: not a directory that tamis wrote")
    }
    return try VerifyWorkspace.run(directory: path, workers: workers, onFile)
  }
}
