import Shards

/// Keeps what was rejected, so that it can be looked at and tried again: a tar of the rejected samples of each
/// shard, rejected shards themselves, each beside a `<name>.reason.json`.
///
/// The tars together take at most `limits.quarantine` bytes; beyond it a sample's reason is written without its
/// bytes.
struct Quarantine: ~Copyable {
  private let directory: String
  private let shard: String
  private let recipeHash: String
  /// Bytes that may still be written.
  private var room: UInt64
  private var writer: ShardWriter?
  private var usedKeys: Set<[UInt8]> = []
  private var reasons: [QuarantineReasons.Reason] = []
  /// Samples whose bytes did not fit.
  private(set) var samplesLeftOut = 0

  /// - Parameter room: bytes that this shard's tar may have.
  init(directory: String, shard: String, recipeHash: String, room: UInt64) {
    self.directory = directory
    self.shard = shard
    self.recipeHash = recipeHash
    self.room = room
  }

  private var temporary: String { directory + "/." + shard + ".tar.tmp" }

  /// Adds a rejected sample with the fields that were read. A key that is already there gets its offset appended.
  mutating func add(_ sample: Sample, _ reject: Reject) throws {
    var key = sample.key
    if !usedKeys.insert(key).inserted { key = key.prefix(70) + Array("-at-\(sample.offset)".utf8) }
    let fields = sample.fields.filter { key.count + 1 + $0.name.utf8.count <= 100 }
    let ending: UInt64 = writer == nil ? 11_264 : 0
    let bytes = fields.reduce(ending) { $0 + 1023 + UInt64($1.range.count) }
    let fits = bytes <= room
    if !fits { samplesLeftOut += 1 }
    let isKept = fits && !fields.isEmpty
    reasons.append(
      QuarantineReasons.Reason(
        key: String(decoding: key, as: UTF8.self), member: reject.member, offset: reject.offset,
        code: reject.code.rawValue, message: reject.message, kept: isKept ? nil : false))
    guard isKept else { return }
    room -= bytes
    if writer == nil { writer = try ShardWriter(try File(path: temporary, .create)) }
    try writer!.write(
      key: key, fields: fields.map { OutputField(name: $0.name, bytes: sample.bytes[$0.range]) })
  }

  /// Publishes the tar and its reasons, or removes what an earlier run left when nothing was rejected.
  ///
  /// - Returns: bytes of the tar.
  consuming func commit() throws -> UInt64 {
    let name = directory + "/" + shard + ".tar"
    let reasonPath = name + QuarantineReasons.suffix
    try removeFiles(except: name)
    if reasons.isEmpty {
      try Directory.remove(reasonPath)
      try Directory.remove(name)
      return 0
    }
    let body = try JSON.file(QuarantineReasons(shard: shard, recipe: recipeHash, reasons: reasons))
    let temporary = temporary
    guard let writer = consume writer else {
      try AtomicFile.write(body, to: reasonPath)
      try Directory.remove(name)
      return 0
    }
    let written = try writer.finish()
    try AtomicFile.write(body, to: reasonPath)
    try Directory.rename(temporary, to: name)
    return written.bytes
  }

  /// Keeps a whole rejected shard: a second name for the file where the file system allows it, else only the
  /// reason (a one-shot run leaves its input where it is).
  consuming func commit(shard file: ShardFile, _ reject: Reject) throws {
    let temporary = temporary
    let name = directory + "/" + shard + ShardSet.suffix(of: file.path)
    let (shard, recipeHash) = (shard, recipeHash)
    try removeFiles(except: name)
    discard()
    try Directory.remove(temporary)
    try Directory.remove(name)
    let isKept = file.path != "-" && Directory.link(file.path, as: name)
    let reason = QuarantineReasons.Reason(
      key: nil, member: reject.member, offset: reject.offset, code: reject.code.rawValue,
      message: reject.message, kept: isKept ? nil : false)
    try AtomicFile.write(
      try JSON.file(QuarantineReasons(shard: shard, recipe: recipeHash, reasons: [reason])),
      to: name + QuarantineReasons.suffix)
  }

  /// Removes what an earlier run kept of this shard under another suffix.
  private func removeFiles(except name: String) throws {
    for suffix in ShardSet.suffixes + [""] where directory + "/" + shard + suffix != name {
      try Directory.remove(directory + "/" + shard + suffix + QuarantineReasons.suffix)
      try Directory.remove(directory + "/" + shard + suffix)
    }
  }

  /// Gives up on what was added so far: the shard is read anew.
  consuming func abandon() throws {
    let temporary = temporary
    discard()
    try Directory.remove(temporary)
  }

  private consuming func discard() {}
}
