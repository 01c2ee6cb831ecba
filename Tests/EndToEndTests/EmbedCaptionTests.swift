import Foundation
import Testing

/// Caption rows by ONNX models, beside Python's onnxruntime on the ids of Python's tokenizers.
struct EmbedCaptionTests {
  private static let golden = Repository.root + "/Tests/FeaturesTests/Goldens/tokenizers.json"
  private static let runtime = EmbedTests.runtime

  /// Models, tokenizers and captions.
  private func files() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("onnx_models.py", ["%"])
    try folder.expectOracle("onnx_captions.py", ["make", Self.golden, "%"])
    return folder
  }

  private func embed(
    _ folder: TemporaryFolder, _ model: String, _ tokenizer: String, _ more: [String] = [],
    image: String = "clip"
  ) throws -> CommandResult {
    let path = folder.path + "/"
    return try run(
      Repository.tamis,
      [
        "embed", "--model", path + image + ".onnx", "--preset", "clip", "--text-model",
        path + model + ".onnx",
        "--tokenizer", path + tokenizer, path + "captions.tar", "-q", "-o", path + "emb.npy",
      ] + more, environment: Self.runtime)
  }

  @Test("every kind of tokenizer file and of caption model gives the rows of Python's onnxruntime")
  func models() throws {
    let folder = try files()
    let cases: [(String, String, [String], kind: String, length: Int, pooling: String, output: String)] = [
      ("bert", "vocab.txt", [], "wordpiece", 512, "mean", "last_hidden_state"),
      ("bert", "wordpiece.json", ["--text-length", "9"], "wordpiece", 9, "mean", "last_hidden_state"),
      ("bert", "wordpiece.json", ["--text-pooling", "last"], "wordpiece", 512, "last", "last_hidden_state"),
      (
        "bert", "wordpiece.json", ["--text-output", "pooler_output"], "wordpiece", 512, "rows",
        "pooler_output"
      ),
      ("textual", "bytepair.json", [], "bytepair", 77, "rows", "text_embeds"),
      ("textual", "vocab.json", [], "bytepair", 77, "rows", "text_embeds"),
      ("pair", "vocab.txt", [], "wordpiece", 20, "rows", "y"),
      ("joint", "merges", [], "bytepair", 77, "rows", "text_embeds"),
    ]
    // The form in which OpenAI gives it: packed, in a directory.
    let packed = "\(folder.path)/merges/bpe_simple_vocab_16e6.txt.gz"
    let packing = try run(
      "/bin/sh", ["-c", "mkdir '\(folder.path)/merges'; gzip -c '\(folder.path)/simple.txt' > '\(packed)'"])
    #expect(packing.status == 0, "\(packing.errors)")
    for test in cases {
      let result = try embed(folder, test.0, test.1, test.2, image: test.0 == "joint" ? "joint" : "clip")
      #expect(result.status == 0, "\(test): \(result.errors)")
      let cosine = try run(
        Repository.python,
        [
          Repository.oracle("onnx_captions.py"), "check", Self.golden, "\(folder.path)/\(test.0).onnx",
          test.kind,
          "\(test.length)", test.pooling, test.output, folder.path + "/emb.text.npy",
        ])
      #expect((Int(cosine.output.dropLast()) ?? 0) >= 999_999, "\(test): \(cosine.output)\(cosine.errors)")
    }
  }

  @Test("rows of captions do not depend on threads")
  func threads() throws {
    let folder = try files()
    #expect(try embed(folder, "textual", "bytepair.json", ["-j", "1"]).status == 0)
    let one = try #require(folder.data("emb.text.npy"))
    #expect(try embed(folder, "textual", "bytepair.json", ["-j", "2"]).status == 0)
    #expect(folder.data("emb.text.npy") == one)
  }

  @Test("what is no caption model or no tokenizer gets one line that names it, and leaves no array")
  func refusals() throws {
    let folder = try files()
    try folder.write("cut.json", "{\"model\": {\"type\": \"WordPiece\", ")
    try folder.write("none/readme.txt", "nothing here")
    let cases: [(String, String, [String], String)] = [
      ("clip", "vocab.txt", [], "clip.onnx: a caption model has one input of token ids"),
      (
        "textual", "bytepair.json", ["--text-length", "32"], "rows of 77 tokens, not 32: text: int32 [?, 77]"
      ),
      ("bert", "vocab.txt", ["--text-output", "rows"], "no output is called rows; there are pooler_output"),
      ("bert", "absent.json", [], "absent.json: no such file"),
      ("bert", "cut.json", [], "cut.json"), ("bert", "none", [], "no tokenizer in it"),
      ("bert", "bert.onnx", [], "bert.onnx"), ("empty", "vocab.txt", [], "empty.onnx"),
    ]
    for test in cases {
      let result = try embed(folder, test.0, test.1, test.2)
      #expect(result.status == 2, "\(test): \(result.status) \(result.errors)")
      #expect(result.errors.contains(test.3), "\(test): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(test): \(result.errors)")
      #expect(folder.data("emb.text.npy") == nil && folder.data("emb.npy") == nil)
    }
    let lone = try tamis(
      "embed", "--model", folder.path + "/clip.onnx", "--text-model", folder.path + "/bert.onnx",
      folder.path + "/captions.tar", "-o", folder.path + "/emb.npy")
    #expect(lone.status == 2 && lone.errors.contains("--tokenizer"), "\(lone.errors)")
  }
}
