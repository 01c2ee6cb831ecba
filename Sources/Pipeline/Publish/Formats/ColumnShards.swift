import Decode
import Prune
import Shards

/// Column shards: for each input shard a tar of the added fields and the verdict, with the input's keys in the input's
/// order, rejected and dropped samples included. Readers that open both in lock-step add columns to untouched shards.
///
/// A rejected sample's arrays are zero; its `verdict.json` says so.
struct ColumnShards {
  private let recipe: Recipe
  private let added: [String: AddedFields.Description]
  private let fields: AddedFields?
  private let workspace: String
  private let hasVerdicts: Bool
  private let memory: MemoryPlan

  /// - Parameters:
  ///   - added: all added fields.
  ///   - fields: the computed ones.
  init(
    _ recipe: Recipe, _ added: [String: AddedFields.Description], _ fields: AddedFields?, workspace: String
  ) throws {
    let hasVerdicts = try PruneStage.manifest(in: workspace) != nil
    memory = try MemoryPlan(recipe.limits)
    self.hasVerdicts = hasVerdicts
    (self.recipe, self.workspace) = (recipe, workspace)
    (self.added, self.fields) = (added, fields)
  }

  /// The name of an input shard's columns.
  private func name(_ shard: IngestedShard) -> String {
    shard.name + "." + recipe.publish.compress.tarExtension
  }

  /// Writes the shards that the journal does not know yet.
  func write(
    _ files: [ShardFile], _ shards: [IngestedShard], to directory: String, _ journal: OutputJournal,
    _ events: EventHandler
  ) throws -> PackedShards {
    let finished = Set(journal.shards.map(\.name))
    var notices: [String] = []
    for (file, shard) in zip(files, shards) {
      guard !finished.contains(name(shard)), shard.manifest.samples > 0 else { continue }
      do { try write(file, shard, to: directory, journal, events) } catch let fault as ShardFault {
        // A key that cannot stand in a shard of ours: the columns would not be in step with the input.
        notices.append("\(shard.name):-:\(fault.member): no columns for this shard: \(fault.message)")
      }
    }
    return PackedShards(shards: journal.shards, files: [:], notices: notices)
  }

  /// Writes the columns of one shard, and gives them their name.
  ///
  /// - Throws: `ShardFault` for a key that cannot stand in a shard of ours.
  func write(
    _ file: ShardFile, _ shard: IngestedShard, to directory: String, _ log: any ShardLog,
    _ events: EventHandler
  ) throws {
    let name = name(shard)
    let hidden = HiddenShard.path(name, in: directory)
    let written: WrittenShard
    do { written = try write(file, shard, to: hidden) } catch {
      try Directory.remove(hidden)
      throw error
    }
    try log.commit(
      .init(name: name, samples: written.samples, bytes: written.bytes, sha256: written.sha256),
      in: directory, events)
  }

  private func write(_ file: ShardFile, _ shard: IngestedShard, to path: String) throws -> WrittenShard {
    var writer = try ShardWriter(
      try File(path: path, .create), compression: recipe.publish.compress, threads: memory.workers)
    var block = FieldBlock(fields)
    var stored = StoredFields(recipe.addedFields, workspace: workspace)
    let thumbnails = ColumnRows(workspace: workspace, file: "thumbnail.npy")
    let verdicts = hasVerdicts ? try VerdictFile.read(workspace + "/verdicts/\(shard.name).npy") : nil
    var codes = try rejectCodes(shard.name).makeIterator()
    var feed = try SampleFeed(
      file, shard.manifest, limits: memory.shardLimits, input: recipe.input, workspace: workspace)
    while let (row, sample) = try feed.next() {
      if let hostility = SampleKey.hostility(of: sample.storedKey[...]) {
        throw ShardFault(.badName, at: sample.offset, member: printable(sample.storedKey), hostility)
      }
      guard let row else {
        for ready in block.flush() { try writer.write(key: ready.key, fields: ready.fields) }
        let line = VerdictLine(rejected: codes.next() ?? "")
        try writer.write(key: sample.storedKey, fields: emptyFields + [line.field])
        continue
      }
      let line = VerdictLine(verdicts?[row])
      let published = PublishedSample(
        key: sample.storedKey, fields: try stored.fields(shard: shard.name, row: row) + [line.field])
      // Masks go by the key that every other file has.
      let ready = try block.add(published, key: sample.key, position: row) {
        try thumbnails.row(shard: shard.name, row: row)
      }
      for sample in ready { try writer.write(key: sample.key, fields: sample.fields) }
    }
    for ready in block.flush() { try writer.write(key: ready.key, fields: ready.fields) }
    let written = try writer.finish()
    guard written.samples == shard.manifest.samples else {
      throw PipelineError(
        .internalError, "\(shard.name): \(shard.manifest.samples) samples, \(written.samples) rows of columns"
      )
    }
    return written
  }

  /// The added fields of a sample that has none.
  private var emptyFields: [OutputField] {
    added.map { name, description in
      let type = NpyType(code: description.dtype) ?? .uint8
      let zeros = [UInt8](repeating: 0, count: description.shape.reduce(type.bytes, *))
      return OutputField(
        name: name, bytes: (NpyHeader(type: type, shape: description.shape).bytes() + zeros)[...])
    }
  }

  /// Codes of a shard's rejected samples, in its order.
  private func rejectCodes(_ shard: String) throws -> [String] {
    struct Line: Decodable { var code: String }
    let text = try readFile(workspace + "/columns/\(shard)/rejects.jsonl") ?? []
    return try text.split(separator: UInt8(ascii: "\n")).map {
      try JSON.decode(Line.self, from: Array($0)).code
    }
  }
}

/// `verdict.json`: what became of a sample, every name in every sample.
private struct VerdictLine {
  private let text: String

  /// nil: nothing was pruned.
  init(_ verdict: Verdict?) {
    let verdict = verdict ?? Verdict()
    func number(_ value: Float) -> String { value.isFinite ? "\(value)" : "null" }
    let cluster = verdict.cluster < 0 ? "null" : "\(verdict.cluster)"
    text =
      "{\"kept\": \(verdict.kept), \"reason\": \"\(verdict.reason)\", \"reject\": null, \"cluster\": \(cluster), "
      + "\"distance\": \(number(verdict.distance)), \"duplicate_similarity\": \(number(verdict.duplicateSimilarity)), "
      + "\"score\": \(number(verdict.score))}"
  }

  init(rejected code: String) {
    text =
      "{\"kept\": false, \"reason\": null, \"reject\": \"\(code)\", \"cluster\": null, \"distance\": null, "
      + "\"duplicate_similarity\": null, \"score\": null}"
  }

  var field: OutputField { OutputField(name: "verdict.json", bytes: Array(text.utf8)[...]) }
}
