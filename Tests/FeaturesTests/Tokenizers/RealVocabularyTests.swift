import Features
import Foundation
import TestSupport
import Testing

/// MiniLM's and CLIP's own vocabularies over thousands of captions. They are not in the repository: the test runs where
/// `scripts/build-models` was run, which fetches both.
@Suite("Tokenizers with real vocabularies")
struct RealVocabularyTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    .standardizedFileURL
  static let python = root.appending(path: ".deps/models-venv/bin/python")
  static let isThere =
    FileManager.default.isExecutableFile(atPath: python.path)
    && FileManager.default.fileExists(atPath: root.appending(path: ".deps/models/minilm.vocab.txt").path)

  @Test("every caption gives the oracle's ids", .enabled(if: isThere, "needs scripts/build-models"))
  func ids() throws {
    let folder = try TemporaryDirectory()
    let out = URL(filePath: folder.path)
    let oracle = Process()
    oracle.executableURL = Self.python
    oracle.arguments = [
      Self.root.appending(path: "Tests/FeaturesTests/oracle/make_tokenizer_goldens.py").path, "--full",
      out.path,
      Self.root.appending(path: ".deps").path,
    ]
    try oracle.run()
    oracle.waitUntilExit()
    try #require(oracle.terminationStatus == 0)
    let golden = try JSONDecoder().decode(
      TokenizerGolden.self, from: Data(contentsOf: out.appending(path: "ids.json")))
    #expect(golden.captions.count >= 2500)
    try golden.expectAll { Array(try Data(contentsOf: out.appending(path: $0))) }
  }
}
