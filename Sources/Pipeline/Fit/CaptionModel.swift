import Features
import Shards

/// `models/text`: the document frequencies that `text.npy` was made with.
struct CaptionModel {
  static let formatVersion = 1

  var frequencies: CaptionFrequencies
  /// Names the encoder: equal names, equal rows for equal captions.
  var id: String

  /// `manifest.json` beside `document_frequency.npy`.
  struct Manifest: Codable {
    var tamis = tamisVersion
    /// Hash of what it was counted on.
    var key: String
    var encoder: String
    /// Captions with at least one n-gram.
    var captions: Int
    var files: [String: ColumnManifest.FileEntry]
  }

  private static let file = "document_frequency.npy"

  /// Hash of all captions, in any order of the shards.
  static func key(_ shards: [IngestedShard]) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var captions: [String]
    }
    return sha256(
      try JSON.line(
        Parts(
          version: formatVersion,
          captions: shards.map { $0.manifest.files[CaptionLines.file]?.sha256 ?? "" }.sorted())))
  }

  static func manifest(_ path: String) throws -> Manifest? {
    guard let bytes = try readFile(path + "/manifest.json") else { return nil }
    return try? JSON.decode(Manifest.self, from: bytes)
  }

  /// Writes the model, whole or not at all.
  static func write(_ frequencies: CaptionFrequencies, key: String, to path: String) throws {
    try Directory.create(Directory.parent(of: path))
    let directory = try AtomicDirectory(path: path)
    let counts = directory.temporary + "/" + file
    try NpyFile.write(frequencies.counts, to: counts)
    let manifest = Manifest(
      key: key, encoder: Recipe.TextEmbedding.names[0], captions: frequencies.captions,
      files: [file: try .init(path: counts)])
    try directory.write(try JSON.file(manifest), as: "manifest.json")
    try directory.commit()
  }

  /// Reads it back; nil if there is none.
  init?(_ path: String) throws {
    guard let manifest = try Self.manifest(path), let entry = manifest.files[Self.file] else { return nil }
    let counts = try NpyReader(path: path + "/" + Self.file).vector(of: UInt32.self)
    guard counts.count == CaptionFrequencies.buckets, manifest.captions >= 0 else {
      throw PipelineError(.badData, "\(path): not document frequencies; remove it and fit again")
    }
    frequencies = CaptionFrequencies(captions: manifest.captions, counts: counts)
    id = "ngrams:\(Self.formatVersion):\(manifest.captions):\(entry.sha256)"
  }
}
