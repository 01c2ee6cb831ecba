public import Decode
public import Shards

/// What to do, read from a YAML file, completed with defaults and validated (design.md 6).
///
/// Paths are resolved against the recipe's directory. Every property's default is the one a missing key has.
public struct Recipe: Sendable, Equatable, Encodable {
  public var input = Input()
  public var decode = Decoding()
  public var features = Features()
  public var prune = Prune()
  public var publish = Publish()
  public var daemon = Daemon()
  public var limits = Limits()
  public var models = ModelRuntime()

  public init() {}

  enum CodingKeys: String, CodingKey { case input, decode, features, prune, publish, daemon, limits }

  /// Which shards are read and what their members mean.
  public struct Input: Sendable, Equatable, Encodable {
    /// A directory, a shard, a pattern of braces and globs, several of them joined by `::`, or `-` for standard
    /// input (see ``ShardSet``).
    public var path = ""
    /// Glob with braces; without a `/` it is matched against file names at any depth.
    public var match = "*.tar{,.gz,.zst}"
    /// Field names that hold the image; the first that a sample has is taken.
    public var imageFields = ["jpg", "jpeg", "png", "webp", "gif"]
    /// One key in two shards: stop with an error, or put the shard's name before every key.
    public var keys = Keys.error
    /// A key whose members are not all adjacent in a shard, or of which a field occurs twice.
    public var duplicates = DuplicatePolicy.reject
    /// Keep the whole samples before a fault of a shard, instead of none.
    public var salvage = false
    /// Read concatenated tars on through their end markers.
    public var ignoresZeros = false

    public enum Keys: String, Sendable, CaseIterable, Encodable { case error, prefix }

    enum CodingKeys: String, CodingKey {
      case path, match, keys, duplicates, salvage
      case imageFields = "image_field"
      case ignoresZeros = "ignore_zeros"
    }
  }

  /// How bytes become pixels and captions.
  public struct Decoding: Sendable, Equatable, Encodable {
    /// Most pixels of one image.
    public var maxPixels = 89_478_485
    /// Most decoding cost of one image; nil is the decoder's own limit.
    public var maxCost: UInt64?
    public var appliesOrientation = true
    public var onBadCaption = CaptionPolicy.keep
    public var onWarning = WarningPolicy.reject
    /// Decode JPEGs at the smallest scale that is large enough for the thumbnail.
    public var isFast = false

    enum CodingKeys: String, CodingKey {
      case maxPixels = "max_pixels"
      case maxCost = "max_cost"
      case appliesOrientation = "apply_orientation"
      case onBadCaption = "on_bad_caption"
      case onWarning = "on_warning"
      case isFast = "fast"
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(maxPixels, forKey: .maxPixels)
      if let maxCost {
        try values.encode(maxCost, forKey: .maxCost)
      } else {
        try values.encode("auto", forKey: .maxCost)
      }
      try values.encode(appliesOrientation, forKey: .appliesOrientation)
      try values.encode(onBadCaption.rawValue, forKey: .onBadCaption)
      try values.encode(onWarning.rawValue, forKey: .onWarning)
      try values.encode(isFast, forKey: .isFast)
    }
  }

  /// Bounds of a run.
  public struct Limits: Sendable, Equatable, Encodable {
    /// Bytes the run may use beside code and libraries.
    public var memory = 2 << 30
    /// Worker threads; nil: one a core.
    public var jobs: Int?
    /// Longest one image may take to decode, see ``RejectCode/deadline``.
    public var imageSeconds = 5
    /// Bytes that the tars of rejected samples may take, all shards together.
    public var quarantine = 1 << 30

    public init() {}

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(memory, forKey: .memory)
      if let jobs { try values.encode(jobs, forKey: .jobs) } else { try values.encode("auto", forKey: .jobs) }
      try values.encode(imageSeconds, forKey: .imageSeconds)
      try values.encode(quarantine, forKey: .quarantine)
    }

    enum CodingKeys: String, CodingKey {
      case memory, jobs, quarantine
      case imageSeconds = "image_seconds"
    }
  }
}

/// Everything wrong with a recipe at once, each problem with its key path.
public struct RecipeError: Error, Sendable, Equatable {
  /// The recipe file.
  public let path: String
  /// `publish.compress: unknown value 'lz4'; expected none or zstd`.
  public let problems: [String]
}
