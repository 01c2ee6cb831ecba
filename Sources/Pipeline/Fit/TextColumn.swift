import Features
import Shards

/// Counts the n-grams of all captions and adds `text.npy` to columns: temp + fsync + rename, then the manifest that
/// names it.
enum TextColumn {
  /// Brings model and columns up to date.
  ///
  /// - Parameter dimensions: values of a row.
  /// - Returns: the number of shards embedded now.
  static func fit(
    _ dimensions: Int, _ recipe: Recipe, _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws -> Int {
    let shards = try workspace.ingestedShards()
    guard shards.allSatisfy({ $0.manifest.files[CaptionLines.file] != nil }) else {
      throw PipelineError(.usage, "the captions are not in the columns: run `tamis ingest` first")
    }
    let path = workspace.path + "/models/text"
    let key = try CaptionModel.key(shards)
    if try CaptionModel.manifest(path)?.key != key {
      try CaptionModel.write(try count(shards, recipe, workspace, events), key: key, to: path)
    }
    return try fill(dimensions, recipe, shards, workspace, events)
  }

  /// Embeds, by the model that is there, the shards whose column is missing or was made by another one.
  static func fill(
    _ dimensions: Int, _ recipe: Recipe, _ shards: [IngestedShard],
    _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws -> Int {
    guard let model = try CaptionModel(workspace.path + "/models/text") else {
      throw PipelineError(.usage, "models/text is missing: run `tamis fit` first")
    }
    let encoder = NgramEncoder(model.frequencies, dimension: dimensions)
    let id = model.id + ":\(dimensions)"
    let stale = try shards.filter { shard in
      let isThere = try FileStatus(path: workspace.columns(shard.name) + "/text.npy") != nil
      return !isThere || shard.manifest.encoders["text"] != id || shard.manifest.files["text.npy"] == nil
    }
    guard !stale.isEmpty else { return 0 }
    let total = stale.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "embed captions", shards: stale.count, bytes: 0, samples: total))
    let memory = try MemoryPlan(recipe.limits)
    var done = 0
    for shard in stale {
      let directory = workspace.columns(shard.name)
      let temporary = directory + "/.text.npy.tmp"
      let rows = try orderedMap(
        from: try CaptionLines(directory), into: try CaptionSink(path: temporary, dimension: dimensions),
        workers: memory.workers, window: memory.window, makeWorker: { CaptionWorker(encoder: encoder) },
        finish: { try $0.finish() })
      try check(rows, shard, directory)
      try Directory.rename(temporary, to: directory + "/text.npy")
      var manifest = shard.manifest
      manifest.encoders["text"] = id
      manifest.files["text.npy"] = try .init(path: directory + "/text.npy")
      try AtomicFile.write(try JSON.file(manifest), to: directory + "/manifest.json")
      done += shard.manifest.accepted
      events(.progress(samples: done, bytes: 0))
    }
    events(.ended(stage: "embed captions"))
    return stale.count
  }

  private static func count(
    _ shards: [IngestedShard], _ recipe: Recipe, _ workspace: borrowing Workspace, _ events: EventHandler
  ) throws -> CaptionFrequencies {
    let total = shards.reduce(0) { $0 + $1.manifest.accepted }
    events(.began(stage: "count n-grams", shards: shards.count, bytes: 0, samples: total))
    let memory = try MemoryPlan(recipe.limits)
    var frequencies = CaptionFrequencies()
    var done = 0
    for shard in shards {
      let directory = workspace.columns(shard.name)
      let before = frequencies
      let (counted, rows) = try orderedMap(
        from: try CaptionLines(directory), into: CountSink(before), workers: memory.workers,
        window: memory.window, makeWorker: { CountWorker() }, finish: { $0.result })
      try check(rows, shard, directory)
      frequencies = counted
      done += rows
      events(.progress(samples: done, bytes: 0))
    }
    events(.ended(stage: "count n-grams"))
    return frequencies
  }

  private static func check(_ rows: Int, _ shard: IngestedShard, _ directory: String) throws(PipelineError) {
    guard rows == shard.manifest.accepted else {
      throw PipelineError(
        .badData, "\(directory): the columns do not fit together; ingest this shard again")
    }
  }
}

/// Lines → what they add to the frequencies.
private struct CountWorker: MapWorker, ~Copyable {
  func map(_ block: [UInt8]) -> (increment: CaptionFrequencies.Increment, rows: Int) {
    var increment = CaptionFrequencies.Increment()
    let lines = block.lines
    for line in lines { increment.add(line) }
    return (increment, lines.count)
  }
}

private struct CountSink: OrderedSink, ~Copyable {
  private var frequencies: CaptionFrequencies
  private var rows = 0

  init(_ frequencies: CaptionFrequencies) { self.frequencies = frequencies }

  mutating func consume(_ counted: (increment: CaptionFrequencies.Increment, rows: Int)) {
    frequencies.add(counted.increment)
    rows += counted.rows
  }

  var result: (CaptionFrequencies, Int) { (frequencies, rows) }
}

/// Lines → the bytes of `<f2` rows.
private struct CaptionWorker: MapWorker, ~Copyable {
  let encoder: NgramEncoder

  func map(_ block: [UInt8]) -> [UInt8] {
    NpyFile.bytes(of: block.lines.flatMap { encoder.encode($0) })
  }
}

private struct CaptionSink: OrderedSink, ~Copyable {
  private var writer: NpyWriter?

  init(path: String, dimension: Int) throws {
    writer = try NpyWriter(path: path, type: .float16, rowShape: [dimension])
  }

  mutating func consume(_ rows: [UInt8]) throws { try writer!.append(rows) }
  /// Returns the number of rows.
  mutating func finish() throws -> Int { if let writer = writer.take() { try writer.finish() } else { 0 } }
}
