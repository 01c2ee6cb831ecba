import Decode
import Shards

/// What identifies a publish: an equal key means equal bytes.
enum PublishKey {
  /// Hash of all that decides the published bytes.
  static func make(
    _ recipe: Recipe, _ manifests: [ColumnManifest], _ verdicts: Verdicts, _ fields: AddedFields?,
    _ account: DataCard.Account?
  ) throws -> String {
    struct Parts: Encodable {
      var version: Int
      var publish: Recipe.Publish
      /// What to do with captions that are not UTF-8.
      var onBadCaption: String
      /// How pictures are decoded, where they are.
      var decode: Recipe.Decoding?
      /// Hashes of each shard's bytes, keys and kept rows, in the order that decides the output.
      var columns: [String]
      var basis: String?
      var mask: Recipe.Mask?
      var patches: Recipe.Patches?
      /// What the data card tells.
      var card: DataCard.Account?
    }
    var publish = recipe.publish
    publish.path = ""
    let columnFiles = Recipe.Publish.Added.stored.filter(recipe.addedFields.contains).map(StoredFields.file)
    var columns = try manifests.enumerated().map { index, manifest in
      let keys = manifest.files["keys.txt"]?.sha256 ?? ""
      let parts = [manifest.input.sha256, keys, verdicts.keptDigest(shard: index)]
      let stored = columnFiles.map { manifest.files[$0]?.sha256 ?? "" }
      return sha256(try JSON.line(parts + stored + readingParts(manifest.input)))
    }
    if recipe.publish.order != .input { columns.sort() }
    return sha256(
      try JSON.line(
        Parts(
          version: Publish.formatVersion, publish: publish, onBadCaption: recipe.decode.onBadCaption.rawValue,
          decode: publish.image.form == .keep ? nil : recipe.decode, columns: columns, basis: fields?.basis,
          mask: fields?.basis == nil ? nil : recipe.features.pca?.mask ?? Recipe.Mask(),
          patches: publish.add.contains(.patches) ? recipe.features.patches : nil, card: account)))
  }

  /// How a shard was read, where that may change the bytes of samples whose keys stay the same.
  private static func readingParts(_ input: ColumnManifest.Input) -> [String] {
    (input.repeatedKeys > 0 ? [input.duplicates.rawValue] : []) + (input.ignoresZeros ? ["ignore_zeros"] : [])
  }
}
