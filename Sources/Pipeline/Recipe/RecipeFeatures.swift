public import Algebra
public import Decode

extension Recipe {
  /// What is computed from each sample.
  public struct Features: Sendable, Equatable, Encodable {
    /// Made of every accepted image, whether or not a PCA is fitted.
    public var thumbnail = Thumbnail()
    /// The PCA of the thumbnails; nil: none is fitted unless the `pixels` encoder needs it.
    public var pca: PCA?
    /// The image embedding; nil: none unless pruning needs it.
    public var image: ImageEncoder?
    /// Masks of image patches that can be published; nil: none.
    public var patches: Patches?

    /// As in the file: thumbnail and PCA are one section, and without it nothing asks for a PCA.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      if let pca { try values.encode(PCASection(thumbnail: thumbnail, pca: pca), forKey: .pca) }
      if let image { try values.encode(["encoder": image.rawValue], forKey: .image) }
      if let patches { try values.encode(patches, forKey: .patches) }
    }

    enum CodingKeys: String, CodingKey { case pca, image, patches }
  }

  /// The image encoders of this version.
  public enum ImageEncoder: String, Sendable, CaseIterable, Encodable {
    /// Whitened leading principal components of the thumbnail (rule 10); needs no model file.
    case pixels
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
    /// Leading components kept; nil: all min(N, D).
    public var components: Int?
    public var standardize = Standardization.feature
    /// The masks that can be published.
    public var mask = Mask()

    enum CodingKeys: String, CodingKey { case components, standardize, mask }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      if let components { try values.encode(components, forKey: .components) }
      try values.encode(standardize.rawValue, forKey: .standardize)
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
