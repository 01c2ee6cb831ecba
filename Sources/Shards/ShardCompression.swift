/// How a published shard is compressed as a whole.
public enum ShardCompression: Sendable, Hashable {
  case none
  /// One gzip member; `level` 1 to 9, nil for 6.
  case gzip(level: Int? = nil)
  /// One zstd frame; `level` 1 to 22, nil for 3. `window`: base-2 logarithm of the window in which long matches are looked for
  /// (10 to 27, what every reader accepts); nil for that of the level, without a search for long matches.
  case zstd(level: Int? = nil, window: Int? = nil)

  static let gzipLevel = 6
  static let zstdLevel = 3

  /// `tar`, `tar.gz` or `tar.zst`.
  public var tarExtension: String {
    switch self {
    case .none: "tar"
    case .gzip: "tar.gz"
    case .zstd: "tar.zst"
    }
  }

  /// `none`, `gzip`, `zstd:9`: as MDS and manifests write it, the level where one was given (LitData opens MDS without
  /// one only); the window is not part of it.
  public var text: String {
    switch self {
    case .none: "none"
    case .gzip(let level): "gzip" + (level.map { ":\($0)" } ?? "")
    case .zstd(let level, _): "zstd" + (level.map { ":\($0)" } ?? "")
    }
  }

  /// Bytes that compressing takes at most, roughly.
  public func memory(threads: Int) -> Int {
    switch self {
    case .none: 0
    case .gzip: 512 << 10
    case .zstd(let level, let window):
      ZstdCompressor.memory(level: level ?? Self.zstdLevel, window: window, threads: threads)
    }
  }

  /// The form that `text` names, with or without a level; nil if there is none such.
  public init?(text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let level = parts.count == 2 ? Int(parts[1]) : nil
    guard parts.count == 1 || level != nil else { return nil }
    switch parts[0] {
    case "none" where level == nil: self = .none
    case "gzip" where (1...9).contains(level ?? Self.gzipLevel): self = .gzip(level: level)
    case "zstd" where (1...22).contains(level ?? Self.zstdLevel): self = .zstd(level: level)
    default: return nil
    }
  }
}
