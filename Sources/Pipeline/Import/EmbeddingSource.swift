import Shards

/// Embeddings made elsewhere, as a user names them:
///
/// - `FILE.npy`;
/// - `FILE.npz:NAME`, or `FILE.npz` where it holds one array;
/// - `DIR:NAME`, the array NAME of every `.npz` in DIR, stems bytewise (a DataComp pool);
/// - `DIR`, a clip-retrieval folder (`img_emb/img_emb_0.npy` …, `text_emb/…`), or one of these sub-folders.
///
/// Rows of several parts stand one below the other.
struct EmbeddingSource: Sendable, Equatable {
  /// Which half of a clip-retrieval folder is meant.
  enum Kind: String, Sendable {
    case image = "img_emb"
    case text = "text_emb"
  }

  /// One array.
  enum Part: Sendable, Equatable {
    case file(String)
    /// In an archive; nil: the only array there is.
    case member(path: String, name: String?)

    var path: String {
      switch self {
      case .file(let path), .member(let path, _): path
      }
    }
  }

  /// At least one.
  let parts: [Part]

  /// Looks at what is there; no array is opened.
  ///
  /// - Throws: ``PipelineError`` (usage) when nothing is there or it is no such thing, `NpyError` when a file cannot be
  ///   read.
  init(_ argument: String, _ kind: Kind) throws {
    if let status = try FileStatus(path: argument) {
      parts = status.isDirectory ? try Self.folder(argument, kind) : [try Self.file(argument, nil)]
      return
    }
    guard let colon = argument.lastIndex(of: ":"),
      let status = try FileStatus(path: String(argument[..<colon])),
      argument.index(after: colon) < argument.endIndex
    else { throw PipelineError(.usage, "\(argument): no such file") }
    let (path, name) = (String(argument[..<colon]), String(argument[argument.index(after: colon)...]))
    parts = status.isDirectory ? try Self.pool(path, name) : [try Self.file(path, name)]
  }

  private static func file(_ path: String, _ name: String?) throws -> Part {
    guard try FileStatus(path: path)?.isRegular == true else {
      throw NpyError(path: path, "not a regular file")
    }
    if path.hasSuffix(".parquet") { throw parquet(path) }
    if try NpzArray.isArchive(path) { return .member(path: path, name: name) }
    if let name { throw NpyError(path: path, "no .npz archive, so there is no array '\(name)' in it") }
    return .file(path)
  }

  /// Every archive of a directory.
  private static func pool(_ path: String, _ name: String) throws -> [Part] {
    let names = try Directory.names(in: path) ?? []
    let stems = names.filter { $0.hasSuffix(".npz") }.map { String($0.dropLast(4)) }
    guard !stems.isEmpty else {
      if names.contains(where: { $0.hasSuffix(".parquet") }) { throw parquet(path) }
      throw PipelineError(.usage, "\(path): there is no .npz archive in it")
    }
    return stems.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map {
      .member(path: "\(path)/\($0).npz", name: name)
    }
  }

  /// The parts of a clip-retrieval folder.
  private static func folder(_ path: String, _ kind: Kind) throws -> [Part] {
    let names = try Directory.names(in: path) ?? []
    let other: Kind = kind == .image ? .text : .image
    for prefix in [kind, other] {
      if let parts = try partitions(path, names, prefix.rawValue + "_") { return parts }
    }
    let inner = path + "/" + kind.rawValue
    if let inside = try Directory.names(in: inner) {
      if let parts = try partitions(inner, inside, kind.rawValue + "_") { return parts }
      throw PipelineError(.usage, "\(inner): there is no \(kind.rawValue)_0.npy in it")
    }
    if let archive = names.first(where: { $0.hasSuffix(".npz") }) {
      let arrays = try NpzArray.names(in: path + "/" + archive).prefix(20).joined(separator: ", ")
      throw PipelineError(
        .usage, "\(path): a directory of .npz archives: which array? add :NAME (\(archive) holds \(arrays))")
    }
    if names.contains(where: { $0.hasSuffix(".parquet") }) { throw parquet(path) }
    throw PipelineError(
      .usage,
      "\(path): a directory without .npz archives and without \(kind.rawValue)/\(kind.rawValue)_0.npy")
  }

  /// `<prefix><number>.npy`, by number; nil if there is none.
  private static func partitions(_ path: String, _ names: [String], _ prefix: String) throws -> [Part]? {
    var found: [(number: Int, name: String)] = []
    for name in names where name.hasPrefix(prefix) && name.hasSuffix(".npy") {
      let digits = name.dropFirst(prefix.count).dropLast(4)
      if digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains), let number = Int(digits) {
        found.append((number, name))
      }
    }
    found.sort { $0.number < $1.number }
    for (index, part) in found.enumerated() where part.number != index {
      throw PipelineError(
        .badData,
        part.number < index
          ? "\(path): there are two parts of number \(part.number)"
          : "\(path): part \(index) is missing, there is \(part.name)")
    }
    return found.isEmpty ? nil : found.map { .file("\(path)/\($0.name)") }
  }

  private static func parquet(_ path: String) -> PipelineError {
    PipelineError(
      .usage, "\(path): Parquet is not read; give the .npy or .npz files with the embeddings themselves")
  }
}
