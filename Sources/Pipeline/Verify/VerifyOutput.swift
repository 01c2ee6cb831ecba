import Crypto
import Shards

/// Verifies OUT: its shards and the sidecars that trainers read.
enum VerifyOutput {
  static func run(
    _ path: String, _ manifest: PublishManifest, workers: Int,
    _ onFile: @escaping @Sendable (VerifiedFile) -> Void
  ) throws -> VerifyReport {
    var report = VerifyReport()
    let shards = manifest.root.map { path + "/" + $0 } ?? path
    for file in try sidecars(path, manifest) + unexpected(shards, manifest) {
      report.add(file)
      onFile(file)
    }
    // Tars are read as a trainer would; other shards and files are compared with their hashes.
    let tars = manifest.shards.filter { $0.raw == nil && $0.files == nil }
    report += try orderedMap(
      from: ListSource(tars), into: OutputSink(onFile: onFile), workers: workers, window: .max,
      makeWorker: { ShardVerifier(directory: shards) }, finish: { $0.finish() })
    report += try VerifyHashes.run(hashed(path, manifest), workers: workers, onFile)
    return report
  }

  /// Files of which the manifest has a hash, but for tars.
  private static func hashed(_ path: String, _ manifest: PublishManifest) -> [VerifyHashes.Job] {
    var jobs: [VerifyHashes.Job] = []
    for shard in manifest.shards {
      if let files = shard.files {
        let prefix = shard.name == "." ? "" : shard.name + "/"
        for (name, entry) in files.sorted(by: { $0.key < $1.key }) {
          jobs.append(.init(file: prefix + name, path: path + "/" + prefix + name, entry: entry))
        }
        jobs[jobs.count - 1].samples = shard.samples
      } else if shard.raw != nil, let sha256 = shard.sha256 {
        jobs.append(
          .init(
            file: shard.name, path: path + "/" + shard.name, entry: .init(bytes: shard.bytes, sha256: sha256),
            samples: shard.samples))
      }
    }
    for (name, entry) in (manifest.files ?? [:]).sorted(by: { $0.key < $1.key })
    where !["sizes.json", "__len__"].contains(name) {
      jobs.append(.init(file: name, path: path + "/" + name, entry: entry))
    }
    return jobs
  }

  /// `MANIFEST.json`, `sizes.json` and `__len__` must tell one story.
  private static func sidecars(_ path: String, _ manifest: PublishManifest) throws -> [VerifiedFile] {
    var files = [VerifiedFile(file: PublishManifest.file)]
    if manifest.samples != manifest.shards.reduce(0, { $0 + $1.samples }) {
      files[0].faults.append(
        VerifyFault(PublishManifest.file, .badManifest, "`samples` is not the sum over the shards"))
    }
    func check(_ name: String, _ isRight: ([UInt8]) -> Bool) throws {
      var file = VerifiedFile(file: name)
      if let bytes = try readFile(path + "/" + name) {
        file.bytes = UInt64(bytes.count)
        if !isRight(bytes) {
          file.faults.append(VerifyFault(name, .badManifest, "says something else than MANIFEST.json"))
        }
      } else {
        file.faults.append(VerifyFault(name, .missing, "named by MANIFEST.json, not there"))
      }
      files.append(file)
    }
    if let bytes = try readFile(path + "/" + Sidecar.sums.fileName!) {
      files.append(try sums(bytes, path, manifest))
    }
    let sizes = Dictionary(manifest.shards.map { ($0.name, $0.samples) }) { first, _ in first }
    // A stream's manifest lists no files, but both are there.
    let isStream = manifest.files == nil && manifest.format == Recipe.Publish.Format.webdataset.rawValue
    if isStream || manifest.files?["sizes.json"] != nil {
      try check("sizes.json") { (try? JSON.decode([String: Int].self, from: $0)) == sizes }
    }
    if isStream || manifest.files?["__len__"] != nil {
      try check("__len__") { $0 == Array("\(manifest.samples)".utf8) }
    }
    return files
  }

  /// `SHA256SUMS` must say what the manifest says of its files, and what the manifest itself is.
  private static func sums(
    _ bytes: [UInt8], _ path: String, _ manifest: PublishManifest
  ) throws -> VerifiedFile {
    var file = VerifiedFile(file: Sidecar.sums.fileName!, bytes: UInt64(bytes.count))
    var expected = (manifest.files ?? [:]).mapValues(\.sha256)
    for (name, hash) in manifest.shardHashes {
      expected[manifest.root.map { $0 + "/" + name } ?? name] = hash
    }
    expected[PublishManifest.file] = try ColumnManifest.FileEntry(path: path + "/" + PublishManifest.file)
      .sha256
    let found = ChecksumFile.files(bytes) ?? [:]
    let wrong = expected.filter { found[$0.key] != $0.value }.keys.sorted()
    if let first = wrong.first {
      file.faults.append(
        VerifyFault(
          file.file, .badManifest,
          "another hash of \(first) than MANIFEST.json has, or none"
            + (wrong.count > 1 ? "; \(wrong.count - 1) more" : "")))
    }
    return file
  }

  /// Shards that the manifest does not know.
  private static func unexpected(_ path: String, _ manifest: PublishManifest) throws -> [VerifiedFile] {
    let known = Set(manifest.shards.map(\.name))
    let names = try Directory.names(in: path) ?? []
    return try names.filter {
      guard !$0.hasPrefix("."), $0.contains(".tar") || $0.contains(".mds"), !known.contains($0) else {
        return false
      }
      return try FileStatus(path: path + "/" + $0)?.isRegular == true
    }.map { name in
      var file = VerifiedFile(file: name)
      file.faults = [VerifyFault(name, .unexpectedFile, "MANIFEST.json does not name this shard")]
      return file
    }
  }
}

/// A list as the source of an ordered map.
struct ListSource<Item: Sendable>: PullSource, ~Copyable {
  private var items: ArraySlice<Item>
  init(_ items: [Item]) { self.items = items[...] }
  mutating func next() -> (item: Item, cost: Int)? { items.popFirst().map { ($0, 0) } }
}

/// A shard that was read, with a hash of each of its keys.
private struct VerifiedShard: Sendable {
  var file: VerifiedFile
  var keys: [KeyHash] = []
}

/// 128 bits of a key's SHA-256.
private struct KeyHash: Hashable, Sendable {
  var first: UInt64
  var second: UInt64
}

/// Reads one shard front to back.
private struct ShardVerifier: MapWorker, ~Copyable {
  let directory: String

  mutating func map(_ shard: PublishManifest.Shard) throws -> VerifiedShard {
    var result = VerifiedShard(file: VerifiedFile(file: shard.name, samples: 0))
    func fault(_ code: VerifyFault.Code, _ message: String) {
      result.file.faults.append(VerifyFault(shard.name, code, message))
    }
    let path = directory + "/" + shard.name
    guard let status = try FileStatus(path: path) else {
      fault(.missing, "named by MANIFEST.json, not there")
      return result
    }
    result.file.bytes = status.size
    if status.size != shard.bytes {
      fault(.wrongSize, "\(status.size) bytes, MANIFEST.json says \(shard.bytes)")
    }
    do {
      var reader = try ShardReader(try File(path: path, .read), hashing: true)
      while let sample = try reader.next() {
        if let fault = sample.fault { result.file.faults.append(VerifyFault(shard.name, fault)) }
        let words = KeyUniqueness.hashWords(sample.key[...])
        result.keys.append(KeyHash(first: words.0, second: words.1))
      }
      result.file.samples = reader.summary.samples
      if let offset = reader.summary.trailingDataOffset {
        result.file.faults.append(
          VerifyFault(shard.name, .unreadable, "data behind the end of the tar", offset: offset))
      }
      if reader.summary.digest != shard.sha256 {
        fault(
          .wrongHash, "SHA-256 \(reader.summary.digest ?? ""), MANIFEST.json says \(shard.sha256 ?? "none")")
      }
      if reader.summary.samples != shard.samples {
        fault(.wrongCount, "\(reader.summary.samples) samples, MANIFEST.json says \(shard.samples)")
      }
    } catch let broken as ShardFault {
      result.file.faults.append(VerifyFault(shard.name, broken))
    }
    return result
  }
}

/// Hands on what was found, and looks for keys that occur in two shards: 20 bytes a sample.
private struct OutputSink: OrderedSink, ~Copyable {
  let onFile: @Sendable (VerifiedFile) -> Void
  private var report = VerifyReport()
  private var shardOfKey: [KeyHash: Int32] = [:]
  private var names: [String] = []

  init(onFile: @escaping @Sendable (VerifiedFile) -> Void) { self.onFile = onFile }

  mutating func consume(_ shard: VerifiedShard) {
    var file = shard.file
    let index = Int32(names.count)
    names.append(file.file)
    var repeated: [Int32: Int] = [:]
    for key in shard.keys {
      if let other = shardOfKey[key] {
        if other != index { repeated[other, default: 0] += 1 }
      } else {
        shardOfKey[key] = index
      }
    }
    for (other, count) in repeated.sorted(by: { $0.key < $1.key }) {
      file.faults.append(
        VerifyFault(file.file, .duplicateKey, "\(count) of its keys are in \(names[Int(other)]) too"))
    }
    report.add(file)
    onFile(file)
  }

  mutating func finish() -> VerifyReport { report }
}
