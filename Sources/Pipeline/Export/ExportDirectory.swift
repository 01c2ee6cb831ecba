import Shards

/// The directory of an export: what is in it, and when it may be replaced.
enum ExportDirectory {
  /// Tells an export from a folder that clip-retrieval itself made.
  static let manifest = "export.json"

  /// What ``manifest`` holds.
  struct Manifest: Codable {
    var tamis = tamisVersion
    var samples: Int
    var parts: Int
    /// The column of the image rows: `image` or `joint`.
    var image: String
    /// Whether there are rows of captions.
    var text: Bool
    /// Whether the metadata has captions.
    var captions: Bool
  }

  /// The endings of the files of each sub-directory.
  private static let contents = [
    "img_emb": [".npy"], "text_emb": [".npy"], "metadata": [".jsonl", ".parquet"],
  ]

  /// The path without trailing slashes.
  ///
  /// - Throws: ``PipelineError`` (usage) unless there is nothing, an empty directory, or an earlier export with no other
  ///   files than `scripts/clip-retrieval-metadata` puts there.
  static func check(_ path: String) throws -> String {
    let output = try ArrayFiles.output(path, names: Set(contents.keys).union([manifest]))
    let names = try Directory.names(in: output) ?? []
    guard !names.isEmpty else { return output }
    guard names.contains(manifest) else { throw OutputDirectory.foreign(output) }
    for (name, endings) in contents where names.contains(name) {
      guard try FileStatus(path: output + "/" + name)?.isDirectory == true,
        (try Directory.names(in: output + "/" + name) ?? []).allSatisfy({ file in
          file.hasPrefix(name + "_") && endings.contains(where: file.hasSuffix)
        })
      else { throw OutputDirectory.foreign(output) }
    }
    return output
  }
}
