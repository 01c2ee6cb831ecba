import Shards

/// Arrays of the added fields: `00000/keys.txt`, `00000/mask.npy`…, or all of them in OUT itself where there is one
/// shard for all. Row *i* of each is line *i* of `keys.txt`.
final class ArrayShards: ShardFormat {
  private let publish: Recipe.Publish
  private let directory: String
  private let fields: [String: AddedFields.Description]
  private var open: Open?

  init(_ publish: Recipe.Publish, _ fields: [String: AddedFields.Description], directory: String) {
    (self.publish, self.fields, self.directory) = (publish, fields, directory)
  }

  /// The files of one shard.
  private final class Open {
    let directory: String
    private var keys: BufferedFile?
    private var arrays: [String: Array] = [:]
    private var samples = 0

    private final class Array {
      var writer: NpyWriter?
      init(_ writer: consuming NpyWriter) { self.writer = .some(consume writer) }
    }

    init(_ directory: String, _ fields: [String: AddedFields.Description]) throws {
      self.directory = directory
      try Directory.create(directory)
      keys = BufferedFile(try File(path: directory + "/keys.txt", .create))
      for (name, description) in fields {
        guard let type = NpyType(code: description.dtype) else {
          throw PipelineError(.internalError, "\(name): no type \(description.dtype)")
        }
        arrays[name] = Array(
          try NpyWriter(path: directory + "/" + name, type: type, rowShape: description.shape))
      }
    }

    func add(_ sample: PublishedSample) throws {
      try keys!.write((sample.key + [UInt8(ascii: "\n")])[...])
      for field in sample.fields {
        guard let (_, values) = NpyReader.split(field.bytes), let array = arrays[field.name] else {
          throw PipelineError(.internalError, "\(field.name): no array")
        }
        try array.writer!.append([UInt8](values))
      }
      samples += 1
    }

    func finish(name: String) throws -> PublishManifest.Shard {
      if let keys = keys.take() { try keys.finish() }
      for array in arrays.values { if let writer = array.writer.take() { try writer.finish() } }
      try Directory.sync(directory)
      var files: [String: ColumnManifest.FileEntry] = [:]
      for file in arrays.keys + ["keys.txt"] { files[file] = try .init(path: directory + "/" + file) }
      return .init(
        name: name, samples: samples, bytes: files.values.reduce(0) { $0 + $1.bytes }, files: files)
    }
  }

  func hasRoom(for sample: PublishedSample) -> Bool { true }

  func add(_ sample: PublishedSample, shard index: Int) throws {
    if open == nil {
      let name = name(index)
      let place = name == "." ? directory + "/." : HiddenShard.path(name, in: directory)
      if name != "." { try Directory.remove(place) }
      open = try Open(place, fields)
    }
    try open!.add(sample)
  }

  /// The directory's name below OUT.
  private func name(_ index: Int) -> String {
    publish.samplesPerShard == .max ? "." : publish.shardName(index, "")
  }

  func complete(shard index: Int) throws -> PublishManifest.Shard {
    defer { open = nil }
    return try open!.finish(name: name(index))
  }
}
