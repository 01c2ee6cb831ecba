import Yams

extension Recipe {
  /// Rows that were made elsewhere, for `features.image` or `features.text`.
  public struct ImportedRows: Sendable, Equatable, Encodable {
    /// What an ``EmbeddingSource`` is made of.
    public var file: String
    /// One key a line, line i names row i; nil: row i is accepted sample i.
    public var keys: String?

    public init(file: String, keys: String? = nil) { (self.file, self.keys) = (file, keys) }
  }
}

extension Recipe.Features {
  /// Rows of images made elsewhere.
  var importedImage: Recipe.ImportedRows? { if case .file(let rows) = image { rows } else { nil } }
  /// Rows of captions made elsewhere.
  var importedText: Recipe.ImportedRows? { if case .file(let rows)? = text { rows } else { nil } }
  /// True where rows come from a file: no new sample has one.
  var areImported: Bool { importedImage != nil || importedText != nil }
}

extension RecipeFile {
  /// `{ file:, keys: }`; nil where there is no `file`.
  static func readImported(_ section: inout RecipeSection, _ directory: String) -> Recipe.ImportedRows? {
    guard section.has("file") else { return nil }
    for key in ["encoder", "model"] where section.has(key) {
      _ = section.node(key)
      section.report(key, "give either \(key) or file")
    }
    var rows = Recipe.ImportedRows(file: resolve(section.string("file", ""), directory))
    let keys = section.string("keys", "")
    if section.has("keys") { rows.keys = resolve(keys, directory) }
    return rows
  }
}
