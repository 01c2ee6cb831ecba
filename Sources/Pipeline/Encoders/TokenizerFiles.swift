import Features
import Shards

/// The files of a caption model's tokenizer.
struct TokenizerFiles {
  let tokenizer: any CaptionTokenizer
  /// SHA-256 of each file read.
  let digests: [String]

  /// Longest file read, unpacked.
  private static let maximumBytes = 64 << 20

  /// Loads a tokenizer.
  ///
  /// - Parameter path: a `tokenizer.json`; a `vocab.json` with a `merges.txt` beside it; BERT's `vocab.txt`; CLIP's
  ///   `bpe_simple_vocab_16e6.txt` or `.txt.gz`; or a directory with one of them, the first in this order.
  /// - Throws: ``PipelineError`` naming the file and what is wrong with it.
  init(_ path: String) throws {
    let file = try Self.file(path)
    let digest = try Self.digest(file)
    let bytes = try Self.read(file)
    let name = Directory.name(of: file)
    do throws(TokenizerError) {
      switch Self.kind(name, bytes) {
      case .json:
        tokenizer = try captionTokenizer(json: bytes, file: file)
        digests = [digest]
      case .vocabularyJSON:
        let merges = Directory.parent(of: file) + "/merges.txt"
        guard let mergeBytes = try? Self.read(merges), let mergeDigest = try? Self.digest(merges) else {
          throw TokenizerError("\(file): a vocab.json needs its merges.txt beside it")
        }
        tokenizer = try BytePairTokenizer(vocabulary: bytes, merges: mergeBytes, file: file)
        digests = [digest, mergeDigest]
      case .merges:
        tokenizer = try BytePairTokenizer(merges: bytes, file: file)
        digests = [digest]
      case .vocabulary:
        tokenizer = try WordPieceTokenizer(
          vocabulary: bytes, lowercases: Self.lowercases(beside: file), file: file)
        digests = [digest]
      }
    } catch {
      throw PipelineError(.usage, error.description)
    }
  }

  private enum Kind { case json, vocabularyJSON, merges, vocabulary }

  private static func kind(_ name: String, _ bytes: [UInt8]) -> Kind {
    if name.hasPrefix("vocab.json") { return .vocabularyJSON }
    if bytes.first(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }) == UInt8(ascii: "{") { return .json }
    let firstLine = bytes.prefix(256).prefix { $0 != 0x0A }
    return String(decoding: firstLine, as: UTF8.self).contains("#version")
      || name.hasPrefix("bpe_simple_vocab")
      ? .merges : .vocabulary
  }

  /// What a directory holds of the files that a tokenizer may have; a file is itself.
  private static func file(_ path: String) throws(PipelineError) -> String {
    let status: FileStatus?
    do { status = try FileStatus(path: path) } catch { throw PipelineError(.usage, error.description) }
    guard let status else { throw PipelineError(.usage, "\(path): no such file") }
    guard status.isDirectory else { return path }
    let names = [
      "tokenizer.json", "vocab.json", "vocab.txt", "bpe_simple_vocab_16e6.txt",
      "bpe_simple_vocab_16e6.txt.gz",
    ]
    for name in names where ((try? FileStatus(path: path + "/" + name)) ?? nil) != nil {
      return path + "/" + name
    }
    throw PipelineError(
      .usage, "\(path): no tokenizer in it; expected one of \(names.joined(separator: ", "))")
  }

  private static func digest(_ path: String) throws -> String {
    do throws(FileError) { return try FileDigest(path: path).sha256 } catch {
      throw PipelineError(.usage, error.description)
    }
  }

  private static func read(_ path: String) throws -> [UInt8] {
    do { return try UnpackedFile.read(path, maximumBytes: maximumBytes) } catch {
      throw PipelineError(.usage, error.description)
    }
  }

  /// What `tokenizer_config.json` says of a vocabulary that does not say it itself.
  private static func lowercases(beside file: String) -> Bool {
    struct Configuration: Decodable {
      var lowercases: Bool?
      enum CodingKeys: String, CodingKey { case lowercases = "do_lower_case" }
    }
    let path = Directory.parent(of: file) + "/tokenizer_config.json"
    guard let bytes = try? read(path), let found = try? JSON.decode(Configuration.self, from: bytes) else {
      return true
    }
    return found.lowercases ?? true
  }
}
