/// One column of an MDS data set: its name, and how StreamingDataset decodes it (spec/ecosystem.md B3).
public struct MDSColumn: Sendable, Equatable, Codable {
  public var name: String
  /// `str`, `bytes`, `jpeg`, `png`, `json`, `int`, `ndarray:uint8:384`…
  public var encoding: String
  /// Bytes of every value; nil where they differ.
  public var size: Int?

  public init(_ name: String, _ encoding: String, size: Int? = nil) {
    (self.name, self.encoding, self.size) = (name, encoding, size)
  }
}

/// What `index.json` says of one shard.
public struct MDSShardInfo: Sendable, Equatable {
  public var samples: Int
  /// Before compression: bytes and SHA-256.
  public var raw: (name: String, bytes: UInt64, sha256: String)
  /// As stored, where it is compressed.
  public var stored: (name: String, bytes: UInt64, sha256: String)?

  public init(
    samples: Int, raw: (name: String, bytes: UInt64, sha256: String),
    stored: (name: String, bytes: UInt64, sha256: String)?
  ) {
    (self.samples, self.raw, self.stored) = (samples, raw, stored)
  }

  public static func == (a: MDSShardInfo, b: MDSShardInfo) -> Bool {
    a.samples == b.samples && a.raw == b.raw && a.stored?.name == b.stored?.name
      && a.stored?.bytes == b.stored?.bytes && a.stored?.sha256 == b.stored?.sha256
  }
}

/// What all shards of an MDS data set have in common (MDS version 2).
public struct MDSFormat: Sendable {
  /// By name.
  public let columns: [MDSColumn]
  public let compression: ShardCompression
  /// Most bytes of a shard before compression, as its own writer counts them.
  public let sizeLimit: Int
  /// The JSON inside each shard.
  let config: [UInt8]

  /// The size limit of MDS's own writer.
  public static let defaultSizeLimit = 1 << 26

  /// - Precondition: names and encodings are of ASCII without quotes, backslashes and control bytes.
  public init(_ columns: [MDSColumn], compression: ShardCompression, sizeLimit: Int) {
    self.columns = columns.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    self.compression = compression
    self.sizeLimit = sizeLimit
    config = Array(
      ("{" + Self.common(self.columns, compression, sizeLimit).joined(separator: ", ") + "}").utf8)
  }

  /// `shard.00000.mds`.
  public static func rawName(_ index: Int) -> String {
    let number = String(index)
    return "shard." + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".mds"
  }

  /// What a shard is called in the file system.
  public func name(_ index: Int) -> String { Self.rawName(index) + (compression == .none ? "" : ".zstd") }

  /// `index.json`, as Python's `json.dumps(…, sort_keys=True)` writes it: exactly the keys that readers accept.
  public func index(_ shards: [MDSShardInfo]) -> [UInt8] {
    let entries = shards.map { shard in
      var parts = Self.common(columns, compression, sizeLimit)
      // Keys are sorted: `raw_data` and `samples` stand between `hashes` and `size_limit`.
      let place = parts.firstIndex { $0.hasPrefix("\"size_limit\"") }!
      parts.insert(
        contentsOf: ["\"raw_data\": \(Self.file(shard.raw))", "\"samples\": \(shard.samples)"], at: place)
      parts.append("\"zip_data\": " + (shard.stored.map(Self.file) ?? "null"))
      return "{" + parts.joined(separator: ", ") + "}"
    }
    return Array("{\"shards\": [\(entries.joined(separator: ", "))], \"version\": 2}".utf8)
  }

  private static func common(_ columns: [MDSColumn], _ compression: ShardCompression, _ sizeLimit: Int)
    -> [String]
  {
    func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }
    func quoted(_ text: String) -> String { "\"\(text)\"" }
    return [
      "\"column_encodings\": " + list(columns.map { quoted($0.encoding) }),
      "\"column_names\": " + list(columns.map { quoted($0.name) }),
      "\"column_sizes\": " + list(columns.map { $0.size.map(String.init) ?? "null" }),
      "\"compression\": " + (compression == .none ? "null" : quoted(name(of: compression))),
      "\"format\": \"mds\"",
      "\"hashes\": [\"sha256\"]",
      "\"size_limit\": \(sizeLimit)",
      "\"version\": 2",
    ]
  }

  /// `zstd` alone is level 3 to MDS's writer, and the only name with which LitData (0.2.76) opens the shards.
  private static func name(of compression: ShardCompression) -> String {
    if case .zstd(ShardCompression.zstdLevel, _) = compression { return "zstd" }
    return compression.text
  }

  private static func file(_ file: (name: String, bytes: UInt64, sha256: String)) -> String {
    "{\"basename\": \"\(file.name)\", \"bytes\": \(file.bytes), \"hashes\": {\"sha256\": \"\(file.sha256)\"}}"
  }
}
