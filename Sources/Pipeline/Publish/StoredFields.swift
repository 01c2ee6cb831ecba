import Shards

/// Added fields of published samples that are rows of the workspace's columns: embeddings and thumbnails.
struct StoredFields: ~Copyable {
  private let fields: [Recipe.Publish.Added]
  private let columns: String
  private var readers: [ColumnRows]

  /// - Parameter fields: those of `publish.add`; others than stored ones are passed over.
  init(_ fields: [Recipe.Publish.Added], workspace: String) {
    self.fields = fields.filter(Recipe.Publish.Added.stored.contains)
    columns = workspace + "/columns/"
    readers = self.fields.map { ColumnRows(workspace: workspace, file: Self.file($0)) }
  }

  /// The fields of one row.
  mutating func fields(shard: String, row: Int) throws -> [OutputField] {
    var result: [OutputField] = []
    for index in fields.indices {
      let values = try readers[index].row(shard: shard, row: row)
      let header = readers[index].rowHeader.bytes()
      result.append(OutputField(name: Self.name(fields[index]), bytes: (header + values)[...]))
    }
    return result
  }

  /// Names, dtypes and shapes, which all shards must share.
  ///
  /// - Parameter shards: those with accepted samples.
  func descriptions(_ shards: [String]) throws -> [String: AddedFields.Description] {
    var found: [String: AddedFields.Description] = [:]
    for field in fields {
      for shard in shards {
        let path = columns + shard + "/" + Self.file(field)
        guard try FileStatus(path: path) != nil else {
          throw PipelineError(
            .usage, "publish.add: '\(field.rawValue)' needs \(path), which is not there: what should make it?"
          )
        }
        let reader = try NpyReader(path: path)
        let description = AddedFields.Description(
          dtype: reader.type.code, shape: Array(reader.shape.dropFirst()))
        if let known = found[Self.name(field)], known != description {
          throw PipelineError(.badData, "\(path): rows of another type or shape than in other shards")
        }
        found[Self.name(field)] = description
      }
    }
    return found
  }

  /// The column it is a row of.
  static func file(_ field: Recipe.Publish.Added) -> String {
    switch field {
    case .embedding: "image.npy"
    case .thumbnail: "thumbnail.npy"
    case .text: "text.npy"
    case .joint: "joint.npy"
    default: preconditionFailure("\(field) is computed")
    }
  }

  /// The name of a field inside a sample.
  static func name(_ field: Recipe.Publish.Added) -> String {
    switch field {
    case .text, .joint: "\(field.rawValue)_embedding.npy"
    default: "\(field.rawValue).npy"
    }
  }
}
