import Algebra
import Shards

/// Writes `columns/<shard>/` of one shard, row by row, and makes it appear by one rename.
struct ColumnWriter: ~Copyable {
  private let shard: String
  private let directory: AtomicDirectory
  private var keys: BufferedFile
  private var samples: NpyWriter
  private var thumbnails: NpyWriter
  private var encoded: EncodedColumns?
  private var quality: NpyWriter?
  private var fields: NpyWriter?
  private var captions: BufferedFile?
  private var fieldSets = FieldSetColumn()
  private var rejects: BufferedFile
  private var renamed: BufferedFile
  private(set) var accepted = 0
  private(set) var rejected = RejectCounts()
  private var renames = 0
  private var renamedFields = 0

  /// - Parameters:
  ///   - features: says how large thumbnails are and which other columns there are.
  ///   - jsonFields: those that a filter reads.
  init(
    shard: String, path: String, features: Recipe.Features, jsonFields: JSONFields?,
    encoders: SampleEncoders?
  ) throws {
    let thumbnailSize = features.thumbnail.size
    let directory = try AtomicDirectory(path: path)
    let base = directory.temporary + "/"
    let keys = try File(path: base + "keys.txt", .create)
    let rejects = try File(path: base + "rejects.jsonl", .create)
    let renamed = try File(path: base + "renamed.jsonl", .create)
    let samples = try NpyWriter(path: base + "samples.npy", type: SampleRecord.type)
    let thumbnails = try NpyWriter(
      path: base + "thumbnail.npy", type: .uint8, rowShape: [thumbnailSize, thumbnailSize, 3])
    let encoded = try encoders.map { try EncodedColumns(base, $0) }
    var quality: NpyWriter?
    if features.measuresQuality {
      quality = try NpyWriter(path: base + "quality.npy", type: QualityRecord.type)
    }
    let fields = try jsonFields.map { try NpyWriter(path: base + JSONFields.file, type: $0.type) }
    var captions: BufferedFile?
    if features.keepsCaptions {
      captions = BufferedFile(try File(path: base + CaptionLines.file, .create))
    }
    self.captions = captions
    self.fields = fields
    self.quality = quality
    self.keys = BufferedFile(keys)
    self.rejects = BufferedFile(rejects)
    self.renamed = BufferedFile(renamed)
    self.samples = samples
    self.thumbnails = thumbnails
    self.encoded = encoded
    self.directory = directory
    self.shard = shard
  }

  mutating func append(_ sample: AcceptedSample) throws {
    try keys.write((sample.key + [UInt8(ascii: "\n")])[...])
    try samples.append(sample.record.bytes)
    try thumbnails.append(sample.thumbnail)
    if let rows = sample.rows { try encoded?.append(rows) }
    if let line = sample.captionLine { try captions?.write((line + [UInt8(ascii: "\n")])[...]) }
    if let record = sample.quality { try quality?.append(record.bytes) }
    if let values = sample.fields { try fields?.append(NpyFile.bytes(of: values)) }
    fieldSets.append(sample.fieldNames)
    accepted += 1
    if let from = sample.renamedFrom { try noteRename(from, to: sample.key) }
    try noteRenames(sample.renamedFields, of: sample.key)
  }

  /// Records a rejected sample, under its published key and, where that differs, its stored one.
  mutating func append(_ reject: Reject, of sample: Sample) throws {
    rejected.add(reject.code)
    try rejects.write(try JSON.line(RejectLine(reject))[...])
    if sample.key != sample.storedKey { try noteRename(sample.storedKey, to: sample.key) }
    try noteRenames(sample.fields.filter(\.isRenamed), of: sample.key)
  }

  private mutating func noteRename(_ from: [UInt8], to key: [UInt8]) throws {
    renames += 1
    let line = RenameLine(from: printable(from, limit: 1024), to: printable(key, limit: 1024))
    try renamed.write(try JSON.line(line)[...])
  }

  /// Records fields made safe: such a line has a `field` and names members.
  private mutating func noteRenames(_ fields: [Field], of key: [UInt8]) throws {
    for field in fields {
      renamedFields += 1
      let to = printable(key, limit: 1024) + "." + field.name
      try renamed.write(try JSON.line(RenameLine(from: field.member, to: to, field: field.name))[...])
    }
  }

  /// Completes the files, writes the manifest and commits the directory.
  consuming func commit(_ summary: ShardSummary, _ rules: ShardRules, recipe: String) throws {
    let base = directory.temporary + "/"
    try keys.finish()
    try samples.finish()
    try thumbnails.finish()
    var names = ["keys.txt", "samples.npy", "thumbnail.npy", "rejects.jsonl", "renamed.jsonl"]
    if let quality = quality.take() {
      try quality.finish()
      names.append("quality.npy")
    }
    if let fields = fields.take() {
      try fields.finish()
      names.append(JSONFields.file)
    }
    if let captions = captions.take() {
      try captions.finish()
      names.append(CaptionLines.file)
    }
    try rejects.finish()
    try renamed.finish()
    let sets = fieldSets.sets
    if let name = try fieldSets.write(to: directory.temporary) { names.append(name) }
    let (encodedNames, encoders) = try encoded.take()?.finish() ?? ([], [:])
    var files: [String: ColumnManifest.FileEntry] = [:]
    for name in names + encodedNames {
      files[name] = try .init(path: base + name)
    }
    guard accepted + rejected.total == summary.samples else {
      throw PipelineError(
        .internalError,
        "\(shard): \(summary.samples) samples in, but \(accepted) accepted and \(rejected.total) rejected")
    }
    let manifest = ColumnManifest(
      recipe: recipe,
      input: .init(
        sha256: summary.digest ?? "", bytes: summary.storedBytes, compression: summary.compression ?? "none",
        trailingDataOffset: summary.trailingDataOffset, skippedMembers: summary.skippedMembers,
        repeatedKeys: summary.repeatedKeys, duplicates: rules.duplicates, salvage: rules.salvages,
        ignoresZeros: rules.ignoresZeros,
        fault: summary.fault.map {
          .init(code: $0.code.rawValue, offset: $0.offset, member: $0.member, message: $0.message)
        }),
      samples: summary.samples, accepted: accepted, rejected: rejected.byName, renamed: renames,
      renamedFields: renamedFields, fieldSets: sets, files: files,
      encoders: encoders, openblasKernel: OpenBLAS.coreName)
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// Gives up on the shard.
  consuming func discard() throws { try directory.discard() }
}

/// A line of `rejects.jsonl`.
private struct RejectLine: Encodable {
  var key: String
  var member: String
  var offset: UInt64
  var code: String
  var message: String

  init(_ reject: Reject) {
    key = reject.key ?? ""
    member = reject.member
    offset = reject.offset
    code = reject.code.rawValue
    message = reject.message
  }
}

/// A line of `renamed.jsonl`.
private struct RenameLine: Encodable {
  var from: String
  var to: String
  var field: String?
}
