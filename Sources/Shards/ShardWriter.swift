/// One field to write: its name and where its bytes are.
public struct OutputField: Sendable {
  public var name: String
  public var bytes: ArraySlice<UInt8>

  public init(name: String, bytes: ArraySlice<UInt8>) {
    self.name = name
    self.bytes = bytes
  }
}

/// What a finished shard is, for manifests and sidecars.
public struct WrittenShard: Sendable, Equatable {
  public var samples: Int
  /// Bytes of the file.
  public var bytes: UInt64
  /// SHA-256 of the file, lower-case hex.
  public var sha256: String

  public init(samples: Int, bytes: UInt64, sha256: String) {
    (self.samples, self.bytes, self.sha256) = (samples, bytes, sha256)
  }
}

/// Writes one WebDataset shard, byte-reproducibly: plain USTAR, fields sorted by name, or the same as one zstd
/// frame or gzip member.
public struct ShardWriter: ~Copyable {
  private var sink: CompressedFile
  private var tarBytes = 0
  private var samples = 0
  private var index: DaliIndexWriter?

  /// Writes to an open file, which may be standard output.
  ///
  /// - Parameters:
  ///   - threads: that compress; the bytes do not depend on it.
  ///   - index: gets a line for each sample and is finished before the shard is; only of a plain tar.
  public init(
    _ file: consuming File, compression: ShardCompression = .none, threads: Int = 1,
    index: consuming DaliIndexWriter? = nil
  ) throws {
    sink = try CompressedFile(file, compression, threads: threads)
    self.index = index
    precondition(compression == .none || self.index == nil, "offsets in a compressed tar are of no use")
  }

  /// Bytes that a sample takes in the tar.
  public static func rawBytes(of fields: [OutputField]) -> Int {
    fields.reduce(0) { $0 + 512 + ($1.bytes.count + 511) / 512 * 512 }
  }

  /// Whether the name of a member fits a USTAR header.
  public static func holds(key: [UInt8], field: String) -> Bool {
    key.count + 1 + field.utf8.count <= TarFormat.maximumNameBytes
  }

  /// Writes one sample; nothing of it if a name does not fit.
  ///
  /// - Precondition: `key` is publishable (``SampleKey/safe(_:digest:)``), field names are distinct.
  public mutating func write(key: [UInt8], fields: [OutputField]) throws {
    let members = fields.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      .map { (name: key + [UInt8(ascii: ".")] + Array($0.name.utf8), bytes: $0.bytes) }
    for (name, bytes) in members {
      guard name.count <= TarFormat.maximumNameBytes else {
        throw ShardFault(.badName, at: 0, member: printable(name), "the name does not fit a USTAR header")
      }
      guard bytes.count <= TarFormat.maximumMemberBytes else {
        throw ShardFault(.memberTooLarge, at: 0, member: printable(name), "over 8 GiB")
      }
    }
    if index != nil { try index!.add(places(of: members, keyBytes: key.count)) }
    for (name, bytes) in members {
      try put(TarFormat.header(name: name, size: bytes.count)[...])
      try put(bytes)
      try put(TarFormat.padding(after: bytes.count))
    }
    samples += 1
  }

  /// Where the data of members will be that are written next.
  private func places(of members: [(name: [UInt8], bytes: ArraySlice<UInt8>)], keyBytes: Int) -> [TarPlace] {
    var offset = tarBytes
    return members.map { name, bytes in
      offset += 512
      defer { offset += bytes.count + TarFormat.padding(after: bytes.count).count }
      return TarPlace(name: name, keyBytes: keyBytes, offset: UInt64(offset), size: bytes.count)
    }
  }

  /// Begins to write all samples so far, so that the reader of a pipe gets them; see `CompressedFile`.
  public mutating func flush() throws { try sink.flush() }

  /// Writes the end marker and makes the file durable. The caller renames it.
  public consuming func finish(syncing: Bool = true) throws -> WrittenShard {
    if let index = index.take() { try index.finish() }
    try put(TarFormat.endMarker(after: tarBytes))
    let samples = samples
    let (bytes, sha256) = try sink.finish(syncing: syncing)
    return WrittenShard(samples: samples, bytes: bytes, sha256: sha256)
  }

  private mutating func put(_ bytes: ArraySlice<UInt8>) throws {
    tarBytes += bytes.count
    try sink.write(bytes)
  }
}
