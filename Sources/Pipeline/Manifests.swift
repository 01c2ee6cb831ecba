import Shards

/// Version of the program, in every manifest.
public let tamisVersion = "0.1.0"

/// `manifest.json` of `columns/<shard>/`: what went in, what came out, and the hash of every file.
struct ColumnManifest: Codable, Equatable {
  struct Input: Codable, Equatable {
    /// Of the file as stored.
    var sha256: String
    var bytes: UInt64
    /// `gzip`, `zstd` or `none`.
    var compression: String
    /// Offset of data behind the end marker, if there was any.
    var trailingDataOffset: UInt64?
    /// Members that belong to no sample.
    var skippedMembers: Int
    /// Keys that came in several parts.
    var repeatedKeys: Int
    /// How it was read: publishing must read it in the same way.
    var duplicates: DuplicatePolicy
    var salvage: Bool
    var ignoresZeros: Bool
    /// Where the shard breaks, if the samples before were salvaged.
    var fault: Fault?

    struct Fault: Codable, Equatable {
      var code: String
      var offset: UInt64
      var member: String
      var message: String
    }

    enum CodingKeys: String, CodingKey {
      case sha256, bytes, compression, duplicates, salvage, fault
      case repeatedKeys = "repeated_keys"
      case ignoresZeros = "ignore_zeros"
      case trailingDataOffset = "trailing_data_offset"
      case skippedMembers = "skipped_members"
    }
  }

  struct FileEntry: Codable, Equatable {
    var bytes: UInt64
    var sha256: String
  }

  var tamis = tamisVersion
  /// Hash of the parts of the recipe that ingest depends on.
  var recipe: String
  var input: Input
  /// Samples in = accepted + rejected.
  var samples: Int
  var accepted: Int
  var rejected: [String: Int]
  /// Keys made safe, or told apart from others of their shard.
  var renamed: Int
  /// Fields made safe.
  var renamedFields: Int
  /// The different sets of fields that accepted samples have, see ``FieldSetColumn``.
  var fieldSets: [[String]]
  var files: [String: FileEntry]
  /// Feature columns and what made them.
  var encoders: [String: String]
  var openblasKernel: String

  enum CodingKeys: String, CodingKey {
    case tamis, recipe, input, samples, accepted, rejected, renamed, files, encoders
    case renamedFields = "renamed_fields"
    case fieldSets = "field_sets"
    case openblasKernel = "openblas_kernel"
  }
}

/// `MANIFEST.json` of OUT.
struct PublishManifest: Codable, Equatable {
  static let file = "MANIFEST.json"

  struct Shard: Codable, Equatable {
    var name: String
    var samples: Int
    /// Of the file, or of all ``files``.
    var bytes: UInt64
    /// Of the file; nil for a directory of arrays.
    var sha256: String?
    /// Before compression, of MDS.
    var raw: ColumnManifest.FileEntry?
    /// Arrays of the shard.
    var files: [String: ColumnManifest.FileEntry]?
  }

  var tamis = tamisVersion
  /// Identifies recipe part and input; an equal key means equal bytes.
  var key: String
  var format: String
  var compress: String
  var samples: Int
  var shards: [Shard]
  /// The `basis_sha256` of the PCA that masks and coefficients belong to.
  var basis: String?
  /// Added fields of every sample, by name.
  var fields: [String: AddedFields.Description]?
  /// Columns of MDS.
  var columns: [MDSColumn]?
  /// The other files of the directory but this one and `SHA256SUMS`.
  var files: [String: ColumnManifest.FileEntry]?
  /// How component masks, and visible images and targets with them, were drawn.
  var mask: MaskManifest?
  /// How patch masks were drawn.
  var patches: MaskManifest?
  /// Where the shards are as seen from here; nil for here.
  var root: String?

  /// The ``key`` of what a stream publishes.
  static let streamKey = "stream"
  /// The ``key`` of shards that others made and `tamis index` looked at.
  static let indexKey = "index"

  /// - Parameters:
  ///   - fields: the computed ones.
  ///   - added: all added ones.
  init(
    key: String, _ publish: Recipe.Publish, shards: [Shard], _ fields: AddedFields?,
    _ added: [String: AddedFields.Description]
  ) {
    (self.key, self.format, self.compress) = (key, publish.format.rawValue, publish.compress.text)
    self.shards = shards
    samples = shards.reduce(0) { $0 + $1.samples }
    basis = fields?.basis
    self.fields = added.isEmpty ? nil : added
    (mask, patches) = fields?.maskManifests ?? (nil, nil)
  }
}

extension ColumnManifest.FileEntry {
  /// Hashes a finished file.
  init(path: String) throws {
    let digest = try FileDigest(path: path)
    self.init(bytes: digest.bytes, sha256: digest.sha256)
  }
}
