public import Decode
public import Shards

extension Recipe {
  /// Where and how the kept samples are written.
  public struct Publish: Sendable, Equatable, Encodable {
    /// Empty: nothing is published.
    public var path = ""
    public var format = Format.webdataset
    /// Of whole shards.
    public var compress = ShardCompression.none
    /// Most samples of a shard; `Int.max` (`all`) for one shard.
    public var samplesPerShard = 10_000
    /// Most bytes of a shard before compression; nil: no bound but for MDS (64 MiB, as its own writer has).
    public var shardBytes: Int?
    /// Digits of the shard numbers in file names.
    public var digits = 5
    public var order = Order.input
    /// Fields made for each published sample.
    public var add: [Added] = []
    public var image = Image()
    /// The name of every sample's image field; nil leaves each its own.
    public var imageField: String?
    /// The fields of the samples, by name; nil for all that they have.
    public var fields: [Selection]?
    /// What to do about a field that some published samples have and others lack.
    public var missing = Missing.error
    /// Which files are written beside the shards; nil: all that apply but the subset.
    public var sidecars: [Sidecar]?

    public enum Format: String, Sendable, CaseIterable, Encodable {
      /// Tar shards of samples.
      case webdataset
      /// MDS v2 shards, as StreamingDataset and LitData read them.
      case mds
      /// Arrays of the added fields, without the samples themselves.
      case npy
      /// Tar shards of the added fields, one for each input shard, with its keys in its order.
      case columns
    }

    public enum Added: String, Sendable, CaseIterable, Encodable {
      /// `mask.npy`, `|u1 (ceil(L/8),)`, see ``Mask``.
      case mask
      /// `mask_ratio.npy`, `<f4 (2,)`: the share of variance drawn and the one realised.
      case ratio
      /// `coefficients.npy`, `(L,)`: the standardised thumbnail in the basis.
      case coefficients
      /// `visible.npy`, `(3, S, S)`: the standardised thumbnail less its masked part.
      case visible
      /// `target.npy`: see ``MaskTarget``.
      case target
      /// `patches.npy`, `|u1 (ceil(H·W/8),)`, see ``Patches``.
      case patches
      /// `embedding.npy`, `<f2 (d,)`: the row of `image.npy`.
      case embedding
      /// `text_embedding.npy`, `<f2 (t,)`: the row of `text.npy`.
      case text
      /// `joint_embedding.npy`, `<f2 (t,)`: the row of `joint.npy`.
      case joint
      /// `thumbnail.npy`, `|u1 (S, S, 3)`.
      case thumbnail

      /// Those that component masks are made for.
      static let ofMask: [Added] = [.mask, .ratio, .coefficients, .visible, .target]
      /// Those that are rows of the workspace's columns.
      static let stored: [Added] = [.embedding, .text, .joint, .thumbnail]
    }

    /// Order of the published samples.
    public enum Order: Sendable, Equatable, Encodable {
      /// Shard names bytewise, then offset.
      case input
      /// Key bytes.
      case key
      /// A permutation that depends on the seed and the keys alone.
      case shuffle(seed: UInt64)

      public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .input: try value.encode("input")
        case .key: try value.encode("key")
        case .shuffle(let seed): try value.encode(["shuffle": seed])
        }
      }
    }

    /// What becomes of the pictures, in the words of img2dataset.
    public struct Image: Sendable, Equatable {
      public var form = Form.keep
      /// Side in pixels; see ``ResizeMode``.
      public var size = 256
      public var mode = ResizeMode.border
      /// 0 to 100, of JPEG.
      public var quality = 95
      public var format = EncodeFormat.jpg
      public var onlyIfBigger = false
      public var filter = ResampleFilter.bicubic

      public enum Form: String, Sendable, CaseIterable, Encodable {
        /// The stored bytes.
        case keep
        /// Resized and encoded again.
        case resize
        /// `|u1 (H, W, 3)`.
        case raw
      }
      public enum EncodeFormat: String, Sendable, CaseIterable, Encodable { case jpg, png }
    }

    /// One field of the published samples.
    public struct Selection: Sendable, Equatable {
      public var name: String
      /// The first of these that a sample has is published under ``name``.
      public var sources: [String]
    }

    public enum Missing: String, Sendable, CaseIterable, Encodable {
      /// Stop before anything is written.
      case error
      /// Publish it with no bytes.
      case empty
      /// Leave the field out of all samples.
      case drop
    }

    /// Files beside the shards.
    public enum Sidecar: String, Sendable, CaseIterable, Encodable {
      /// `sizes.json`: samples of each shard.
      case sizes
      /// `__len__`: samples in all.
      case length = "len"
      /// `NNNNN_stats.json`, as img2dataset writes them.
      case stats
      /// `NNNNN.idx` for DALI.
      case index = "idx"
      /// `shardindex.json` for wids.
      case wids
      /// `SHA256SUMS`.
      case sums
      /// `README.md`, a data card.
      case card
      /// `subset.npy`: the DataComp uids of the samples.
      case subset
    }
  }
}

extension Recipe.Publish {
  enum CodingKeys: String, CodingKey {
    case path, format, compress, order, add, image, digits, fields, missing, sidecars
    case samplesPerShard = "samples_per_shard"
    case shardBytes = "shard_bytes"
    case imageSize = "image_size"
    case resizeMode = "resize_mode"
    case resizeFilter = "resize_filter"
    case onlyIfBigger = "resize_only_if_bigger"
    case encodeQuality = "encode_quality"
    case encodeFormat = "encode_format"
    case imageField = "image_field"
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(path, forKey: .path)
    try values.encode(format, forKey: .format)
    if case .zstd(let level?, let window?) = compress {
      var compress = values.nestedContainer(keyedBy: NameKey.self, forKey: .compress)
      try compress.encode(level, forKey: NameKey("zstd"))
      try compress.encode(window, forKey: NameKey("window"))
    } else {
      try values.encode(compress.text, forKey: .compress)
    }
    if samplesPerShard == .max {
      try values.encode("all", forKey: .samplesPerShard)
    } else if format != .columns {
      try values.encode(samplesPerShard, forKey: .samplesPerShard)
    }
    try values.encodeIfPresent(shardBytes, forKey: .shardBytes)
    try values.encode(digits, forKey: .digits)
    try values.encode(order, forKey: .order)
    try values.encode(add, forKey: .add)
    try values.encodeIfPresent(sidecars, forKey: .sidecars)
    // Of the samples' own fields.
    guard format == .webdataset || format == .mds else { return }
    try values.encode(missing, forKey: .missing)
    try values.encode(image.form, forKey: .image)
    if image.form != .keep {
      try values.encode(image.size, forKey: .imageSize)
      try values.encode(image.mode.rawValue, forKey: .resizeMode)
      try values.encode(image.filter.rawValue, forKey: .resizeFilter)
      try values.encode(image.onlyIfBigger, forKey: .onlyIfBigger)
      if image.form == .resize {
        if image.format == .jpg { try values.encode(image.quality, forKey: .encodeQuality) }
        try values.encode(image.format, forKey: .encodeFormat)
      }
    }
    try values.encodeIfPresent(imageField, forKey: .imageField)
    if let fields {
      // In their order: a dictionary has another one in every process, and the text would not be the same twice.
      var names = values.nestedContainer(keyedBy: NameKey.self, forKey: .fields)
      for field in fields { try names.encode(field.sources, forKey: NameKey(field.name)) }
    }
  }
}

/// A key of a mapping whose names are data.
struct NameKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}
