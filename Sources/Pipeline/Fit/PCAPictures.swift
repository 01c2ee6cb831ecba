import Decode
import Features
import Shards

/// The pictures beside the arrays of `models/pca`: for people, read by nothing.
enum PCAPictures {
  static let names: Set<String> = ["components.png", "masks.png", "spectrum.svg"]

  /// Samples on the sheet of masks.
  private static let exampleCount = 4

  /// The pictures of a basis by file name; those that it cannot have are left out.
  ///
  /// They depend on the basis and the examples only: masks are drawn with the rule `closest` and seed 0.
  static func files(of basis: ComponentBasis, examples: [BasisPictures.Example] = []) throws -> [String:
    [UInt8]]
  {
    var files = ["spectrum.svg": Array(SpectrumChart.svg(basis.ratios).utf8)]
    if let components = BasisPictures.components(of: basis) {
      files["components.png"] = try encoded(components)
    }
    if let masks = BasisPictures.masks(of: basis, examples: examples, rule: .closest, seed: 0) {
      files["masks.png"] = try encoded(masks)
    }
    return files
  }

  private static func encoded(_ image: RGBImage) throws(PipelineError) -> [UInt8] {
    guard let bytes = PNGEncoder.encode(image) else {
      throw PipelineError(.internalError, "no memory for a picture of \(image.width) x \(image.height)")
    }
    return bytes
  }

  /// The samples whose keys have the smallest SHA-256: the same however they lie in shards.
  ///
  /// - Parameter verdicts: of these shards, where only the kept samples count.
  static func examples(
    _ shards: [IngestedShard], keptBy verdicts: Verdicts? = nil, _ workspace: borrowing Workspace, size: Int
  ) throws -> [BasisPictures.Example] {
    var chosen: [(hash: (UInt64, UInt64), directory: String, row: Int)] = []
    for (index, shard) in shards.enumerated() {
      let directory = workspace.columns(shard.name)
      for (row, key) in try KeyFile.keys(directory + "/keys.txt").enumerated() {
        guard verdicts?.isKept(shard: index, row: row) ?? true else { continue }
        let hash = KeyUniqueness.hashWords(key)
        if chosen.count == exampleCount, hash >= chosen[exampleCount - 1].hash { continue }
        let place = chosen.firstIndex { hash < $0.hash } ?? chosen.count
        chosen.insert((hash, directory, row), at: place)
        if chosen.count > exampleCount { chosen.removeLast() }
      }
    }
    return try chosen.map { hash, directory, row in
      let pixels = try NpyReader(path: directory + "/thumbnail.npy").rows(row..<(row + 1))
      return BasisPictures.Example(
        pixels: PixelLayout.planar(pixels.span, pixels: size * size), keyHash: hash.0)
    }
  }
}
