public import Algebra
public import Decode
public import Features

extension Recipe {
  /// What is computed from each sample.
  public struct Features: Sendable, Equatable, Encodable {
    /// Made of every accepted image, whether or not a PCA is fitted.
    public var thumbnail = Thumbnail()
    /// The PCA of the thumbnails; nil: none is fitted unless the `pixels` encoder needs it.
    public var pca: PCA?
    /// The image embedding; nil: none unless pruning needs it.
    public var image: ImageEncoder?
    /// The caption embedding; nil: none.
    public var text: TextEmbedding?
    /// Masks of image patches that can be published; nil: none.
    public var patches: Patches?
    /// Whether ingest writes `quality.npy`.
    public var measuresQuality = false

    /// Whether images and captions have rows that may be compared as they are: both by models of the user or files.
    var shareSpace: Bool {
      switch (image, text) {
      case (.model?, .model?), (.model?, .file?), (.file?, .model?), (.file?, .file?): true
      default: false
      }
    }

    /// As in the file: thumbnail and PCA are one section, and without it nothing asks for a PCA.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      if let pca { try values.encode(PCASection(thumbnail: thumbnail, pca: pca), forKey: .pca) }
      if let image { try values.encode(image, forKey: .image) }
      if let text { try values.encode(text, forKey: .text) }
      if let patches { try values.encode(patches, forKey: .patches) }
      if measuresQuality { try values.encode(true, forKey: .quality) }
    }

    enum CodingKeys: String, CodingKey { case pca, image, text, patches, quality }
  }

  /// The thumbnail every accepted image becomes, the input of the PCA.
  public struct Thumbnail: Sendable, Equatable, Encodable {
    /// Side S in pixels.
    public var size = 32
    public var fit = ThumbnailFit.crop
    public var filter = ResampleFilter.bicubic

    enum CodingKeys: String, CodingKey { case size, fit, filter }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(size, forKey: .size)
      try values.encode(fit.rawValue, forKey: .fit)
      try values.encode(filter.rawValue, forKey: .filter)
    }
  }

  /// How the principal components are fitted (rule 6).
  public struct PCA: Sendable, Equatable, Encodable {
    /// How the components are chosen.
    public var basis = ComponentBasis.Kind.full
    /// Leading components kept of a full basis, nil: all min(N, D); k of a truncated one. Other bases have D.
    public var components: Int?
    /// Side of a patch, for `basis: patch`.
    public var patch: Int?
    public var standardize = Standardization.feature
    /// Which accepted samples it is fitted on.
    public var fitOn = FitOn.all
    /// The masks that can be published.
    public var mask = Mask()

    public enum FitOn: String, Sendable, CaseIterable {
      case all
      /// Those that pruning keeps: fitted after it.
      case kept
    }

    /// The defaults of a recipe.
    public init() {}

    /// k of a truncated basis where the recipe names none.
    public static let defaultTruncated = 512
    /// Largest k of a truncated basis.
    public static let largestTruncated = 1024
    /// Side of a patch where the recipe names none.
    public static let defaultPatch = 8

    enum CodingKeys: String, CodingKey {
      case basis, components, patch, standardize, mask
      case fitOn = "fit_on"
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(basis.rawValue, forKey: .basis)
      if let patch { try values.encode(patch, forKey: .patch) }
      if let components { try values.encode(components, forKey: .components) }
      try values.encode(standardize.rawValue, forKey: .standardize)
      try values.encode(fitOn.rawValue, forKey: .fitOn)
      try values.encode(mask, forKey: .mask)
    }
  }
}

/// `features.pca` as one section.
private struct PCASection: Encodable {
  var thumbnail: Recipe.Thumbnail
  var pca: Recipe.PCA

  func encode(to encoder: any Encoder) throws {
    try thumbnail.encode(to: encoder)
    try pca.encode(to: encoder)
  }
}
