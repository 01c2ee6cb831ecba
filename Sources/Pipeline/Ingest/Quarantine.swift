import Shards

/// Keeps what was rejected, so that it can be looked at and tried again: a tar of the rejected samples of each
/// shard, rejected shards themselves, each beside a `<name>.reason.json`.
struct Quarantine: ~Copyable {
  private let directory: String
  private let shard: String
  private var writer: ShardWriter?
  private var usedKeys: Set<[UInt8]> = []
  private var reasons: [Reason] = []

  private struct Reason: Encodable {
    /// Key in the quarantine tar.
    var key: String?
    var member: String
    var offset: UInt64
    var code: String
    var message: String
  }

  private struct ReasonFile: Encodable {
    var shard: String
    var tamis = tamisVersion
    var reasons: [Reason]
  }

  init(directory: String, shard: String) {
    self.directory = directory
    self.shard = shard
  }

  private var temporary: String { directory + "/." + shard + ".tar.tmp" }
  private static func tar(_ directory: String, _ shard: String) -> String { directory + "/" + shard + ".tar" }

  /// Adds a rejected sample with the fields that were read. A key that is already there gets its offset appended.
  mutating func add(_ sample: Sample, _ reject: Reject) throws {
    var key = sample.key
    if !usedKeys.insert(key).inserted { key = key.prefix(70) + Array("-at-\(sample.offset)".utf8) }
    reasons.append(
      Reason(
        key: String(decoding: key, as: UTF8.self), member: reject.member, offset: reject.offset,
        code: reject.code.rawValue, message: reject.message))
    let fields = sample.fields.filter { key.count + 1 + $0.name.utf8.count <= 100 }
    guard !fields.isEmpty else { return }
    if writer == nil { writer = try ShardWriter(try File(path: temporary, .create)) }
    try writer!.write(
      key: key, fields: fields.map { OutputField(name: $0.name, bytes: sample.bytes[$0.range]) })
  }

  /// Publishes the tar and its reasons, or removes what an earlier run left when nothing was rejected.
  consuming func commit() throws {
    let name = Self.tar(directory, shard)
    let reasonPath = name + ".reason.json"
    if reasons.isEmpty {
      try Directory.remove(reasonPath)
      try Directory.remove(name)
      return
    }
    let body = try JSON.file(ReasonFile(shard: shard, reasons: reasons))
    let temporary = temporary
    if let writer = consume writer {
      _ = try writer.finish()
      try AtomicFile.write(body, to: reasonPath)
      try Directory.rename(temporary, to: name)
    } else {
      try AtomicFile.write(body, to: reasonPath)
    }
  }

  /// Keeps a whole rejected shard: a second name for the file where the file system allows it, else only the
  /// reason (a one-shot run leaves its input where it is).
  consuming func commit(shard file: ShardFile, _ reject: Reject) throws {
    let temporary = temporary
    let name = directory + "/" + Directory.name(of: file.path)
    let shard = shard
    discard()
    try Directory.remove(temporary)
    try Directory.remove(name)
    if file.path != "-" { _ = Directory.link(file.path, as: name) }
    let reason = Reason(
      key: nil, member: reject.member, offset: reject.offset, code: reject.code.rawValue,
      message: reject.message)
    try AtomicFile.write(
      try JSON.file(ReasonFile(shard: shard, reasons: [reason])), to: name + ".reason.json")
  }

  /// Gives up on what was added so far: the shard is read anew.
  consuming func abandon() throws {
    let temporary = temporary
    discard()
    try Directory.remove(temporary)
  }

  private consuming func discard() {}
}
